"""Measures how long the picture keeps moving after the firmware has reported the end of motion.

A swing moves the picture by a fraction of a pixel. So the table is turned a little to both sides after each
move, to see what that does to every pixel. The turn that explains most of a frame's difference from rest, by
least squares, is how far the table still was from rest. The mark stands in another direction after each move,
so that a camera that swings shows up after some of them, whichever way it swings.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rig.calibration.chart import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    Chart,
    Colour,
    Curve,
    Rule,
    draw_chart,
    encode_png,
)
from rig.calibration.likeness import FINE_PX, Floats, Likeness, likeness, rest, shrink
from rig.camera.frame import Image, Latent
from rig.devices.axis import Microsteps
from rig.errors import DeviceError
from rig.files import write_whole
from rig.machine import Machine

SETTLE_PICTURE = "settle.png"

# A step of 72, 8 and 4 views a turn: what captures move by.
MOVE_SIZES_DEG = (5.0, 45.0, 90.0)
_REPEATS = 3
_WATCH_S = 1.0
# The last part of that is taken for rest, and has to prove it.
_REST_FROM_S = 0.7
_LEAST_REST_FRAMES = 3
# Turned by so much to either side, the picture shows what a small turn does to it.
_NUDGE_DEG = 1.0
_NUDGED_FRAMES = 4
# That changes the picture by so many times what noise does, in squared levels.
_LEAST_CHANGE = 2.0
# Play in the gears is taken up on the same side every time: angles are always reached forward.
_RUN_UP_DEG = 15.0

AT_REST_DEG = 0.05
"""Nearer to where it comes to rest, the table counts as at rest: half a microstep of a motor at 1/16."""

_ROUNDED_TO_S = 0.05
_CHART_PX = (960, 480)
_COLOURS: dict[float, Colour] = dict(zip(MOVE_SIZES_DEG, (BLUE, ORANGE, RED), strict=True))


@dataclass(frozen=True)
class WatchedFrame:
    """A reduced frame, and when its exposure began, counted from the reported end of motion."""

    after_s: float
    picture: Image


@dataclass(frozen=True)
class Nudge:
    """What a small turn does to the picture.

    Attributes:
        angle_deg: from where the table stood `behind` to where it stood `ahead`.
        ahead, behind: at least two reduced pictures each, of a table at rest.
    """

    angle_deg: float
    ahead: Sequence[Image]
    behind: Sequence[Image]


@dataclass(frozen=True)
class MoveSettled:
    """How the picture came to rest after a move.

    Attributes:
        size_deg: of the move.
        after_s: when the exposure of each frame began, counted from the reported end of motion.
        away_deg: how far from rest each frame shows the table, signed; too little beyond a degree.
        moving_until_s: the last frame that was not at rest; None when none moved.
        still_from_s: the first frame since which all were at rest.
    """

    size_deg: float
    after_s: tuple[float, ...]
    away_deg: tuple[float, ...]
    moving_until_s: float | None
    still_from_s: float


@dataclass(frozen=True)
class MoveWatched:
    """A move was made and watched; `done` of `total` are behind us."""

    settled: MoveSettled
    done: int
    total: int
    purpose: str = "Watching the table come to rest"


@dataclass(frozen=True)
class SettleMeasured:
    """All moves were watched.

    Attributes:
        settle_s: what belongs into `[turntable]`.
        frame_interval_s: from one frame to the next: nothing finer can be seen.
        picture: the file that shows the curves.
    """

    moves: tuple[MoveSettled, ...]
    settle_s: float
    frame_interval_s: float
    picture: Path


SettleEvent = MoveWatched | SettleMeasured


def measure_settling(machine: Machine, folder: Path) -> Generator[SettleEvent, None, None]:
    """Turn whatever lies on the table by several angles, and watch it come to rest.

    What was seen is drawn into `folder`.

    Raises:
        DeviceError: nothing changes in the picture; it does not come to rest; a device failed.
        StorageError: the drawing cannot be written.
    """
    sizes_deg = MOVE_SIZES_DEG * _REPEATS
    machine.clock.sleep(_WATCH_S)
    before = shrink(machine.look().image, FINE_PX)
    moves: list[MoveSettled] = []
    for size_deg in sizes_deg:
        arrival = machine.turntable.move_to(machine.turntable.angle_deg + size_deg)
        frames = _watch(machine, arrival.motion_end_s)
        nudge = _nudge(machine)
        moves.append(settled(size_deg, before, frames, nudge))
        before = nudge.behind[-1]
        yield MoveWatched(moves[-1], len(moves), len(sizes_deg))
    interval_s = float(np.median(np.concatenate([np.diff(move.after_s) for move in moves])))
    settle_s = propose(moves, interval_s)
    path = folder / SETTLE_PICTURE
    write_whole(path, encode_png(_drawing(moves, settle_s)))
    yield SettleMeasured(tuple(moves), settle_s, interval_s, path)


def settled(size_deg: float, before: Image, frames: Sequence[WatchedFrame], nudge: Nudge) -> MoveSettled:
    """Find out when the picture came to rest after a move.

    Args:
        before: a reduced picture from before the move.
        frames: of the table after the move, in order; those at the end show it at rest.
        nudge: to both sides of where the table came to rest.

    Raises:
        DeviceError: the move or the nudge changed nothing, or the table is not at rest at the end.
    """
    resting = rest([frame.picture for frame in frames if frame.after_s >= _REST_FROM_S])
    alike = likeness(resting, [before])
    if alike is None:
        raise _nothing_changes(size_deg)
    slope = _slope(alike, nudge)
    still, steepness = alike.pixels(resting.mean), float(np.square(slope).sum())
    away_deg = [float(np.vdot(alike.pixels(frame.picture) - still, slope)) / steepness for frame in frames]
    moving = [place for place, away in enumerate(away_deg) if abs(away) > AT_REST_DEG]
    first_still = moving[-1] + 1 if moving else 0
    if first_still == len(frames) or frames[first_still].after_s > _REST_FROM_S:
        raise DeviceError(
            f"the picture still moves {_REST_FROM_S:g} s after the table has turned by {size_deg:g} degrees",
            hint="put camera and table on firm ground; see that the light does not flicker; lay something on"
            " the table that stands out more, further off the middle",
        )
    return MoveSettled(
        size_deg,
        tuple(frame.after_s for frame in frames),
        tuple(away_deg),
        frames[moving[-1]].after_s if moving else None,
        frames[first_still].after_s,
    )


def _slope(alike: Likeness, nudge: Nudge) -> Floats:
    """What a turn does to the pixels that count: (n, 3) levels a degree.

    Raises:
        DeviceError: what it does is not much more than noise.
    """
    ahead, behind = rest(nudge.ahead), rest(nudge.behind)
    change = alike.pixels(ahead.mean) - alike.pixels(behind.mean)
    noise = alike.pixels(ahead.variance) / ahead.pictures + alike.pixels(behind.variance) / behind.pictures
    if float(np.square(change).mean()) <= _LEAST_CHANGE * float(noise.mean()):
        raise _nothing_changes(nudge.angle_deg)
    return np.asarray(change / nudge.angle_deg, np.float32)


def _nothing_changes(turn_deg: float) -> DeviceError:
    return DeviceError(
        f"the picture does not change when the table turns by {turn_deg:g} degrees",
        hint="lay a part off the middle of the table, or a printed marker on it; see that the lamp is on"
        " and that the table turns",
    )


def propose(moves: Sequence[MoveSettled], frame_interval_s: float) -> float:
    """The `settle_s` that every move was at rest after: never less than a frame, in steps of 0.05 s.

    The first frame at rest comes one frame interval after the last that was seen to move: that is the margin.
    """
    needed_s = max(frame_interval_s, *(move.still_from_s for move in moves))
    return round(math.ceil(round(needed_s / _ROUNDED_TO_S, 6)) * _ROUNDED_TO_S, 2)


def _watch(machine: Machine, motion_end_s: float) -> list[WatchedFrame]:
    """Every frame that the camera gives from the end of motion on, until rest can be told."""
    exposed: list[Latent] = []
    not_before_s = motion_end_s
    at_rest = 0
    while not_before_s < motion_end_s + _WATCH_S or at_rest < _LEAST_REST_FRAMES:
        at_rest += not_before_s >= motion_end_s + _REST_FROM_S
        exposed.append(machine.camera.expose(not_before_s))
        not_before_s = exposed[-1].exposed_until_s
    # Finished only now: that may take longer than until the next one.
    frames = [latent.develop() for latent in exposed]
    return [
        WatchedFrame(frame.exposed_from_s - motion_end_s, shrink(frame.image, FINE_PX)) for frame in frames
    ]


def _nudge(machine: Machine) -> Nudge:
    """Turn the table a little to both sides and picture it there at rest; it ends behind where it stood."""
    table = machine.turntable
    middle = table.position
    reach = max(table.nearest(_NUDGE_DEG), Microsteps(1))

    def picture(target: int) -> list[Image]:
        arrival = table.move_to_microsteps(Microsteps(target))
        machine.clock.sleep_until(arrival.motion_end_s + _REST_FROM_S)
        return [shrink(machine.look().image, FINE_PX) for _ in range(_NUDGED_FRAMES)]

    ahead = picture(middle + reach)
    table.move_to_microsteps(Microsteps(middle - reach - table.nearest(_RUN_UP_DEG)))
    behind = picture(middle - reach)
    return Nudge(table.angle_of(Microsteps(2 * reach)), ahead, behind)


def _drawing(moves: Sequence[MoveSettled], settle_s: float) -> Image:
    named: set[float] = set()
    curves = []
    for move in moves:
        label = "" if move.size_deg in named else f"{move.size_deg:g} degrees"
        named.add(move.size_deg)
        points = list(zip(move.after_s, map(abs, move.away_deg), strict=True))
        curves.append(Curve(label, points, _COLOURS[move.size_deg]))
    chart = Chart(
        "How long the picture moves",
        "time since the firmware reported the end of motion, s",
        "away from rest, degrees",
        curves,
        across_step=0.1,
        upright=[Rule(f"settle_s = {settle_s:g}", settle_s, GREEN)],
        level=[Rule("at rest below this", AT_REST_DEG, GREY)],
    )
    return draw_chart(chart, *_CHART_PX)
