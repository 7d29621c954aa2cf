"""The table in a picture: where it is, how steep its brightness changes, and what it looks like when empty.

Pictures are searched at a reduced size, in which all lengths in pixels are meant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image
from rig.dataset.layout import Source
from rig.errors import DatasetError

Mask = NDArray[np.uint8]

# Chosen on the photographs of a real turntable.
WORK_PX = 240  # the long side of the picture that is searched
_BRIGHT = 0.45  # of the 90th percentile: dimmer pixels do not show the table's surface
RIM_PX = 5  # so far from the table's outline, edges are the outline's own

# The kept picture fits when the table has the same outline and most of it the same level: a part covers less
# than half of the table, and a lamp that warms up changes by a few levels.
# An empty table is at least so bright (0 to 255), and with its lamp off at most so bright beside itself lit.
_LIT_LEVEL = 40.0
_DARK_SHARE = 0.5
_LEAST_OVERLAP = 0.95
_MOST_LEVELS = 10.0
# What is on the empty table may show this much stronger, and so far aside, without being a part's.
_KNOWN_EDGES = 1.5
_KNOWN_PX = 5


def reduced(image: Image) -> tuple[Image, float]:
    """The picture at the size that is searched, and by what its lengths were multiplied."""
    scale = min(1.0, WORK_PX / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), scale


def outline(small: Image) -> Mask:
    """1 where the table is, its rim left out, and 0 elsewhere.

    The table is a bright disc in front of something darker, and convex: the hull of the largest bright region
    is the table with all that lies on it. The frame's border counts as rim: where the table's outline just
    touches it, it shows on one side only.
    """
    brightness = cv2.GaussianBlur(_brightest_channel(small), (5, 5), 0)
    bright = (brightness > _BRIGHT * np.percentile(brightness, 90)).astype(np.uint8)
    outlines, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    table = np.zeros(bright.shape, np.uint8)
    if not outlines:
        return table
    cv2.fillConvexPoly(table, cv2.convexHull(max(outlines, key=cv2.contourArea)), 1)
    rim = np.ones((2 * RIM_PX + 1, 2 * RIM_PX + 1), np.uint8)
    return np.asarray(cv2.erode(table, rim, borderType=cv2.BORDER_CONSTANT, borderValue=0), np.uint8)


def distance_from_middle(image: Image, x: float, y: float) -> float:
    """How far a point is from the middle of the table, in units of the table's radius.

    The table is a disc seen aslant, so an ellipse, and the mean square of its points tells its axes: of a
    disc of radius 1 it is a quarter along each. The camera's perspective is left out of account.

    Args:
        image: (height, width, 3) uint8, BGR.
        x, y: in pixels of it.
    """
    small, scale = reduced(image)
    seen = cv2.moments(outline(small), binaryImage=True)
    area = max(seen["m00"], 1.0)
    spread = np.array([[seen["mu20"], seen["mu11"]], [seen["mu11"], seen["mu02"]]]) / area + np.eye(2) / 12
    away = np.array([x * scale - seen["m10"] / area, y * scale - seen["m01"] / area])
    return float(np.sqrt(away @ np.linalg.solve(4 * spread, away)))


def steps(small: Image) -> Mask:
    """Grey levels by which neighbouring pixels differ."""
    smooth = cv2.GaussianBlur(small, (3, 3), 0)
    return _brightest_channel(cv2.morphologyEx(smooth, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)))


@dataclass(frozen=True)
class EmptyTable:
    """A picture of the table with nothing on it, taken with the settings that are locked now.

    Attributes:
        picture: (height, width, 3) uint8, BGR.
    """

    picture: Image

    def fits(self, image: Image) -> bool:
        """Whether `image` shows this table, with the same camera, lamp and settings, whatever lies on it."""
        if image.shape != self.picture.shape:
            return False
        small, _ = reduced(image)
        seen = outline(small)
        either = np.count_nonzero(seen | self._outline)
        if not either or np.count_nonzero(seen & self._outline) < _LEAST_OVERLAP * either:
            return False
        apart = cv2.absdiff(small, self.small).max(axis=2)
        return float(np.median(apart[self._outline > 0])) <= _MOST_LEVELS

    def explains(self, seen: Mask) -> NDArray[np.bool_]:
        """Which of the `steps` of a reduced picture the empty table has as well."""
        return seen <= _KNOWN_EDGES * self._steps_around.astype(np.float32)

    @cached_property
    def level(self) -> float:
        """Brightness of the lit table, 0 to 255."""
        return _level(self.small)

    @cached_property
    def small(self) -> Image:
        """The picture at the size that is searched."""
        return reduced(self.picture)[0]

    @cached_property
    def _outline(self) -> Mask:
        return outline(self.small)

    @cached_property
    def _steps_around(self) -> Mask:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_KNOWN_PX, _KNOWN_PX))
        return np.asarray(cv2.dilate(steps(self.small), disc), np.uint8)


def is_dark(image: Image, empty: EmptyTable | None) -> bool:
    """Whether the lamp is off: the table is far darker than the empty one, or all but black.

    Args:
        image: (height, width, 3) uint8, BGR.
        empty: the table under its lamp; None where nobody knows it.
    """
    level = _level(reduced(image)[0])
    return level < (_LIT_LEVEL if empty is None else _DARK_SHARE * empty.level)


def median_view(images: Sequence[Image]) -> Image:
    """Pixel by pixel: of views all round, what turns with the table is no part of it."""
    return np.asarray(np.median(np.stack(images), axis=0), np.uint8)


def empty_table_path(folder: Path, source: Source) -> Path:
    """Where the picture of the empty table is kept; that of a simulated rig never replaces a real one."""
    return folder / ("empty_table.png" if source == "camera" else "empty_table_simulated.png")


def read_empty_table(path: Path) -> EmptyTable | None:
    """The picture that was kept; None where there is none.

    Raises:
        DatasetError: it is not a picture.
    """
    if not path.exists():
        return None
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise DatasetError(f"{path} is not a readable image", hint="take it anew: rig calibrate camera")
    return EmptyTable(np.asarray(picture, np.uint8))


def _level(small: Image) -> float:
    """Of the table, which is the brightest thing of its size."""
    return float(np.percentile(_brightest_channel(small), 90))


def _brightest_channel(image: cv2.typing.MatLike) -> Mask:
    """The maximum over the channels; NumPy's own takes twenty times longer."""
    blue, green, red = cv2.split(image)
    return np.asarray(cv2.max(cv2.max(blue, green), red), np.uint8)
