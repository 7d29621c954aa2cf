"""Measures how long the picture keeps moving after the firmware has reported the end of motion."""

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
from rig.calibration.likeness import FINE_PX, Floats, likeness, rest, shrink
from rig.camera.frame import Image, Latent
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
_NOISE_FRAMES = 12

# Of the pixels that a move changed, one differs from rest by so many times its noise, and so many levels; the
# table moves if such a share of them does, and so many times the share that does at rest.
_GRAINS = 4.0
_LEVELS = 6.0
_LEAST_SHARE = 0.03
_REST_MARGIN = 2.0

_ROUNDED_TO_S = 0.05
_CHART_PX = (960, 480)
_COLOURS: dict[float, Colour] = dict(zip(MOVE_SIZES_DEG, (BLUE, ORANGE, RED), strict=True))


@dataclass(frozen=True)
class WatchedFrame:
    """A reduced frame, and when its exposure began, counted from the reported end of motion."""

    after_s: float
    picture: Image


@dataclass(frozen=True)
class MoveSettled:
    """How the picture came to rest after a move.

    Attributes:
        size_deg: of the move.
        after_s: when the exposure of each frame began, counted from the reported end of motion.
        differing: for each frame, the share of pixels that differ from rest, of those that the move changed.
        limit: where more differ, the table is not at rest.
        moving_until_s: the last frame that was not at rest; None when none moved.
        still_from_s: the first frame since which all were at rest.
    """

    size_deg: float
    after_s: tuple[float, ...]
    differing: tuple[float, ...]
    limit: float
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
    quiet = [shrink(machine.look().image, FINE_PX) for _ in range(_NOISE_FRAMES)]
    before = quiet[-1]
    moves: list[MoveSettled] = []
    for size_deg in sizes_deg:
        arrival = machine.turntable.move_to(machine.turntable.angle_deg + size_deg)
        frames = _watch(machine, arrival.motion_end_s)
        moves.append(settled(size_deg, quiet, before, frames))
        before = frames[-1].picture
        yield MoveWatched(moves[-1], len(moves), len(sizes_deg))
    interval_s = float(np.median(np.concatenate([np.diff(move.after_s) for move in moves])))
    settle_s = propose(moves, interval_s)
    path = folder / SETTLE_PICTURE
    write_whole(path, encode_png(_drawing(moves, settle_s)))
    yield SettleMeasured(tuple(moves), settle_s, interval_s, path)


def settled(
    size_deg: float, quiet: Sequence[Image], before: Image, frames: Sequence[WatchedFrame]
) -> MoveSettled:
    """Find out when the picture came to rest after a move.

    Args:
        quiet: at least four reduced pictures of a table that has long been at rest.
        before: one of them, or another picture from before the move.
        frames: of the table after the move, in order; those at the end show it at rest.

    Raises:
        DeviceError: the move changed nothing, or the table is not at rest at the end.
    """
    resting = rest([frame.picture for frame in frames if frame.after_s >= _REST_FROM_S])
    alike = likeness(resting, [before])
    if alike is None:
        raise DeviceError(
            f"the picture does not change when the table turns by {size_deg:g} degrees",
            hint="lay a part off the middle of the table, or a printed marker on it; see that the lamp is on"
            " and that the table turns",
        )
    half = len(quiet) // 2
    noise = rest(quiet[:half])
    clearly = max(_GRAINS * math.sqrt(float(noise.variance.mean())), _LEVELS)

    def share(picture: Image, reference: Floats) -> float:
        return float((np.abs(picture - reference).max(axis=2) > clearly)[alike.changing].mean())

    limit = max(_LEAST_SHARE, _REST_MARGIN * max(share(picture, noise.mean) for picture in quiet[half:]))
    differing = [share(frame.picture, resting.mean) for frame in frames]
    moving = [place for place, differs in enumerate(differing) if differs > limit]
    first_still = moving[-1] + 1 if moving else 0
    if first_still == len(frames) or frames[first_still].after_s > _REST_FROM_S:
        raise DeviceError(
            f"the picture still moves {_REST_FROM_S:g} s after the table has turned by {size_deg:g} degrees",
            hint="put camera and table on firm ground; see that the light does not flicker",
        )
    return MoveSettled(
        size_deg,
        tuple(frame.after_s for frame in frames),
        tuple(differing),
        limit,
        frames[moving[-1]].after_s if moving else None,
        frames[first_still].after_s,
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


def _drawing(moves: Sequence[MoveSettled], settle_s: float) -> Image:
    named: set[float] = set()
    curves = []
    for move in moves:
        label = "" if move.size_deg in named else f"{move.size_deg:g} degrees"
        named.add(move.size_deg)
        points = list(zip(move.after_s, (100 * share for share in move.differing), strict=True))
        curves.append(Curve(label, points, _COLOURS[move.size_deg]))
    chart = Chart(
        "How long the picture moves",
        "time since the firmware reported the end of motion, s",
        "pixels that differ from rest, %",
        curves,
        across_step=0.1,
        upright=[Rule(f"settle_s = {settle_s:g}", settle_s, GREEN)],
        level=[Rule("at rest below this", 100 * max(move.limit for move in moves), GREY)],
    )
    return draw_chart(chart, *_CHART_PX)
