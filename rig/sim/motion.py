"""How the stepper axes really move: Marlin's planner as blocks of constant acceleration, in microsteps.

A move runs up from the start speed, cruises, and runs down again; collinear moves are joined without a stop,
all others at the start speed. Both axes share one queue, so moves of one never overlap with those of the
other, unless they are one line. The first block of an idle planner is held back, unless two more follow soon.
All constants were measured on Marlin 2.1.2.7 for RAMPS 1.4, with X alone.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import pairwise
from typing import TypeAlias

from rig.sim.drivetrain import Stop

# An idle planner waits this long for a second and a third block, so that it can join them.
HOLD_S = 0.1
HOLD_BLOCKS = 3
# The planner starts and ends at this speed, in microsteps/s; fitted to the measured times of 7 moves.
START_SPEED = 130.0
# BLOCK_BUFFER_SIZE; one place always stays free.
PLANNER_SIZE = 16

# How long the past of an axis is remembered for a camera that still exposes.
_MEMORY_S = 10.0
# Cosine of the angle between two lines that count as one: rounding to microsteps bends a line by less.
_STRAIGHT_COSINE = 0.999


class Axis(IntEnum):
    """The axes that the rig has a use for, and their places in `Steps`."""

    X = 0
    Y = 1


Steps: TypeAlias = tuple[int, int]
"""Microsteps of X and of Y."""


@dataclass(frozen=True)
class Phase:
    """A time of constant acceleration, in microsteps and seconds."""

    start_s: float
    duration_s: float
    start: float
    speed: float
    acceleration: float

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s

    @property
    def end_speed(self) -> float:
        return self.speed + self.acceleration * self.duration_s

    def position(self, at_s: float) -> float:
        """The position at a time, that of the nearer end outside the phase."""
        t = min(max(at_s - self.start_s, 0.0), self.duration_s)
        return self.start + self.speed * t + self.acceleration * t * t / 2


@dataclass(frozen=True)
class Trajectory:
    """One phase after another of an axis, which stands still before, between and after them."""

    phases: tuple[Phase, ...]

    def position(self, at_s: float) -> float:
        """Microsteps since power-on: a whole number, since a stepper stands on its microsteps."""
        place = bisect_right(self.phases, at_s, key=lambda phase: phase.start_s) - 1
        return float(round(self.phases[max(place, 0)].position(at_s)))

    def corners(self, from_s: float, to_s: float) -> Sequence[float]:
        """Positions between two times, in order; from each to the next the axis does not turn back."""
        return [phase.position(phase.end_s) for phase in self.phases if from_s < phase.end_s < to_s]

    def last_stop(self, at_s: float) -> Stop | None:
        """How the axis came to rest for the last time before a time; None when that is forgotten."""
        for place in range(bisect_right(self.phases, at_s, key=lambda phase: phase.end_s) - 1, -1, -1):
            phase = self.phases[place]
            is_last = place + 1 == len(self.phases)
            if is_last or self.phases[place + 1].start_s > phase.end_s:
                return Stop(phase.end_s, phase.end_speed, phase.acceleration)
        return None

    def cut(self, at_s: float) -> "Trajectory":
        """The same until a time, at which the axis stops dead."""
        phases = [phase for phase in self.phases if phase.start_s < at_s] or [self.phases[0]]
        kept_s = min(max(at_s - phases[-1].start_s, 0.0), phases[-1].duration_s)
        return Trajectory((*phases[:-1], replace(phases[-1], duration_s=kept_s)))

    def replanned(self, from_s: float, phases: Sequence[Phase], *, remember_s: float) -> "Trajectory":
        """The same until `from_s` and `phases` from then on; what ended before `remember_s` is forgotten."""
        past = [phase for phase in self.phases if phase.start_s < from_s]
        recent = [phase for phase in past if phase.end_s > remember_s] or past[-1:]
        if not recent:
            recent = [Phase(from_s, 0.0, self.phases[0].start, 0.0, 0.0)]
        return Trajectory((*recent, *phases))


@dataclass(frozen=True)
class Block:
    """A straight line that the planner has taken.

    A step event is a microstep of the axis that has most of them to go.

    Attributes:
        steps: signed microsteps, not all 0.
        speed: at most this many step events/s.
        acceleration: step events/s^2.
    """

    steps: Steps
    speed: float
    acceleration: float

    @property
    def events(self) -> int:
        """Step events of the whole line."""
        return max(abs(steps) for steps in self.steps)

    def leads_straight_to(self, following: "Block") -> bool:
        """Whether the next line goes on in the same direction."""
        (x, y), (next_x, next_y) = self.steps, following.steps
        cosine = (x * next_x + y * next_y) / (math.hypot(x, y) * math.hypot(next_x, next_y))
        return cosine > _STRAIGHT_COSINE


@dataclass(frozen=True)
class PlannedBlock:
    """A block, where it begins, and the phases that make it.

    Attributes:
        start: microsteps since power-on.
        exit_speed: at its end, in step events/s.
        phases: of the way along the line, in step events from its beginning.
    """

    block: Block
    start: Steps
    exit_speed: float
    phases: tuple[Phase, ...]

    @property
    def start_s(self) -> float:
        return self.phases[0].start_s

    @property
    def end_s(self) -> float:
        return self.phases[-1].end_s

    def along(self, axis: Axis) -> tuple[Phase, ...]:
        """The phases of one axis, in microsteps since power-on; none where it does not move."""
        share = self.block.steps[axis] / self.block.events
        if not share:
            return ()
        return tuple(
            Phase(
                phase.start_s,
                phase.duration_s,
                self.start[axis] + share * phase.start,
                share * phase.speed,
                share * phase.acceleration,
            )
            for phase in self.phases
        )


def plan(blocks: Sequence[Block], *, start_s: float, start: Steps, entry_speed: float) -> list[PlannedBlock]:
    """Join blocks at the highest speeds that let each be entered, run and left within its acceleration.

    Args:
        start_s, start: when and where (microsteps) the first block begins.
        entry_speed: of the first block, step events/s.
    """
    speeds = _junction_speeds(blocks, entry_speed)
    planned = []
    for block, entry, exit_ in zip(blocks, speeds[:-1], speeds[1:], strict=True):
        planned.append(PlannedBlock(block, start, exit_, _phases(block, start_s, entry, exit_)))
        start_s = planned[-1].end_s
        start = _sum(start, block.steps)
    return planned


def _sum(start: Steps, steps: Steps) -> Steps:
    return start[0] + steps[0], start[1] + steps[1]


def _junction_speeds(blocks: Sequence[Block], entry_speed: float) -> list[float]:
    """Speeds before, between and after the blocks: a backward and a forward pass, as in Marlin's planner."""
    speeds = [min(entry_speed, blocks[0].speed)]
    for before, after in pairwise(blocks):
        limit = min(before.speed, after.speed)
        speeds.append(limit if before.leads_straight_to(after) else min(START_SPEED, limit))
    speeds.append(min(START_SPEED, blocks[-1].speed))
    for place in range(len(blocks) - 1, 0, -1):
        speeds[place] = min(speeds[place], _reachable(speeds[place + 1], blocks[place]))
    for place, block in enumerate(blocks):
        speeds[place + 1] = min(speeds[place + 1], _reachable(speeds[place], block))
    return speeds


def _reachable(speed: float, block: Block) -> float:
    return math.sqrt(speed**2 + 2 * block.acceleration * block.events)


def _phases(block: Block, start_s: float, entry: float, exit_: float) -> tuple[Phase, ...]:
    distance, acceleration = block.events, block.acceleration
    peak = min(block.speed, math.sqrt(acceleration * distance + (entry**2 + exit_**2) / 2))
    peak = max(peak, entry, exit_)
    up = (peak**2 - entry**2) / (2 * acceleration)
    down = (peak**2 - exit_**2) / (2 * acceleration)
    cruise_s = max(0.0, distance - up - down) / peak
    phases: list[Phase] = []
    position = 0.0
    for duration_s, speed, rate in (
        ((peak - entry) / acceleration, entry, acceleration),
        (cruise_s, peak, 0.0),
        ((peak - exit_) / acceleration, peak, -acceleration),
    ):
        if duration_s > 0:
            phases.append(Phase(start_s, duration_s, position, speed, rate))
            start_s = phases[-1].end_s
            position = phases[-1].position(start_s)
    return tuple(phases)


class Planner:
    """The queue of blocks of both axes.

    Args:
        position: where the axes stand at first, microsteps since power-on.
        now_s: the time at which they stand there.
    """

    def __init__(self, position: Steps, *, now_s: float) -> None:
        self._blocks: list[PlannedBlock] = []
        self._target = position
        self._trajectories = tuple(Trajectory((Phase(now_s, 0.0, at, 0.0, 0.0),)) for at in position)
        self._end_s = now_s

    def trajectory(self, axis: Axis) -> Trajectory:
        """The course of an axis as planned now."""
        return self._trajectories[axis]

    @property
    def end_s(self) -> float:
        """When all motion will have ended."""
        return self._end_s

    @property
    def target(self) -> Steps:
        """Where all motion will have ended, microsteps since power-on."""
        return self._target

    def queued(self, now_s: float) -> int:
        """How many blocks are waiting or running."""
        return sum(block.end_s > now_s for block in self._blocks)

    def room_from_s(self) -> float:
        """When a further block can be taken."""
        if len(self._blocks) < PLANNER_SIZE - 1:
            return -math.inf
        return self._blocks[-(PLANNER_SIZE - 1)].end_s

    def add(self, block: Block, now_s: float) -> None:
        """Take a block; those that have not begun yet are planned anew together with it."""
        begun = [planned for planned in self._blocks if planned.start_s <= now_s]
        waiting = self._blocks[len(begun) :]
        blocks = [*(planned.block for planned in waiting), block]
        entry_speed = START_SPEED
        if begun and begun[-1].end_s > now_s:
            start_s, entry_speed = begun[-1].end_s, begun[-1].exit_speed
        elif len(blocks) >= HOLD_BLOCKS:
            start_s = now_s
        elif waiting:
            start_s = waiting[0].start_s
        else:
            start_s = now_s + HOLD_S
        start = waiting[0].start if waiting else self._target
        planned = plan(blocks, start_s=start_s, start=start, entry_speed=entry_speed)
        self._target = _sum(self._target, block.steps)
        self._end_s = planned[-1].end_s
        self._blocks = [block for block in begun + planned if block.end_s > now_s]
        self._trajectories = tuple(
            self._trajectories[axis].replanned(
                start_s,
                [phase for block in planned for phase in block.along(axis)],
                remember_s=now_s - _MEMORY_S,
            )
            for axis in Axis
        )

    def stop(self, at_s: float) -> Steps:
        """Stop dead at a time, now or soon, and forget all blocks; the position there."""
        self._trajectories = tuple(trajectory.cut(at_s) for trajectory in self._trajectories)
        self._blocks = []
        self._end_s = min(self._end_s, at_s)
        x, y = (round(trajectory.position(at_s)) for trajectory in self._trajectories)
        self._target = x, y
        return self._target
