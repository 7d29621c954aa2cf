"""The part is found whatever its colour, and an empty table is empty."""

import cv2
import numpy as np
import pytest

from rig.vision.locate import Box, locate, locate_all
from tests.vision.pictures import SHAPES, Colour, Scene, corners_of, draw


def _around(scene: Scene, width: int, height: int) -> Box:
    corners = corners_of(scene, width, height)
    left, top = corners.min(axis=0)
    right, bottom = corners.max(axis=0)
    return Box(int(left), int(top), int(right - left), int(bottom - top))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "colour",
    [(40, 40, 180), (15, 15, 15), (235, 235, 235), (40, 190, 230), (150, 60, 20)],
    ids=["red", "black", "white", "yellow", "blue"],
)
@pytest.mark.parametrize("size", [(320, 240), (640, 480), (300, 300)])
def test_finds_the_part(shape: str, colour: Colour, size: tuple[int, int]) -> None:
    scene = Scene(shape, colour)
    box = locate(draw(scene, width=size[0], height=size[1]))
    assert box is not None
    assert box.overlap(_around(scene, *size)) > 0.7


def test_finds_a_part_under_a_coloured_light() -> None:
    scene = Scene("bar", colour=(40, 30, 90), table=(140, 130, 220))
    box = locate(draw(scene))
    assert box is not None
    assert box.overlap(_around(scene, 320, 240)) > 0.7


def test_finds_a_part_that_the_frame_cuts() -> None:
    scene = Scene("bar", turn_deg=0, middle=(0.05, 0.7))
    box = locate(draw(scene))
    assert box is not None
    assert box.x <= 8  # the frame counts as rim, where edges are not looked for
    assert box.width > 40


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("table", [(200, 180, 200), (140, 130, 220), (90, 90, 90)])
def test_an_empty_table_is_empty(seed: int, table: Colour) -> None:
    assert locate(draw(Scene(None, table=table), seed=seed)) is None


def test_dirt_is_no_part() -> None:
    image = draw(Scene(None))
    cv2.circle(image, (160, 120), 3, (30, 30, 30), -1)
    assert locate(image) is None


def test_a_black_picture_is_empty() -> None:
    assert locate(np.zeros((240, 320, 3), np.uint8)) is None


def test_the_box_lies_inside_the_picture() -> None:
    for middle in ((0.02, 0.98), (0.98, 0.98)):
        box = locate(draw(Scene("square", middle=middle)))
        assert box is not None
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= 320
        assert box.y + box.height <= 240


def test_overlap() -> None:
    box = Box(0, 0, 10, 10)
    assert box.overlap(box) == 1
    assert box.overlap(Box(5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert box.overlap(Box(20, 20, 5, 5)) == 0


@pytest.mark.parametrize(("flank_levels", "found"), [(8, 1), (0, 2)], ids=["one part", "two parts"])
def test_a_flank_in_the_colour_of_the_table_joins_what_stands_out_at_both_ends(
    flank_levels: int, found: int
) -> None:
    """A slope of white plastic on a white table: studs and foot cast shadows, and the rest hardly does."""
    image = draw(Scene(None), width=640, height=480)
    for x in range(280, 360, 26):
        cv2.rectangle(image, (x, 200), (x + 14, 212), (120, 100, 120), -1)
    cv2.rectangle(image, (275, 290), (365, 300), (120, 100, 120), -1)
    flank = image[200:300, 275:365].astype(int)
    image[200:300, 275:365] = np.clip(flank - flank_levels * (flank > 130), 0, 255)
    assert len(locate_all(image)) == found
