"""Curves land where their values belong."""

import cv2
import numpy as np

from rig.calibration.chart import BLUE, GREEN, ORANGE, Chart, Curve, Rule, draw_chart, encode_png
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
    assert (read == picture).all()
