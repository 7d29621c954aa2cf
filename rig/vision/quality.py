"""Is a picture good enough to keep: one part, wholly in view, sharp, well exposed, and really turned?

The limits lie well beyond what occurs on 1,200 photographs of single parts on a real turntable (49 of which
show a part that is cut off, or as good as); those for a table that does not turn were chosen on the simulated
rig.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median

import cv2
import numpy as np

from rig.camera.frame import Image
from rig.vision.locate import Box, reaches_border

_BURNT_LEVEL = 250
_BLACK_LEVEL = 5
# Shares of the part's box; the most that occurred was 0.004 and 0.20.
_MOST_BURNT = 0.05
_MOST_BLACK = 0.4
# Of the median over the views before; a brick seen from its end came down to 0.41.
_LEAST_SHARPNESS = 0.3
# How sharp a smaller picture is says more of the side that it shows: at 160 pixels 0.25 occurred.
_SHARP_PX = 320
_VIEWS_TO_COMPARE = 5
_VIEWS_REMEMBERED = 36
# Difference between two views inside the box, in units of the difference elsewhere, which is noise.
_STANDS_STILL = 2.5
_TURNS = 5.0
# Of what a good part of a turn adds to that, 5 degrees added 0.16 at least on the simulated rig.
_SHARE_OF_A_STEP = 0.12
# Views so far apart differ, even of a part that is nearly the same from all sides.
_SHOWS_DEG = 5.0
# Angles of views are rounded to thousandths.
_ROUNDED_DEG = 0.002
TURNED = 3.0
"""A part that differs by so much has turned: 25 degrees made 4 at least, standing still 1.1 at most."""

_COMPARED_PX = 160
# To reduce a picture averages its noise. What the limits were chosen on was reduced by so much at least.
_REDUCED = 4.0


class Flaw(Enum):
    """Why a picture is not kept; the value says it to people."""

    NO_PART = "no part is to be seen"
    SEVERAL_PARTS = "more than one part is to be seen"
    CUT_OFF = "the part is not wholly in view"
    BLURRED = "the picture is blurred"
    BURNT = "the part is overexposed"
    DARK = "the part is underexposed"
    NOT_TURNED = "the part has not turned since the last view"


@dataclass(frozen=True)
class Exposure:
    """Shares of the pixels, 0 to 1: burnt out in some channel, and black in all of them."""

    burnt: float
    black: float


def sharpness(image: Image, box: Box | None) -> float:
    """Variance of the Laplacian of the grey values, inside the box where there is one.

    Grows with focus and with contrast, so compare views of the same part only (Pech-Pacheco et al., 2000).

    Args:
        image: (height, width, 3) uint8, BGR.
        box: where the part is; None for the whole picture.
    """
    pixels = image if box is None else box.pixels(image)
    return float(cv2.Laplacian(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())


def exposure(image: Image, box: Box | None) -> Exposure:
    """How much of the part, or of the whole picture without a box, is burnt out or black.

    Args:
        image: (height, width, 3) uint8, BGR.
        box: where the part is; None for the whole picture.
    """
    brightest = (image if box is None else box.pixels(image)).max(axis=2)
    return Exposure(
        burnt=float(np.mean(brightest >= _BURNT_LEVEL)), black=float(np.mean(brightest <= _BLACK_LEVEL))
    )


def change(before: tuple[Image, Box], after: tuple[Image, Box]) -> float:
    """How much two pictures differ where the part is, in units of how much they differ elsewhere.

    About 1 where nothing but noise differs. A part that looks the same from all sides stays near 1 as well.
    Of small pictures it is as much as of larger ones, which have less noise once they are reduced.

    Args:
        before, after: (height, width, 3) uint8, BGR, of the same size; and where the part is.
    """
    return _change(_sight(*before, 0.0), _sight(*after, 0.0))


@dataclass(frozen=True)
class _Sight:
    """What is remembered of a view: its angle, the reduced picture, and the box of the part in that.

    Attributes:
        noisier: how many times the noise is in it that a picture of 640 pixels would have.
    """

    angle_deg: float
    image: Image
    box: Box
    noisier: float


class Judge:
    """Judges the views of one part in one pose, each against those that were kept before.

    Args:
        turn_shows: two views that are 5 degrees apart are certain to differ if the table turns, once it is
            known what turning does to the picture (`see_turn`, `start_from`). Each view is compared with the
            latest one that is so far away. Otherwise that is learned from the changes from view to view, and
            a table that never turned looks like a part that is round.

    Attributes:
        in_doubt: how many of the views that were kept last may show a table that has stood still since the
            one before them: a table that stalls is stalled for all views that follow.
    """

    def __init__(self, *, turn_shows: bool = False) -> None:
        self.in_doubt = 0
        self._turn_shows = turn_shows
        self._turning: float | None = None
        self._sharpness: deque[float] = deque(maxlen=_VIEWS_REMEMBERED)
        self._changes: deque[float] = deque(maxlen=_VIEWS_REMEMBERED)
        self._seen: deque[_Sight] = deque()

    def flaw(self, image: Image, boxes: Sequence[Box], angle_deg: float) -> Flaw | None:
        """What is wrong with a view; None when it may be kept.

        Args:
            image: (height, width, 3) uint8, BGR.
            boxes: all that lies on the table, as `locate_all` finds it.
            angle_deg: where the table should stand.
        """
        if not boxes:
            return Flaw.NO_PART
        box = boxes[0]
        light = exposure(image, box)
        found = {
            Flaw.SEVERAL_PARTS: len(boxes) > 1,
            Flaw.CUT_OFF: reaches_border(box, image),
            Flaw.BURNT: light.burnt > _MOST_BURNT,
            Flaw.DARK: light.black > _MOST_BLACK,
            Flaw.BLURRED: self._is_blurred(image, box),
            Flaw.NOT_TURNED: self._stands_still(_sight(image, box, angle_deg)),
        }
        return next((flaw for flaw, is_found in found.items() if is_found), None)

    def see_turn(self, changed: float) -> None:
        """Know by how much a good part of a turn changes the picture, as `change` tells."""
        self._turning = changed

    def start_from(self, image: Image, box: Box, angle_deg: float) -> None:
        """The first view is a good part of a turn away from this one, and has to show it."""
        self._seen.append(_sight(image, box, angle_deg))

    def keep(self, image: Image, box: Box, angle_deg: float) -> None:
        """Take note of a view that is kept."""
        sight = _sight(image, box, angle_deg)
        if self._seen:
            changed = _change(self._seen[-1], sight)
            if self._sharpness:
                self._changes.append(changed)
            elif _is_far(self._seen[-1], sight):
                self.see_turn(changed)
        self._sharpness.append(sharpness(image, box))
        if self._turn_shows:
            back = self._views_back(sight)
            self.in_doubt = self.in_doubt + 1 if back is None else 0 if back == 1 else back
        # Of those that are far enough away, only the latest will be asked for again.
        while len(self._seen) > 1 and _is_far(self._seen[1], sight):
            self._seen.popleft()
        self._seen.append(sight)

    def _is_blurred(self, image: Image, box: Box) -> bool:
        if len(self._sharpness) < _VIEWS_TO_COMPARE or max(image.shape[:2]) < _SHARP_PX:
            return False
        return sharpness(image, box) < _LEAST_SHARPNESS * median(self._sharpness)

    def _stands_still(self, sight: _Sight) -> bool:
        """Nothing has changed, although something does whenever the table turns."""
        if not self._turn_shows:
            return self._changes_less_than_usual(sight)
        back = self._views_back(sight)
        if back is None:
            return False
        changed = _change(self._seen[-back], sight)
        if self._turning is None:
            return changed < TURNED
        return changed < min(_STANDS_STILL, 1.0 + _SHARE_OF_A_STEP * (self._turning - 1.0))

    def _views_back(self, sight: _Sight) -> int | None:
        """How many views back the latest one is that has to differ from this one, if there is one."""
        places = range(1, len(self._seen) + 1)
        return next((back for back in places if _is_far(self._seen[-back], sight)), None)

    def _changes_less_than_usual(self, sight: _Sight) -> bool:
        if len(self._changes) < _VIEWS_TO_COMPARE or median(self._changes) < _TURNS:
            return False
        return _change(self._seen[-1], sight) < _STANDS_STILL


def _sight(image: Image, box: Box, angle_deg: float) -> _Sight:
    scale = min(1.0, _COMPARED_PX / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    left, top = int(box.x * scale), int(box.y * scale)
    right, bottom = int((box.x + box.width) * scale) + 1, int((box.y + box.height) * scale) + 1
    box = Box(left, top, right - left, bottom - top)
    return _Sight(angle_deg, np.asarray(small, np.uint8), box, max(1.0, _REDUCED * scale))


def _is_far(one: _Sight, other: _Sight) -> bool:
    """Whether two views are `_SHOWS_DEG` apart, either way round."""
    apart_deg = abs((one.angle_deg - other.angle_deg + 180.0) % 360.0 - 180.0)
    return apart_deg >= _SHOWS_DEG - _ROUNDED_DEG


def _change(before: _Sight, after: _Sight) -> float:
    difference = np.asarray(cv2.absdiff(before.image, after.image), np.float64).mean(axis=2)
    inside = np.zeros(difference.shape, bool)
    for box in (before.box, after.box):
        inside[box.y : box.y + box.height, box.x : box.x + box.width] = True
    noise = max(float(difference[~inside].mean()), 0.05) if not inside.all() else 0.05
    changed = float(difference[inside].mean()) / noise
    return 1.0 + after.noisier * (changed - 1.0)
