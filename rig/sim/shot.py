"""One picture of one part: the simulator as a function, for training sets and worker processes."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image
from rig.sim.part_library import PartLibrary, library_of
from rig.sim.passages import LyingPart
from rig.sim.quality import FAST, Quality
from rig.sim.render import Renderer
from rig.sim.scene import Scene
from rig.sim.sensor import Sensor
from rig.vision.locate import Box

# Consecutive shots of one session share what is computed once a scene; a worker seldom mixes sessions.
_SCENES_REMEMBERED = 4


@dataclass(frozen=True)
class Shot:
    """All that a picture depends on: equal shots give equal bytes, in any process.

    Attributes:
        scene: light, camera, table and background, as `draw_scene` draws them.
        lying: the part, its colour, its side and its place; None for an empty table.
        angle_deg: how far the table has turned, counter-clockwise seen from above.
        width_px, height_px: of the picture.
        noise_seed: of the noise of this picture.
        quality: FAST or GOOD.
        ldraw: folder of an LDraw library that has the part; None for the built-in ones.
    """

    scene: Scene
    lying: LyingPart | None
    angle_deg: float = 0.0
    width_px: int = 640
    height_px: int = 480
    noise_seed: int = 0
    quality: Quality = FAST
    ldraw: Path | None = None


@dataclass(frozen=True)
class Picture:
    """A shot that was taken.

    Attributes:
        image: (height, width, 3) uint8, BGR.
        mask: (height, width) uint8, 255 where the part is to be seen, and 0.
        box: around the mask; None where no part is to be seen.
    """

    image: Image
    mask: NDArray[np.uint8]
    box: Box | None


def take(shot: Shot) -> Picture:
    """Render a shot.

    Raises:
        BadInput: there is no such part, pose or colour.
    """
    renderer, sensor = _camera(shot.scene, shot.width_px, shot.height_px, shot.quality, shot.ldraw)
    rendering = renderer.render(shot.lying, shot.angle_deg, 1.0)
    image = sensor.develop(sensor.expose(rendering), np.random.default_rng(shot.noise_seed))
    mask = sensor.mask(rendering.share)
    x, y, width, height = cv2.boundingRect(mask)
    return Picture(image, mask, Box(x, y, width, height) if width else None)


@lru_cache(_SCENES_REMEMBERED)
def _camera(
    scene: Scene, width_px: int, height_px: int, quality: Quality, ldraw: Path | None
) -> tuple[Renderer, Sensor]:
    renderer = Renderer(scene, width_px, height_px, shared_library(ldraw), quality)
    return renderer, Sensor(scene, width_px, height_px)


@lru_cache(1)
def shared_library(ldraw: Path | None) -> PartLibrary:
    """The library of all shots of a process, so that no part is baked twice; as `library_of`."""
    return library_of(ldraw)
