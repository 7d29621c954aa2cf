"""From light to picture: vignette, white balance, exposure, lens blur, tone curve and noise. No JPEG."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image
from rig.sim.raster import Floats32
from rig.sim.scene import Scene

_REFERENCE_HEIGHT_PX = 480
# Noise is cut at a random place from a larger tile, which costs a fraction of drawing it for each frame.
_NOISE_MARGIN_PX = 96


class Sensor:
    """What turns radiance into the bytes of a frame.

    Args:
        scene: blur, vignette, white balance and noise of the session.
        width_px, height_px: of the pictures.
        light_gain: exposure time times gain, relative to what the scene was set up for.
        noise_gain: by how much the noise is stronger than the scene's.
    """

    def __init__(
        self, scene: Scene, width_px: int, height_px: int, *, light_gain: float = 1.0, noise_gain: float = 1.0
    ) -> None:
        self._blur_px = scene.blur_px * height_px / _REFERENCE_HEIGHT_PX
        self._kernel_px = 2 * math.ceil(2.5 * self._blur_px) + 1
        white_balance = np.array(scene.white_balance[::-1], np.float32)
        gain = np.float32(scene.exposure * light_gain * _TONE_CURVE_TOP)
        self._gain = _vignette(scene, width_px, height_px) * white_balance * gain
        tile = np.random.default_rng(0).standard_normal(
            (height_px + _NOISE_MARGIN_PX, width_px + _NOISE_MARGIN_PX, 3), np.float32
        )
        self._noise_tile = np.clip(np.rint(tile * (scene.noise * noise_gain)), -127, 127).astype(np.int8)

    def develop(self, radiance: Floats32, rng: np.random.Generator) -> Image:
        """The picture of `radiance` (height, width, 3), linear, BGR; `rng` draws the noise of this frame.

        Noise is even over all tones: the tone curve undoes how photon noise grows with light.
        """
        blurred = cv2.GaussianBlur(radiance, (self._kernel_px, self._kernel_px), self._blur_px)
        linear = np.asarray(cv2.multiply(blurred, self._gain, dtype=cv2.CV_16U), dtype=np.uint16)
        levels = np.take(_TONE_CURVE, linear)
        top, left = rng.integers(0, _NOISE_MARGIN_PX, 2)
        height, width = levels.shape[:2]
        grain = self._noise_tile[top : top + height, left : left + width]
        return np.asarray(cv2.add(levels, grain, dtype=cv2.CV_8U), dtype=np.uint8)


def _vignette(scene: Scene, width_px: int, height_px: int) -> Floats32:
    """Share of light that passes the lens, (height, width, 1): falls with the square of the distance."""
    y = np.linspace(-1, 1, height_px, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width_px, dtype=np.float32)[None]
    falloff = 1 - scene.vignette * (x * x + y * y) / 2
    return np.asarray(falloff[..., None], dtype=np.float32)


def _tone_curve() -> NDArray[np.uint8]:
    """Levels 0 to 255 by 16 bit linear light, after the transfer curve of sRGB (IEC 61966-2-1)."""
    linear = np.arange(_TONE_CURVE_TOP + 1) / _TONE_CURVE_TOP
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(encoded * 255), dtype=np.uint8)


_TONE_CURVE_TOP = 65535
_TONE_CURVE = _tone_curve()
