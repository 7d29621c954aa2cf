"""Two frames agree when nothing but noise differs."""

import numpy as np
import pytest

from rig.camera.frame import Image
from rig.vision.stillness import agree
from tests.vision.pictures import Scene, draw


def _scene(seed: int, middle: tuple[float, float] = (0.5, 0.5)) -> Image:
    return draw(Scene("square", middle=middle), seed=seed)


def test_noise_is_no_motion() -> None:
    assert all(agree(_scene(seed), _scene(seed + 1)) for seed in range(5))


@pytest.mark.parametrize("pixels", [1, 2, 20])
def test_a_part_that_moved_is_noticed(pixels: int) -> None:
    before = _scene(1)
    assert not agree(before, np.roll(_scene(2), pixels, axis=1))


def test_a_lamp_that_flickers_a_little_is_no_motion() -> None:
    before = _scene(1)
    brighter = np.clip(_scene(2).astype(np.int16) + 4, 0, 255).astype(np.uint8)
    assert agree(before, brighter)
