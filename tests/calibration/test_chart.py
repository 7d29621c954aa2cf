"""Curves land where their values belong."""

from itertools import pairwise

import cv2
import numpy as np

from rig.calibration.chart import BLUE, GREEN, GREY, ORANGE, RED, Chart, Curve, Rule, draw_chart, encode_png
from rig.camera.frame import Image

SIZE_PX = (600, 300)


def _where(picture: Image, colour: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels of a colour."""
    rows, columns = np.nonzero((picture == np.array(colour)).all(axis=2))
    assert rows.size
    return rows, columns


def _chart(curves: list[Curve], upright: list[Rule], level: list[Rule]) -> Image:
    return draw_chart(Chart("title", "s", "levels", curves, 0.25, upright, level), *SIZE_PX)


def test_values_are_drawn_in_proportion() -> None:
    points = [(0.0, 0.0), (0.5, 10.0), (1.0, 40.0)]
    picture = _chart([Curve("", points, BLUE)], [Rule("", 0.5, GREEN)], [Rule("", 10.0, ORANGE)])
    assert picture.shape == (300, 600, 3)
    rows, columns = _where(picture, BLUE)
    left, right, bottom, top = columns.min(), columns.max(), rows.max(), rows.min()
    _, upright = _where(picture, GREEN)
    level, _ = _where(picture, ORANGE)
    assert abs(np.median(upright) - (left + right) / 2) <= 2
    assert abs((bottom - np.median(level)) / (bottom - top) - 0.25) < 0.02


def test_a_label_at_the_right_edge_stays_in_the_picture() -> None:
    points = [(0.0, 1.0), (1.0, 1.0)]
    labelled = _chart([Curve("", points, BLUE)], [Rule("a rather long label", 0.99, GREEN)], [])
    bare = _chart([Curve("", points, BLUE)], [Rule("", 0.99, GREEN)], [])
    _, columns = np.nonzero((labelled != bare).any(axis=2))
    _, line = _where(bare, GREEN)
    assert columns.max() < line.min()
    assert columns.min() > 300


def test_a_curve_of_nothing_but_zeros_can_be_drawn() -> None:
    picture = _chart([Curve("zero", [(0.0, 0.0), (1.0, 0.0)], BLUE)], [], [])
    _where(picture, BLUE)


def test_a_picture_survives_its_file() -> None:
    picture = _chart([Curve("", [(0.0, 0.0), (1.0, 1.0)], BLUE)], [], [])
    read = cv2.imdecode(np.frombuffer(encode_png(picture), np.uint8), cv2.IMREAD_COLOR)
    assert read is not None
    assert (read == picture).all()


def test_labels_stand_outside_the_frame_and_apart_from_each_other() -> None:
    """Although curves and rules all meet in the upper right corner."""
    curves = [Curve("red", [(0.0, 9.0), (1.0, 10.0)], RED), Curve("blue", [(0.0, 8.0), (1.0, 10.0)], BLUE)]
    upright, level = [Rule("here", 0.9, GREEN), Rule("there", 1.0, ORANGE)], [Rule("wanted", 10.0, GREY)]
    picture = _chart(curves, upright, level)
    frame_top = int(np.argmax((picture == 60).all(axis=2).sum(axis=1) > SIZE_PX[0] / 2))
    nameless = _chart(
        [Curve(" ", curve.points, curve.colour) for curve in curves],
        [Rule(" ", rule.at, rule.colour) for rule in upright],
        [Rule(" ", rule.at, rule.colour) for rule in level],
    )
    assert (picture[frame_top:] == nameless[frame_top:]).all()
    above = picture[:frame_top]
    key = [_where(above, colour) for colour in (RED, BLUE, GREY)]
    for (_, columns), (_, next_columns) in pairwise(key):
        assert columns.max() < next_columns.min()
    (here, _), (there, _) = _where(above, GREEN), _where(above, ORANGE)
    assert max(rows.max() for rows, _ in key) < here.min() < there.min()
