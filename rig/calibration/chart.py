"""Curves over two axes, drawn with OpenCV: the rig itself comes without a plotting library."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from rig.camera.frame import Image

Colour = tuple[int, int, int]
"""Blue, green, red, 0 to 255."""

BLUE: Colour = (200, 120, 30)
GREEN: Colour = (70, 150, 40)
ORANGE: Colour = (20, 140, 240)
RED: Colour = (60, 50, 200)
GREY: Colour = (140, 140, 140)

_PAPER = (255, 255, 255)
_INK = (60, 60, 60)
_GRID = (228, 228, 228)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_LETTERING = 0.42
_LINE_PX = 16
_STROKE_PX = 18
_LEFT_PX, _RIGHT_PX, _TOP_PX, _BOTTOM_PX = 62, 18, 34, 46
_TICKS = 8


@dataclass(frozen=True)
class Curve:
    """Points, in order, joined by lines.

    Attributes:
        label: for the legend; empty for none.
    """

    label: str
    points: Sequence[tuple[float, float]]
    colour: Colour


@dataclass(frozen=True)
class Rule:
    """A straight line right across, with a word to it.

    Attributes:
        at: its place on the axis that it crosses.
    """

    label: str
    at: float
    colour: Colour


@dataclass(frozen=True)
class Chart:
    """Curves over two axes that both begin at 0.

    Attributes:
        across_step: from one mark of the horizontal axis to the next.
        upright, level: rules that cross the horizontal and the vertical axis.
    """

    title: str
    horizontal: str
    vertical: str
    curves: Sequence[Curve]
    across_step: float
    upright: Sequence[Rule] = ()
    level: Sequence[Rule] = ()


def draw_chart(chart: Chart, width_px: int, height_px: int) -> Image:
    """The chart as a picture (height_px, width_px, 3) uint8, BGR.

    All words stand outside the frame, where no curve can cross them: below the title a line with what the
    colours mean, and a line for each upright rule, which reaches up to its label.
    """
    canvas = np.full((height_px, width_px, 3), _PAPER, np.uint8)
    frame = _Frame(chart, width_px, height_px)
    _draw_axes(canvas, chart, frame)
    _write_key(canvas, _named(chart), frame.left)
    for rule in chart.level:
        height = frame.y(rule.at)
        cv2.line(canvas, (frame.left, height), (frame.right, height), rule.colour)
    for curve in chart.curves:
        points = np.array([[(frame.x(x), frame.y(y)) for x, y in curve.points]], np.int32)
        cv2.polylines(canvas, [points], False, curve.colour, 1, cv2.LINE_AA)
        for point in points[0]:
            cv2.circle(canvas, point.tolist(), 2, curve.colour, cv2.FILLED, cv2.LINE_AA)
    for row, rule in enumerate(reversed(chart.upright)):
        place, height = frame.x(rule.at), frame.top - 4 - row * _LINE_PX
        cv2.line(canvas, (place, height - 9), (place, frame.bottom), rule.colour)
        _write_beside(canvas, rule.label, place, height, rule.colour, frame)
    return canvas


def encode_png(image: Image) -> bytes:
    """The content of a PNG file."""
    _, data = cv2.imencode(".png", image)
    return data.tobytes()


class _Frame:
    """Where values are on the picture."""

    def __init__(self, chart: Chart, width_px: int, height_px: int) -> None:
        self.left, self.right = _LEFT_PX, width_px - _RIGHT_PX
        words = bool(_named(chart)) + len(chart.upright)
        self.top, self.bottom = _TOP_PX + words * _LINE_PX, height_px - _BOTTOM_PX
        across = [x for curve in chart.curves for x, _ in curve.points] + [rule.at for rule in chart.upright]
        up = [y for curve in chart.curves for _, y in curve.points] + [rule.at for rule in chart.level]
        self.most_across = max([*across, 1e-9])
        self.most_up = max([*up, 1e-9]) * 1.08

    def x(self, value: float) -> int:
        return round(self.left + value / self.most_across * (self.right - self.left))

    def y(self, value: float) -> int:
        return round(self.bottom - max(value, 0.0) / self.most_up * (self.bottom - self.top))


def _draw_axes(canvas: Image, chart: Chart, frame: _Frame) -> None:
    for place in range(int(frame.most_across / chart.across_step) + 1):
        value = place * chart.across_step
        cv2.line(canvas, (frame.x(value), frame.top), (frame.x(value), frame.bottom), _GRID)
        _write(canvas, f"{value:g}", (frame.x(value), frame.bottom + _LINE_PX), _INK, align=0.5)
    for value in _ticks(frame.most_up):
        cv2.line(canvas, (frame.left, frame.y(value)), (frame.right, frame.y(value)), _GRID)
        _write(canvas, f"{value:g}", (frame.left - 6, frame.y(value) + 4), _INK, align=1.0)
    cv2.rectangle(canvas, (frame.left, frame.top), (frame.right, frame.bottom), _INK)
    _write(canvas, chart.title, (frame.left, _TOP_PX - 12), _INK, scale=1.2)
    middle = (frame.left + frame.right) // 2
    _write(canvas, chart.horizontal, (middle, frame.bottom + 2 * _LINE_PX + 2), _INK, align=0.5)
    _write(canvas, chart.vertical, (frame.right, _TOP_PX - 12), _INK, align=1.0)


def _named(chart: Chart) -> list[Curve | Rule]:
    """What the line of colours tells of."""
    drawn: list[Curve | Rule] = [*chart.curves, *chart.level]
    return [each for each in drawn if each.label]


def _write_key(canvas: Image, named: Sequence[Curve | Rule], left: int) -> None:
    """A stroke of each colour and what it means, one beside the other."""
    base = _TOP_PX + _LINE_PX - 8
    for drawn in named:
        cv2.line(canvas, (left, base - 4), (left + _STROKE_PX, base - 4), drawn.colour, 2)
        left += _STROKE_PX + 6
        _write(canvas, drawn.label, (left, base), drawn.colour)
        left += _width(drawn.label) + _LINE_PX


def _ticks(most: float) -> list[float]:
    """Round values from 0 to `most`."""
    rough = most / _TICKS
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(magnitude * step for step in (1, 2, 5, 10) if magnitude * step >= rough)
    return [place * step for place in range(int(most / step) + 1)]


def _width(text: str, scale: float = 1.0) -> int:
    (width, _), _ = cv2.getTextSize(text, _FONT, _LETTERING * scale, 1)
    return width


def _write(
    canvas: Image, text: str, at: tuple[int, int], colour: Colour, *, align: float = 0.0, scale: float = 1.0
) -> None:
    """Write text; `align` 0 begins at the point, 1 ends there."""
    at = (round(at[0] - align * _width(text, scale)), at[1])
    cv2.putText(canvas, text, at, _FONT, _LETTERING * scale, colour, 1, cv2.LINE_AA)


def _write_beside(canvas: Image, text: str, x: int, y: int, colour: Colour, frame: _Frame) -> None:
    """Write text to the right of an upright line, or to its left where there is no room."""
    if x + 6 + _width(text) <= frame.right:
        _write(canvas, text, (x + 6, y), colour)
    else:
        _write(canvas, text, (x - 6, y), colour, align=1.0)
