"""From light to picture: lens, vignette, white balance, exposure, tone curve and noise. No JPEG."""

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image
from rig.sim.lens import Lens
from rig.sim.pinhole import pinhole_of
from rig.sim.raster import Floats32
from rig.sim.render import Rendering
from rig.sim.scene import Rgb, Scene
from rig.sim.strips import strips

# Noise is cut at a random place from a larger tile, which costs a fraction of drawing it for each frame.
_NOISE_MARGIN_PX = 96


class Sensor:
    """A sensor behind its lens, which turns radiance into the bytes of a frame.

    Args:
        scene: lens, vignette, white balance and noise of the session.
        width_px, height_px: of the pictures.
        light_gain: exposure time times gain, relative to what the scene was set up for.
        noise_gain: by how much the noise is stronger than the scene's.
        white_balance: gains of red, green and blue; None for the scene's.
    """

    def __init__(
        self,
        scene: Scene,
        width_px: int,
        height_px: int,
        *,
        light_gain: float = 1.0,
        noise_gain: float = 1.0,
        white_balance: Rgb | None = None,
    ) -> None:
        size = (width_px, height_px)
        self._lens = Lens(scene, pinhole_of(scene, width_px, height_px), size)
        balance = np.array((white_balance or scene.white_balance)[::-1], np.float32)
        gain = np.float32(scene.exposure * light_gain)
        self._gain = np.ascontiguousarray(_vignette(scene, width_px, height_px) * balance * gain)
        tile = np.random.default_rng(0).standard_normal(
            (height_px + _NOISE_MARGIN_PX, width_px + _NOISE_MARGIN_PX, 3), np.float32
        )
        # In two parts, since bytes are added to bytes in a third of the time that signed noise takes.
        self._brighter, self._darker = (
            np.clip(np.rint(sign * tile * (scene.noise * noise_gain)), 0, 127).astype(np.uint8)
            for sign in (1, -1)
        )

    def expose(self, rendering: Rendering) -> Floats32:
        """The light (height, width, 3) that the lens throws on the sensor, undistorted; means of it blur."""
        return self._lens.focus(rendering.radiance, rendering.dioptres)

    def develop(
        self,
        light: Floats32,
        rng: np.random.Generator,
        *,
        row_turns_deg: NDArray[np.float64] | None = None,
    ) -> Image:
        """The picture of `light` (height, width, 3) as `expose` gives it; `rng` draws this frame's noise.

        Noise is even over all tones: the tone curve undoes how photon noise grows with light.
        `row_turns_deg` as in `Lens.bend`.
        """
        levels: Image = np.empty(light.shape, np.uint8)
        for rows in strips(len(light)):
            exposed = np.asarray(cv2.multiply(light[rows], self._gain[rows]), dtype=np.float32)
            # The root of light in 8 bits holds all that the tone curve, which is nearly a root, can tell
            # apart. NumPy takes roots in half of OpenCV's time.
            roots = cv2.convertScaleAbs(np.sqrt(exposed, out=exposed), alpha=255)
            cv2.LUT(roots, _TONE_CURVE, dst=levels[rows])
        levels = self._lens.bend(levels, row_turns_deg)
        top, left = rng.integers(0, _NOISE_MARGIN_PX, 2)
        height, width = levels.shape[:2]
        cut = np.s_[top : top + height, left : left + width]
        noisy = cv2.subtract(cv2.add(levels, self._brighter[cut]), self._darker[cut])
        return np.asarray(noisy, dtype=np.uint8)

    def mask(self, share: Floats32) -> NDArray[np.uint8]:
        """Where a part is in the picture, (height, width), 255 where it covers at least half of a pixel."""
        levels = np.rint(255 * share).astype(np.uint8)
        return np.where(self._lens.bend(levels) > 127, 255, 0).astype(np.uint8)


def _vignette(scene: Scene, width_px: int, height_px: int) -> Floats32:
    """Share of light that passes the lens, (height, width, 1): falls with the square of the distance."""
    y = np.linspace(-1, 1, height_px, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width_px, dtype=np.float32)[None]
    falloff = 1 - scene.vignette * (x * x + y * y) / 2
    return np.asarray(falloff[..., None], dtype=np.float32)


def _tone_curve() -> NDArray[np.uint8]:
    """Levels by 255 times the root of linear light, after the transfer curve of sRGB (IEC 61966-2-1)."""
    linear = (np.arange(256) / 255) ** 2
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(encoded * 255), dtype=np.uint8)


_TONE_CURVE = _tone_curve()
