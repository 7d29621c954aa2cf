"""The colour of a part in a rendered picture, whatever the light."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.camera.frame import Image
from rig.catalog import COLOURS, ColourCode, PartNumber
from rig.sim.passages import LyingPart
from rig.sim.scene import Scene, draw_scene
from rig.sim.shot import Shot, take
from rig.vision.colour import ColourGuess, estimate, posterior
from rig.vision.locate import Box, locate
from rig.vision.palette import linear_light, palette
from rig.vision.table import EmptyTable

# Its constants were fitted to sessions 1000 to 1015.
SESSION = 77


@dataclass(frozen=True)
class Desk:
    """A session's table, empty and with each of some parts on it."""

    empty: Image
    parts: dict[ColourCode, Image]


def scene() -> Scene:
    return draw_scene(np.random.default_rng(SESSION))


def shot(where: Scene, colour: ColourCode) -> Image:
    lying = LyingPart(PartNumber("3001"), colour, pose=1, offset_mm=(2.0, -1.0), yaw_deg=37.0)
    return take(Shot(where, lying, width_px=320, height_px=240)).image


@cache
def desk() -> Desk:
    where = scene()
    empty = take(Shot(where, None, width_px=320, height_px=240)).image
    return Desk(empty, {colour: shot(where, colour) for colour in COLOURS})


def guess(image: Image, empty: Image | None = None) -> ColourGuess:
    table = None if empty is None else EmptyTable(empty)
    box = locate(image, table)
    assert box is not None
    found = estimate(image, box, table)
    assert found is not None
    return found


@pytest.mark.parametrize("is_calibrated", [True, False])
def test_the_common_colours_are_told(is_calibrated: bool) -> None:
    seen = desk()
    empty = seen.empty if is_calibrated else None
    guesses = {colour: guess(image, empty) for colour, image in seen.parts.items()}
    wrong = {colour: found for colour, found in guesses.items() if found.code != colour}
    assert len(wrong) <= 2, wrong
    assert sum(found.probability >= 0.8 for found in guesses.values()) >= 13
    assert sum(found.probability >= 0.8 for found in wrong.values()) <= 1, wrong


@pytest.mark.parametrize("cast", [(1.0, 0.7, 0.6), (0.6, 0.75, 1.0)], ids=["blue", "red"])
@pytest.mark.parametrize("is_calibrated", [True, False])
def test_the_colour_of_the_lamp_does_not_matter(cast: tuple[float, ...], is_calibrated: bool) -> None:
    seen = desk()

    def lit(image: Image) -> Image:
        light = linear_light(image) * cast
        encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
        return np.asarray(np.rint(255 * encoded), np.uint8)

    for colour in (4, 1, 14, 71):
        image = lit(seen.parts[ColourCode(colour)])
        assert guess(image, lit(seen.empty) if is_calibrated else None).code == colour


@pytest.mark.parametrize("is_calibrated", [True, False])
def test_neither_does_light_that_is_uneven(is_calibrated: bool) -> None:
    where = replace(scene(), vignette=0.8, lamp_height_mm=80.0)
    empty = take(Shot(where, None, width_px=320, height_px=240)).image if is_calibrated else None
    for colour in (4, 15, 0):
        assert guess(shot(where, ColourCode(colour)), empty).code == colour


def test_a_picture_of_another_table_is_of_no_effect() -> None:
    image = desk().parts[ColourCode(4)]
    other = np.asarray(desk().empty[::-1] // 3, np.uint8)
    assert guess(image, other).code == 4


def test_of_too_few_pixels_nothing_is_said() -> None:
    assert estimate(desk().empty, Box(150, 110, 6, 6)) is None
    assert estimate(np.zeros((240, 320, 3), np.uint8), Box(100, 100, 80, 80)) is None


def test_no_table_around_the_part_says_nothing() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    assert estimate(noise, Box(0, 0, 60, 60)) is None


@given(st.lists(st.floats(0, 1.5), min_size=3, max_size=3))
def test_whatever_is_seen_the_probabilities_add_up(seen: list[float]) -> None:
    probabilities = posterior(np.array(seen))
    assert probabilities.min() >= 0
    assert probabilities.sum() == pytest.approx(1)


def test_what_looks_like_two_colours_is_less_sure_than_what_looks_like_one() -> None:
    colours = palette()
    reddish, plain = (colours.codes.index(ColourCode(code)) for code in (70, 6))
    between = posterior((colours.linear[reddish] + colours.linear[plain]) / 2)
    assert posterior(colours.linear[colours.codes.index(ColourCode(14))] * 0.8).max() > between.max()
    assert len(set(colours.codes)) == len(colours.codes)
    assert colours.prior.sum() == pytest.approx(1)
