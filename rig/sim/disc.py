"""What lies on and beyond the table: the paper disc with its rim, creases and dirt, and the room behind."""

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.sim.geometry import Floats
from rig.sim.pinhole import Pinhole
from rig.sim.raster import Floats32
from rig.sim.scene import Scene

_MOST_TEXELS_PER_MM = 4.0
# A disc of more than 250 mm, for a part of half a metre, is seen from so far that coarser texels do.
_MOST_TEXELS = 2048
# The disc is cut from paper by hand: its radius varies by this share around it.
_UNEVEN_CUT = 0.009
# A pin marks its middle.
_PINHOLE_RADIUS_MM = 0.35
_PINHOLE_REFLECTANCE = 0.3
_GRAIN = 0.006
_SPECKS = 60
_STAINS = 6
_CREASES = 3
_CREASE_DEPTH = 0.1
_SUBPIXEL_BITS = 4


class Disc:
    """The paper on the table as a picture has it.

    Attributes:
        on_table: (height, width) uint8, 1 where the disc may be seen and 0 beyond it.

    Args:
        scene: says how large and how worn it is.
        camera: that looks at it.
        pool: (height, width, 3) float32, how the light varies over the picture.
    """

    def __init__(self, scene: Scene, camera: Pinhole, pool: Floats32) -> None:
        size = (pool.shape[1], pool.shape[0])
        self._size = size
        self._homography = camera.homography
        self._half_mm = scene.disc_radius_mm * (1 + _UNEVEN_CUT)
        self._paper = _paper(scene, self._half_mm)
        self._radius_mm = scene.disc_radius_mm
        self._room = _room(scene, size) * np.array(scene.ambient_rgb[::-1], np.float32) * pool
        place = camera.on_plane(size, 0.0)
        away_mm = np.nan_to_num(np.hypot(place[..., 0], place[..., 1]), posinf=1e6)
        # How many mm one pixel is, outwards, so that the rim's edge is one pixel wide.
        px_mm = np.hypot(*np.gradient(away_mm))
        uncertain_mm = _UNEVEN_CUT * scene.disc_radius_mm + px_mm / 2
        self.on_table: NDArray[np.uint8] = (away_mm <= scene.disc_radius_mm + uncertain_mm).astype(np.uint8)
        self._beyond = 1 - self.on_table
        self._rim = np.flatnonzero(np.abs(away_mm - scene.disc_radius_mm) <= uncertain_mm)
        self._rim_room = self._room.reshape(-1, 3)[self._rim]
        self._rim_mm = away_mm.take(self._rim)
        self._rim_azimuth = np.arctan2(place[..., 1], place[..., 0]).take(self._rim)
        self._rim_px_mm = px_mm.take(self._rim)

    def reflectance(self, table: Floats) -> Floats32:
        """Reflectance (height, width) of the paper relative to clean one; 1 beyond it.

        The table has turned by `table`.
        """
        texel_mm = 2 * self._half_mm / len(self._paper)
        first_mm = texel_mm / 2 - self._half_mm
        texel_to_mm = np.array([[texel_mm, 0, first_mm], [0, texel_mm, first_mm], [0, 0, 1]])
        seen = cv2.warpPerspective(
            self._paper,
            self._homography @ table @ texel_to_mm,
            self._size,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=1,
        )
        return np.asarray(seen, dtype=np.float32)

    def cut_out(self, image: Floats32) -> None:
        """Leave the dark room beyond the disc, wherever its rim is."""
        cv2.copyTo(self._room, self._beyond, image)

    def cut_rim(self, image: Floats32, table: Floats) -> None:
        """Leave the room beyond the uneven rim of a table turned by `table`, but for what `cut_out` does."""
        azimuth = self._rim_azimuth - np.float32(np.arctan2(table[1, 0], table[0, 0]))
        cut_mm = self._radius_mm * (1 + 0.006 * np.sin(3 * azimuth + 0.7) + 0.003 * np.sin(8 * azimuth))
        share = np.clip((cut_mm - self._rim_mm) / self._rim_px_mm + 0.5, 0, 1)[:, None]
        pixels = image.reshape(-1, 3)
        pixels[self._rim] = pixels[self._rim] * share + self._rim_room * (1 - share)


def _paper(scene: Scene, half_mm: float) -> Floats32:
    """Reflectance of the disc, relative to clean paper, as a square texture of the table's frame."""
    rng = np.random.default_rng((scene.seed, 0))
    texels = min(round(2 * half_mm * _MOST_TEXELS_PER_MM), _MOST_TEXELS)
    texels_per_mm = texels / (2 * half_mm)
    grain = rng.standard_normal((texels, texels), np.float32) * np.float32(_GRAIN)
    paper: Floats32 = np.float32(1) + 2 * np.asarray(cv2.GaussianBlur(grain, (0, 0), 1.0), np.float32)
    _stain(paper, texels_per_mm, scene.dirt, rng)
    _crease(paper, scene.seams, rng)
    _speckle(paper, texels_per_mm, scene.dirt, rng)
    middle = round(texels / 2 * (1 << _SUBPIXEL_BITS))
    radius = round(_PINHOLE_RADIUS_MM * texels_per_mm * (1 << _SUBPIXEL_BITS))
    cv2.circle(paper, (middle, middle), radius, _PINHOLE_REFLECTANCE, -1, cv2.LINE_8, _SUBPIXEL_BITS)
    # Clean beyond the disc, so that a picture times the paper keeps the room as it is.
    disc = cv2.circle(np.zeros_like(paper), (middle, middle), middle, 1, -1, cv2.LINE_8, _SUBPIXEL_BITS)
    return np.where(disc > 0, paper, np.float32(1))


def _stain(paper: Floats32, texels_per_mm: float, dirt: float, rng: np.random.Generator) -> None:
    """Broad, faint stains."""
    stains = np.zeros_like(paper)
    for _ in range(round(dirt * _STAINS)):
        x, y = rng.uniform(0, len(paper), 2)
        axes = rng.uniform(4, 12, 2) * texels_per_mm
        ellipse = ((float(x), float(y)), (float(axes[0]), float(axes[1])), float(rng.uniform(0, 180)))
        cv2.ellipse(stains, ellipse, float(rng.uniform(0.02, 0.06)), -1)
    paper *= 1 - cv2.GaussianBlur(stains, (0, 0), 2.0 * texels_per_mm)


def _crease(paper: Floats32, seams: float, rng: np.random.Generator) -> None:
    """Creases across the disc: dark on one flank, bright on the other."""
    for _ in range(_CREASES):
        angle, away = rng.uniform(0, np.pi), rng.uniform(-0.4, 0.4) * len(paper)
        along = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-along[1], along[0]])
        depth = seams * _CREASE_DEPTH * rng.uniform(0.3, 1)
        for flank, level in ((-0.5, -depth), (0.5, 0.6 * depth)):
            middle = len(paper) / 2 + (away + flank * 1.5) * across
            ends = [np.rint(middle + reach * len(paper) * along).astype(int) for reach in (-1, 1)]
            line = np.zeros_like(paper)
            cv2.line(line, ends[0].tolist(), ends[1].tolist(), level, 2, cv2.LINE_8)
            paper += cv2.GaussianBlur(line, (0, 0), 1.0)


def _speckle(paper: Floats32, texels_per_mm: float, dirt: float, rng: np.random.Generator) -> None:
    """Specks of dust and crumbs, smaller than a millimetre."""
    for _ in range(rng.poisson(dirt * _SPECKS)):
        centre = np.rint(rng.uniform(0, len(paper), 2) * (1 << _SUBPIXEL_BITS)).astype(int).tolist()
        radius = round(rng.uniform(0.08, 0.3) * texels_per_mm * (1 << _SUBPIXEL_BITS))
        cv2.circle(paper, centre, radius, rng.uniform(0.5, 0.9), -1, cv2.LINE_8, _SUBPIXEL_BITS)


def _room(scene: Scene, size: tuple[int, int]) -> Floats32:
    """Reflectance (height, width, 3) of what is beyond the disc: boxes and cables, dark and out of focus."""
    rng = np.random.default_rng((scene.seed, 1))
    width, height = size
    room = np.full((height, width, 3), scene.background, np.float32)
    for _ in range(round(14 * scene.clutter)):
        corner, extent = rng.uniform(-0.1, 1, 2) * size, rng.uniform(0.03, 0.25, 2) * size
        box = cv2.boxPoints((corner.tolist(), extent.tolist(), rng.uniform(0, 180)))
        colour = scene.background * rng.uniform(0.3, 4) * rng.uniform(0.7, 1.3, 3)
        cv2.fillPoly(room, [np.rint(box).astype(np.int32)], colour.tolist(), cv2.LINE_8)
    for _ in range(round(6 * scene.clutter)):
        ends = np.rint(rng.uniform(-0.2, 1.2, (2, 2)) * size).astype(int).tolist()
        level = scene.background * rng.uniform(1, 6)
        cv2.line(room, ends[0], ends[1], (level, level, level), max(1, round(height / 160)), cv2.LINE_8)
    return np.asarray(cv2.GaussianBlur(room, (0, 0), height / 200), dtype=np.float32)
