"""What a lens and a rolling shutter make of the picture: blur out of focus, bent lines, a sheared table."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image
from rig.sim.pinhole import Pinhole
from rig.sim.raster import Floats32
from rig.sim.scene import Scene

_REFERENCE_HEIGHT_PX = 480
# Blurs that differ by less than this, at the reference height, are taken for the same.
_BLUR_STEP_PX = 0.3
# What is blurred by more is as good as not there; wider blurs would take seconds.
_STRONGEST_BLUR_PX = 20.0
# By how finely the distance from the focus is told apart.
_DEFOCUS_STEP_DIOPTRE = 1 / 16
_STRIP_ROWS = 96
# A shutter is reckoned for a plane through the middle of most parts.
_PART_MIDDLE_MM = 4.0
# A turn by less than this while the rows are read moves nothing on the table by a tenth of a pixel.
_LEAST_TURN_DEG = 0.02


class Lens:
    """The lens of a scene, and the order in which the sensor behind it reads its rows.

    Args:
        scene: focus, depth of field and distortion.
        camera: the pinhole camera that it stands before.
        size: width and height of the pictures.
    """

    def __init__(self, scene: Scene, camera: Pinhole, size: tuple[int, int]) -> None:
        self._scene = scene
        self._focus_dioptre = 1000 / scene.distance_mm + scene.focus_error_dioptre
        self._scale = size[1] / _REFERENCE_HEIGHT_PX
        self._size = size
        self._camera = camera
        steps = np.arange(256, dtype=np.float32) * np.float32(_DEFOCUS_STEP_DIOPTRE)
        blur_px = self.blur_px(self._focus_dioptre + steps)
        levels = np.minimum(blur_px / self._scale, _STRONGEST_BLUR_PX) / _BLUR_STEP_PX
        self._blur_levels = np.rint(levels).astype(np.uint8)
        self._straight = _undistorted(scene.distortion, size)
        self._fixed = cv2.convertMaps(self._straight[..., 0], self._straight[..., 1], cv2.CV_16SC2)
        self._on_table: Floats32 | None = None

    def blur_px(self, dioptres: Floats32) -> Floats32:
        """Standard deviation of the blur, in pixels, of what is 1000 / dioptres mm away."""
        defocus = np.float32(self._scene.defocus_px_per_dioptre) * (
            dioptres - np.float32(self._focus_dioptre)
        )
        # A third of the time that `hypot` takes.
        blur = np.sqrt(defocus * defocus + np.float32(self._scene.blur_px**2))
        return np.asarray(blur * np.float32(self._scale), dtype=np.float32)

    def focus(self, radiance: Floats32, dioptres: Floats32) -> Floats32:
        """The picture (height, width, 3) as the lens projects it.

        Args:
            radiance: (height, width, 3) float32.
            dioptres: (height, width) float32, 1000 over the distance in mm.
        """
        # The root in `blur_px` for every pixel would take longer than the blurring.
        away = cv2.convertScaleAbs(
            dioptres, alpha=1 / _DEFOCUS_STEP_DIOPTRE, beta=-self._focus_dioptre / _DEFOCUS_STEP_DIOPTRE
        )
        level = np.asarray(cv2.LUT(away, self._blur_levels), dtype=np.uint8)
        projected = np.empty_like(radiance)
        for top in range(0, self._size[1], _STRIP_ROWS):
            self._focus_rows(radiance, level, top, projected)
        return projected

    def _focus_rows(
        self, radiance: Floats32, level: NDArray[np.uint8], top: int, projected: Floats32
    ) -> None:
        """Blur a strip of the picture: most strips have one or two levels of blur, the picture has more."""
        strip = level[top : top + _STRIP_ROWS]
        for one in range(int(strip.min()), int(strip.max()) + 1):
            mask = cv2.inRange(strip, one, one)
            x, y, width, height = cv2.boundingRect(mask)
            if width == 0:
                continue
            sigma_px = one * _BLUR_STEP_PX * self._scale
            margin = math.ceil(2.5 * sigma_px) + 1
            first, left = max(0, top + y - margin), max(0, x - margin)
            around = radiance[first : top + y + height + margin, left : x + width + margin]
            inside = np.s_[top + y - first : top + y - first + height, x - left : x - left + width]
            here = np.s_[top + y : top + y + height, x : x + width]
            cv2.copyTo(
                _blurred(around, sigma_px)[inside], mask[y : y + height, x : x + width], projected[here]
            )

    def bend(self, image: Image, row_turns_deg: NDArray[np.float64] | None = None) -> Image:
        """The picture with the lens's distortion, read row by row.

        Args:
            image: (height, width) or (height, width, 3), as a pinhole camera sees it.
            row_turns_deg: by how much the table had turned further when each row was exposed, from the first
                row to the last, at even distances; None for a table that stands still.
        """
        if row_turns_deg is not None and np.ptp(row_turns_deg) > _LEAST_TURN_DEG:
            maps = self._sheared(row_turns_deg)
            bent = cv2.remap(
                image, maps[..., 0], maps[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        elif self._scene.distortion == 0:
            return image
        else:
            bent = cv2.remap(image, *self._fixed, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(bent, dtype=np.uint8)

    def _sheared(self, row_turns_deg: NDArray[np.float64]) -> Floats32:
        """Where each pixel's content is in a picture of the table as it stood for the middle row."""
        if self._on_table is None:
            self._on_table = self._camera.on_plane(self._size, _PART_MIDDLE_MM, self._straight)
        height = self._size[1]
        rows = np.linspace(0, height - 1, len(row_turns_deg))
        turn = np.radians(np.interp(np.arange(height), rows, row_turns_deg)).astype(np.float32)[:, None]
        x, y = self._on_table[..., 0], self._on_table[..., 1]
        cos, sin = np.cos(turn), np.sin(turn)
        to_pixels = self._camera.homography_at(_PART_MIDDLE_MM).astype(np.float32)
        there = cv2.merge([x * cos + y * sin, y * cos - x * sin])
        seen = cv2.perspectiveTransform(there, to_pixels) - np.float32(0.5)
        # The room beyond the table does not turn.
        on_table = np.hypot(x, y) < self._scene.disc_radius_mm
        return np.where(on_table[..., None], seen, self._straight)


def _undistorted(distortion: float, size: tuple[int, int]) -> Floats32:
    """Where each pixel of the picture is in an undistorted one, (height, width, 2), x first.

    A radius r, 1 in the corners, comes from r (1 + distortion r^2), and from within the picture.
    """
    width, height = size
    x = np.arange(width, dtype=np.float32) - np.float32((width - 1) / 2)
    y = np.arange(height, dtype=np.float32)[:, None] - np.float32((height - 1) / 2)
    squared = (x * x + y * y) / np.float32((width * width + height * height) / 4)
    scale = (1 + distortion * squared) / (1 + max(0.0, distortion))
    maps = np.stack([x * scale + (width - 1) / 2, y * scale + (height - 1) / 2], axis=-1)
    return np.asarray(maps, dtype=np.float32)


def _blurred(image: Floats32, sigma_px: float) -> Floats32:
    if sigma_px < 0.1:
        return image
    kernel_px = 2 * math.ceil(2.5 * sigma_px) + 1
    return np.asarray(cv2.GaussianBlur(image, (kernel_px, kernel_px), sigma_px), dtype=np.float32)
