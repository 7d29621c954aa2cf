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
_VIEWS_TO_COMPARE = 5
_VIEWS_REMEMBERED = 36
# Difference between two views inside the box, in units of the difference elsewhere, which is noise.
_STANDS_STILL = 2.5
_TURNS = 5.0
# Of what a good part of a turn adds to that, a step of 5 degrees added 0.17 at least on the simulated rig.
_SHARE_OF_A_STEP = 0.12
TURNED = 3.0
"""A part that differs by so much has turned: 25 degrees made 4 at least, standing still 1.1 at most."""

_COMPARED_PX = 160


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


def change(before: Image, after: Image, boxes: Sequence[Box]) -> float:
    """How much two pictures differ inside the boxes, in units of how much they differ elsewhere.

    About 1 where nothing but noise differs. A part that looks the same from all sides stays near 1 as well.

    Args:
        before, after: (height, width, 3) uint8, BGR, of the same size.
        boxes: where something may have changed.
    """
    scale = min(1.0, _COMPARED_PX / max(after.shape[:2]))
    small = [
        cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for image in (before, after)
    ]
    difference = np.asarray(cv2.absdiff(small[0], small[1]), np.float64).mean(axis=2)
    inside = np.zeros(difference.shape, bool)
    for box in boxes:
        left, top = int(box.x * scale), int(box.y * scale)
        right, bottom = int((box.x + box.width) * scale) + 1, int((box.y + box.height) * scale) + 1
        inside[top:bottom, left:right] = True
    noise = max(float(difference[~inside].mean()), 0.05) if not inside.all() else 0.05
    return float(difference[inside].mean()) / noise


class Judge:
    """Judges the views of one part in one pose, each against those that were kept before.

    Args:
        step_shows: each view is certain to differ from the one before if the table turns, once it is known
            what turning does to the picture (`see_turn`, `start_from`). Otherwise that is learned from the
            views, and a table that never turned looks like a part that is round.
    """

    def __init__(self, *, step_shows: bool = False) -> None:
        self._step_shows = step_shows
        self._turning: float | None = None
        self._sharpness: deque[float] = deque(maxlen=_VIEWS_REMEMBERED)
        self._changes: deque[float] = deque(maxlen=_VIEWS_REMEMBERED)
        self._last: tuple[Image, Box] | None = None

    def flaw(self, image: Image, boxes: Sequence[Box]) -> Flaw | None:
        """What is wrong with a view; None when it may be kept.

        Args:
            image: (height, width, 3) uint8, BGR.
            boxes: all that lies on the table, as `locate_all` finds it.
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
            Flaw.NOT_TURNED: self._stands_still(image, box),
        }
        return next((flaw for flaw, is_found in found.items() if is_found), None)

    def see_turn(self, changed: float) -> None:
        """Know by how much a good part of a turn changes the picture, as `change` tells."""
        self._turning = changed

    def start_from(self, image: Image, box: Box) -> None:
        """The first view is a good part of a turn away from this one, and has to show it."""
        self._last = image, box

    def keep(self, image: Image, box: Box) -> None:
        """Take note of a view that is kept."""
        if self._last is not None:
            changed = self._change(image, box)
            if self._sharpness:
                self._changes.append(changed)
            else:
                self.see_turn(changed)
        self._sharpness.append(sharpness(image, box))
        self._last = image, box

    def _is_blurred(self, image: Image, box: Box) -> bool:
        if len(self._sharpness) < _VIEWS_TO_COMPARE:
            return False
        return sharpness(image, box) < _LEAST_SHARPNESS * median(self._sharpness)

    def _stands_still(self, image: Image, box: Box) -> bool:
        """Nothing has changed, although something does whenever the table turns."""
        if self._last is None:
            return False
        changed = self._change(image, box)
        if not self._sharpness:
            return self._step_shows and changed < TURNED
        if self._step_shows and self._turning is not None:
            return changed < min(_STANDS_STILL, 1.0 + _SHARE_OF_A_STEP * (self._turning - 1.0))
        if len(self._changes) < _VIEWS_TO_COMPARE or median(self._changes) < _TURNS:
            return False
        return changed < _STANDS_STILL

    def _change(self, image: Image, box: Box) -> float:
        assert self._last is not None, "there was a view before"
        before, before_box = self._last
        return change(before, image, (before_box, box))
