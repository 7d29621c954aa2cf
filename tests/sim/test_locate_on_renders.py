"""The part finder on rendered pictures: it sees every part, and nothing on an empty table."""

from itertools import product

import numpy as np
import pytest

from rig.camera.frame import Image
from rig.catalog import COLOURS, PartNumber
from rig.sim.parts import PARTS
from rig.sim.render import Renderer
from rig.sim.scene import Scene, draw_scene
from rig.sim.sensor import Sensor
from rig.sim.world import LyingPart
from rig.vision.locate import locate

SIZE = (640, 480)


def _picture(scene: Scene, lying: LyingPart | None, rng: np.random.Generator) -> tuple[Image, Image]:
    """What the camera sees, and where it differs from the empty table."""
    renderer, sensor = Renderer(scene, *SIZE), Sensor(scene, *SIZE)
    radiance, empty = renderer.render(lying, 0.0, 1.0), renderer.render(None, 0.0, 1.0)
    return sensor.develop(radiance, rng), np.abs(radiance - empty).max(axis=2)


@pytest.mark.parametrize("seed", range(25))
def test_an_empty_table_is_empty(seed: int) -> None:
    rng = np.random.default_rng(seed)
    image, _ = _picture(draw_scene(rng), None, rng)
    assert locate(image) is None


@pytest.mark.parametrize(("number", "part"), list(enumerate(product(sorted(PARTS), (0, 1)))))
def test_a_part_is_found_where_it_is(number: int, part: tuple[PartNumber, int]) -> None:
    rng = np.random.default_rng(number)
    colour = list(COLOURS)[number % len(COLOURS)]
    lying = LyingPart(part[0], colour, pose=part[1], offset_mm=(2.0, -1.0), yaw_deg=37.0 * number)
    image, difference = _picture(draw_scene(rng), lying, rng)
    box = locate(image)
    assert box is not None
    rows, columns = np.nonzero(difference > 0.15 * difference.max())
    middle = (np.median(columns), np.median(rows))
    assert box.x < middle[0] < box.x + box.width
    assert box.y < middle[1] < box.y + box.height
    assert max(box.width, box.height) < 0.75 * SIZE[1]
