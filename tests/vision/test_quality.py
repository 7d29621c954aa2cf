"""Sharpness falls with blur, exposure counts what is burnt out and black, and flaws are told apart."""

from typing import Any

import cv2
import numpy as np
import pytest

from rig.camera.frame import Image
from rig.vision.locate import Box, locate, locate_all
from rig.vision.quality import Flaw, Judge, change, exposure, sharpness
from tests.vision.pictures import Scene, draw


def test_blur_lowers_sharpness() -> None:
    image = draw(Scene("square"))
    box = locate(image)
    assert box is not None
    values = [
        sharpness(np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8), box)
        for sigma in (0.3, 1, 2, 4)
    ]
    assert values == sorted(values, reverse=True)
    assert values[0] > 10 * values[-1]


def test_sharpness_looks_inside_the_box_only() -> None:
    image = np.full((100, 100, 3), 90, np.uint8)
    image[::2, 50:] = 200
    assert sharpness(image, Box(0, 0, 40, 100)) == 0
    assert sharpness(image, None) > 0


def test_exposure_counts_burnt_and_black_pixels() -> None:
    image = np.full((10, 10, 3), 100, np.uint8)
    image[:2] = 255
    image[2] = 0
    image[3, :, 2] = 255  # one burnt channel is enough
    measured = exposure(image, None)
    assert measured.burnt == 0.3
    assert measured.black == 0.1
    assert exposure(image, Box(0, 5, 10, 5)).burnt == 0


BOX = Box(40, 30, 80, 60)


def noisy(image: Image, seed: int) -> Image:
    noise = np.random.default_rng(seed).normal(0, 0.7, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def grainy(image: Any, seed: int) -> Image:
    """As a camera with little light has it."""
    noise = np.random.default_rng(seed).normal(0, 6.0, image.shape)
    return np.asarray(np.clip(image + noise, 0, 255), np.uint8)


def view(turn_deg: float, seed: int = 0, **scene: Any) -> Image:
    return noisy(draw(Scene("bar", turn_deg=turn_deg, **scene)), seed)


def experienced_judge() -> Judge:
    """A judge who has seen ten good views, 5 degrees apart."""
    judge = Judge()
    for step in range(10):
        image = view(5.0 * step, seed=step)
        boxes = locate_all(image)
        assert judge.flaw(image, boxes, 5.0 * step) is None
        judge.keep(image, boxes[0], 5.0 * step)
    return judge


def test_noise_alone_is_no_change_and_a_turn_is_one() -> None:
    before, same, turned = view(0.0, 1), view(0.0, 2), view(5.0, 3)
    (box,), (turned_box,) = locate_all(before), locate_all(turned)
    assert change((before, box), (same, box)) < 1.5
    assert change((before, box), (turned, turned_box)) > 5


def test_a_turn_is_as_much_of_a_change_in_a_small_picture_that_nothing_averages_the_noise_of() -> None:
    drawn = [draw(Scene("bar", turn_deg=turn_deg), width=640, height=480) for turn_deg in (0.0, 0.0, 25.0)]
    still, turned = [], []
    for size in (640, 480), (320, 240), (160, 120):
        before, same, after = (
            grainy(cv2.resize(image, size, interpolation=cv2.INTER_AREA), seed)
            for seed, image in enumerate(drawn)
        )
        boxes = [Box(size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2)] * 2
        still.append(change((before, boxes[0]), (same, boxes[1])))
        turned.append(change((before, boxes[0]), (after, boxes[1])))
    assert max(still) < 1.5
    assert min(turned) > 0.7 * max(turned) > 3


def test_a_good_view_has_no_flaw() -> None:
    image = view(50.0, seed=99)
    assert experienced_judge().flaw(image, locate_all(image), 50.0) is None


def test_an_empty_table_is_a_flaw() -> None:
    image = noisy(draw(Scene(None)), 1)
    assert Judge().flaw(image, locate_all(image), 50.0) is Flaw.NO_PART


def test_two_parts_are_a_flaw() -> None:
    image = draw(Scene("square", middle=(0.35, 0.5), scale=0.08))
    other = draw(Scene("square", middle=(0.65, 0.6), scale=0.08))
    empty = draw(Scene(None))
    both = np.where(np.abs(other.astype(int) - empty) > 8, other, image)
    assert len(locate_all(both)) == 2
    assert Judge().flaw(both, locate_all(both), 50.0) is Flaw.SEVERAL_PARTS


@pytest.mark.parametrize(
    "box", [Box(0, 30, 50, 50), Box(40, 0, 50, 50), Box(110, 30, 50, 50), Box(40, 70, 50, 50)]
)
def test_a_part_at_the_border_is_a_flaw(box: Box) -> None:
    image = np.full((120, 160, 3), 120, np.uint8)
    assert Judge().flaw(image, [box], 50.0) is Flaw.CUT_OFF


@pytest.mark.parametrize(("level", "flaw"), [(255, Flaw.BURNT), (2, Flaw.DARK), (120, None)])
def test_light_that_hides_the_part_is_a_flaw(level: int, flaw: Flaw | None) -> None:
    image = np.full((120, 160, 3), 120, np.uint8)
    BOX.pixels(image)[:40] = level
    assert Judge().flaw(image, [BOX], 50.0) is flaw


def test_a_blurred_view_is_a_flaw_and_one_from_another_side_is_not() -> None:
    judge = experienced_judge()
    image = view(50.0, seed=50)
    blurred = noisy(np.asarray(cv2.GaussianBlur(draw(Scene("bar", turn_deg=50.0)), (0, 0), 3), np.uint8), 50)
    assert judge.flaw(blurred, locate_all(image), 50.0) is Flaw.BLURRED
    across = view(110.0, seed=51)
    assert judge.flaw(across, locate_all(across), 50.0) is None


def test_a_small_picture_is_never_called_blurred() -> None:
    judge = Judge()
    plain, textured = np.full((120, 160, 3), 120, np.uint8), np.full((120, 160, 3), 120, np.uint8)
    textured[::2] = 90
    for step in range(10):
        judge.keep(textured, BOX, 5.0 * step)
    assert judge.flaw(plain, [BOX], 50.0) is None
    large = [cv2.resize(image, (320, 240)) for image in (plain, textured)]
    judge = Judge()
    for step in range(10):
        judge.keep(np.asarray(large[1], np.uint8), BOX, 5.0 * step)
    assert judge.flaw(np.asarray(large[0], np.uint8), [BOX], 50.0) is Flaw.BLURRED


def test_a_part_that_stands_still_is_a_flaw_where_it_turned_before() -> None:
    judge = experienced_judge()
    image = view(45.0, seed=77)
    assert judge.flaw(image, locate_all(image), 50.0) is Flaw.NOT_TURNED


def test_a_part_that_looks_the_same_from_all_sides_is_none() -> None:
    judge = Judge()
    for seed in range(12):
        image = view(0.0, seed=seed)
        assert judge.flaw(image, locate_all(image), 5.0 * seed) is None
        judge.keep(image, locate_all(image)[0], 5.0 * seed)


@pytest.mark.parametrize("middle", [(0.06, 0.6), (0.94, 0.6), (0.5, 0.95)])
@pytest.mark.parametrize("size", [(320, 240), (640, 480), (160, 120)])
def test_a_part_that_is_cut_off_in_a_picture_is_a_flaw(
    middle: tuple[float, float], size: tuple[int, int]
) -> None:
    """The finder sees no edges along the border, so no box reaches it."""
    width, height = size
    whole = draw(Scene("square"), width=width, height=height)
    assert Judge().flaw(whole, locate_all(whole), 50.0) is None
    cut = draw(Scene("square", middle=middle), width=width, height=height)
    assert Judge().flaw(cut, locate_all(cut), 50.0) is Flaw.CUT_OFF
