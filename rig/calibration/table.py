"""Measures on the machine how far the table turns for what it is commanded, and draws what was seen."""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from rig.calibration.chart import BLUE, GREEN, GREY, Chart, Curve, Rule, draw_chart, encode_png
from rig.calibration.likeness import FINE_PX, Likeness, likeness, rest, shrink
from rig.calibration.steps import Verdict, judge
from rig.calibration.turn import REST_PICTURES, Look, Turn, Wanted, find_turn
from rig.camera.frame import Image
from rig.config import AxisConfig
from rig.errors import DeviceError
from rig.files import write_whole
from rig.machine import Machine
from rig.vision.contact_sheet import contact_sheet

TABLE_PICTURE = "table.png"

# Play in the gears is taken up on the same side every time: angles are always reached forward.
_RUN_UP_DEG = 15.0
_TILE_PX = 316
_CHART_HEIGHT_PX = 380
# What little is unlike shall be seen.
_GAIN = 4
# A greater angle than that times the last one was not reached by the scan.
_GAP = 1.05


@dataclass(frozen=True)
class TablePicture:
    """A picture was taken. `left` is about how many are still to come."""

    purpose: str
    angle_deg: float
    done: int
    left: int

    @property
    def total(self) -> int:
        """How many there will be, about."""
        return self.done + self.left


@dataclass(frozen=True)
class TableMeasured:
    """The table's turn is known.

    Attributes:
        commanded_deg: for how many degrees it must be commanded to turn once.
        uncertainty_deg: of that, one standard deviation.
        picture: the file that shows how it was found.
    """

    verdict: Verdict
    commanded_deg: float
    uncertainty_deg: float
    picture: Path


TableEvent = TablePicture | TableMeasured


def measure_table(machine: Machine, config: AxisConfig, folder: Path) -> Generator[TableEvent, None, None]:
    """Turn whatever lies on the table until it looks as it did, and say what that means.

    What was seen is drawn into `folder`, also when no turn could be found.

    Raises:
        DeviceError: as `find_turn`, or a device failed.
        StorageError: the drawing cannot be written.
    """
    looks: list[Look] = []
    path = folder / TABLE_PICTURE
    try:
        turn = yield from _turn_as_wanted(machine, find_turn(360.0 / config.microsteps_per_turn), looks)
    except DeviceError as error:
        if len(looks) > REST_PICTURES:
            write_whole(path, encode_png(_drawing(looks, None)))
            error.add_note(f"what was seen is in {path}")
        raise
    write_whole(path, encode_png(_drawing(looks, turn)))
    verdict = judge(turn.commanded_deg, turn.uncertainty_deg, config)
    yield TableMeasured(verdict, turn.commanded_deg, turn.uncertainty_deg, path)


def _turn_as_wanted(
    machine: Machine, search: Generator[Wanted, Look, Turn], looks: list[Look]
) -> Generator[TableEvent, None, Turn]:
    """Take every picture that the search wants, in order; all of them are added to `looks`."""
    machine.turntable.move_to(-_RUN_UP_DEG)
    try:
        wanted = next(search)
        while True:
            looks.append(_look(machine, wanted.angle_deg))
            yield TablePicture(wanted.purpose, looks[-1].angle_deg, len(looks), wanted.left - 1)
            wanted = search.send(looks[-1])
    except StopIteration as end:
        turn: Turn = end.value
        return turn


def _look(machine: Machine, angle_deg: float) -> Look:
    table = machine.turntable
    if table.nearest(angle_deg) < table.position:
        table.move_to(angle_deg - _RUN_UP_DEG)
    arrival = table.move_to(angle_deg)
    return Look(arrival.angle_deg, shrink(machine.camera.capture(arrival.settled_s).image, FINE_PX))


def _drawing(looks: Sequence[Look], turn: Turn | None) -> Image:
    """How unlike the start the picture was at each angle; start and return side by side, if there is one."""
    reference = rest([look.picture for look in looks[:REST_PICTURES]])
    alike = likeness(reference, (look.picture for look in looks))
    if alike is None:
        alike = Likeness(reference, np.ones(reference.mean.shape[:2], np.bool_))
    seen = sorted((look.angle_deg, math.sqrt(alike.difference(look.picture))) for look in looks)
    back = []
    if turn is not None:
        back = [
            Rule(f"back at {turn.commanded_deg:.2f}", turn.commanded_deg, GREEN),
            Rule("and again", 2 * turn.commanded_deg, GREEN),
        ]
    chart = Chart(
        "How unlike the start the picture is",
        "commanded angle, degrees",
        "difference (rms), levels",
        [Curve("", run, BLUE) for run in _runs([point for point in seen if point[0] >= 0])],
        across_step=90.0 if seen[-1][0] < 1000 else 360.0,
        upright=back,
        level=[Rule("two pictures of the same", math.sqrt(alike.floor), GREY)],
    )
    then = (
        looks[-1] if turn is None else min(looks, key=lambda look: abs(look.angle_deg - turn.commanded_deg))
    )
    start = looks[0].picture
    difference = np.asarray(cv2.convertScaleAbs(cv2.absdiff(start, then.picture), alpha=_GAIN), np.uint8)
    tiles = contact_sheet(
        [start, then.picture, difference],
        ["at the start", f"at commanded {then.angle_deg:.2f} degrees", f"their difference, times {_GAIN}"],
        columns=3,
        tile_px=_TILE_PX,
    )
    return np.vstack([draw_chart(chart, tiles.shape[1], _CHART_HEIGHT_PX), tiles])


def _runs(points: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """Points by angle, cut where angles were left out."""
    runs: list[list[tuple[float, float]]] = []
    for point in points:
        if not runs or point[0] > _GAP * runs[-1][-1][0] + 1:
            runs.append([])
        runs[-1].append(point)
    return runs
