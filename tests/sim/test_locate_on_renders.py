"""The part finder on rendered pictures: it sees every part, and nothing on an empty table."""

from itertools import product

import numpy as np
import pytest

from rig.catalog import COLOURS, PartNumber
from rig.sim.parts import PARTS
from rig.sim.passages import LyingPart
from rig.sim.scene import draw_scene
from rig.sim.shot import Shot, take
from rig.vision.locate import locate


@pytest.mark.parametrize("seed", range(25))
def test_an_empty_table_is_empty(seed: int) -> None:
    scene = draw_scene(np.random.default_rng(seed))
    assert locate(take(Shot(scene, None, noise_seed=seed)).image) is None


@pytest.mark.parametrize(("number", "part"), list(enumerate(product(sorted(PARTS), (0, 1)))))
def test_a_part_is_found_where_it_is(number: int, part: tuple[PartNumber, int]) -> None:
    rng = np.random.default_rng(number)
    colour = list(COLOURS)[number % len(COLOURS)]
    lying = LyingPart(part[0], colour, pose=part[1], offset_mm=(2.0, -1.0), yaw_deg=37.0 * number)
    picture = take(Shot(draw_scene(rng), lying, noise_seed=number))
    box = locate(picture.image)
    assert box is not None
    assert picture.box is not None
    assert box.overlap(picture.box) > 0.6
    assert max(box.width, box.height) < 0.75 * picture.image.shape[0]
