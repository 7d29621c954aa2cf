"""Drawn pictures of a turntable with something printed on it, seen at a slant; the angle is known exactly."""

from collections.abc import Generator

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.calibration.turn import Look, Turn, Wanted
from rig.camera.frame import Image

WIDTH_PX, HEIGHT_PX = 320, 240
MICROSTEP_DEG = 0.1125

_TEXTURE_PX = 512
_MARGIN_PX = 64
# Where the corners of the square around the table are in the picture.
_CORNERS_PX = np.array([[75, 45], [245, 45], [315, 225], [5, 225]], np.float32)

Cells = NDArray[np.uint8]


class DrawnTable:
    """A bright table with dark cells of a marker on it, and grain.

    Args:
        cells: (rows, columns) of 0 and 1: the marker.
        cell_share: side of a cell, as a share of the table's diameter.
        middle: of the marker, as a share of the diameter from the table's own middle, down and right.
        noise: standard deviation, in levels.
    """

    def __init__(
        self,
        cells: Cells,
        *,
        cell_share: float = 0.05,
        middle: tuple[float, float] = (0.0, 0.0),
        noise: float = 1.5,
    ) -> None:
        self._texture = _texture(cells, round(cell_share * _TEXTURE_PX), middle)
        self._rng = np.random.default_rng(0)
        # Cut at a random place from a larger tile: quicker than to draw it for each picture.
        size = (HEIGHT_PX + _MARGIN_PX, WIDTH_PX + _MARGIN_PX, 3)
        self._grain = self._rng.standard_normal(size, np.float32) * np.float32(noise)

    def picture(self, angle_deg: float) -> Image:
        """The table at a true angle: (240, 320, 3) uint8."""
        turn = np.eye(3)
        middle_px = (_TEXTURE_PX - 1) / 2
        turn[:2] = cv2.getRotationMatrix2D((middle_px, middle_px), angle_deg, 1.0)
        square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * _TEXTURE_PX
        view = cv2.getPerspectiveTransform(square, _CORNERS_PX) @ turn
        seen = cv2.warpPerspective(self._texture, view, (WIDTH_PX, HEIGHT_PX), borderValue=(25, 25, 25))
        smooth = cv2.GaussianBlur(seen, (5, 5), 0.9).astype(np.float32)
        top, left = self._rng.integers(0, _MARGIN_PX, 2)
        grain = self._grain[top : top + HEIGHT_PX, left : left + WIDTH_PX]
        return np.asarray(np.clip(np.rint(smooth + grain), 0, 255), np.uint8)


def _texture(cells: Cells, side_px: int, middle: tuple[float, float]) -> Image:
    """The table seen from straight above."""
    texture = np.full((_TEXTURE_PX, _TEXTURE_PX, 3), (190, 180, 200), np.uint8)
    printed = np.kron(cells, np.ones((side_px, side_px), np.uint8))
    top, left = (
        round(_TEXTURE_PX * (0.5 + share) - extent / 2)
        for share, extent in zip(middle, printed.shape, strict=True)
    )
    place = texture[top : top + printed.shape[0], left : left + printed.shape[1]]
    place[printed > 0] = (60, 50, 50)
    texture = np.asarray(np.where(_disc()[..., None], texture, np.uint8(25)), np.uint8)
    # A pixel of the picture takes in several texels: a hard edge would jump from one to the next.
    return np.asarray(cv2.GaussianBlur(texture, (0, 0), 1.0), np.uint8)


def _disc() -> NDArray[np.bool_]:
    offset = np.arange(_TEXTURE_PX) - (_TEXTURE_PX - 1) / 2
    return np.asarray(np.hypot(offset[:, None], offset) < _TEXTURE_PX / 2 - 2, np.bool_)


def marker(seed: int, cells: int = 6) -> Cells:
    """A square of random cells, as printed markers have."""
    return np.random.default_rng(seed).integers(0, 2, (cells, cells), np.uint8)


BAR: Cells = np.ones((2, 6), np.uint8)
"""Looks the same after half a turn about its own middle, as a 2x4 brick nearly does."""

NOTHING: Cells = np.zeros((1, 1), np.uint8)


class TurningTable:
    """Serves a search for a full turn from drawn pictures.

    Attributes:
        ratio: degrees that it turns for each that is commanded.
        looks: how many pictures were asked for.
    """

    def __init__(self, drawn: DrawnTable, ratio: float = 1.0) -> None:
        self.drawn = drawn
        self.ratio = ratio
        self.looks = 0

    def picture(self, commanded_deg: float) -> Image:
        """The picture at a commanded angle; a rig with a fault shows another one."""
        return self.drawn.picture(commanded_deg * self.ratio)

    def find(self, search: Generator[Wanted, Look, Turn]) -> Turn:
        """Run a search to its end."""
        try:
            wanted = next(search)
            while True:
                self.looks += 1
                assert wanted.left >= 1
                commanded_deg = round(wanted.angle_deg / MICROSTEP_DEG) * MICROSTEP_DEG
                wanted = search.send(Look(commanded_deg, self.picture(commanded_deg)))
        except StopIteration as end:
            turn: Turn = end.value
            return turn
