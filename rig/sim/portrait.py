"""A picture of a part on the simulated table, in which small parts are as large as large ones."""

from dataclasses import replace
from functools import cache

import numpy as np

from rig.camera.frame import Image
from rig.catalog import ColourCode, PartNumber
from rig.sim.part_library import PartLibrary
from rig.sim.passages import LyingPart
from rig.sim.render import Renderer
from rig.sim.scene import Scene, draw_scene
from rig.sim.sensor import Sensor

SIZE_PX = (640, 480)
_COLOUR = ColourCode(4)
_YAW_DEG = 25.0
# How far a part may reach from its middle so that it just fills the usual camera's picture.
_USUAL_REACH_MM = 36.0
Direction = tuple[float, float, float]
STUDS_UP: Direction = (0.0, 0.0, -1.0)
STUDS_DOWN: Direction = (0.0, 0.0, 1.0)


def portrait(library: PartLibrary, part: PartNumber, pose: int, seen_mm: float) -> Image:
    """A picture of a part on one of its sides, (480, 640, 3) uint8 BGR, always from the same side.

    Args:
        library: has the part.
        part: what the picture is of.
        pose: the side that it lies on.
        seen_mm: how far what is to be seen reaches from the middle of the table.
    """
    scene = _seen_from_further(_usual_scene(), seen_mm / _USUAL_REACH_MM)
    lying = LyingPart(part, _COLOUR, pose, (0.0, 0.0), _YAW_DEG)
    sensor = Sensor(scene, *SIZE_PX)
    light = sensor.expose(Renderer(scene, *SIZE_PX, library).render(lying, 0.0, 1.0))
    return sensor.develop(light, np.random.default_rng(0))


def reach_mm(library: PartLibrary, part: PartNumber, pose: int) -> float:
    """How far a part reaches from the point of the table below its middle."""
    return float(np.linalg.norm(library.baked(part, pose).silhouette, axis=-1).max())


def pose_nearest(library: PartLibrary, part: PartNumber, down: Direction) -> int:
    """The pose of a part in which a direction of its own points most downwards."""
    return int(np.argmax([np.dot(pose.down, down) for pose in library.poses(part)]))


@cache
def _usual_scene() -> Scene:
    return replace(draw_scene(np.random.default_rng(12)), aim_x_mm=0.0, aim_y_mm=0.0, roll_deg=0.0)


def _seen_from_further(scene: Scene, times: float) -> Scene:
    return replace(scene, distance_mm=scene.distance_mm * times, disc_radius_mm=scene.disc_radius_mm * times)
