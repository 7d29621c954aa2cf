"""How a stepper axis really moves: Marlin's planner as blocks of constant acceleration, in microsteps.

A move runs up from the start speed, cruises, and runs down again; collinear moves are joined without a stop.
The first block of an idle planner is held back, unless two more follow soon. All constants were measured on
Marlin 2.1.2.7 for RAMPS 1.4.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

# An idle planner waits this long for a second and a third block, so that it can join them.
HOLD_S = 0.1
HOLD_BLOCKS = 3
# The planner starts and ends at this speed, in microsteps/s; fitted to the measured times of 7 moves.
START_SPEED = 130.0
# BLOCK_BUFFER_SIZE; one place always stays free.
PLANNER_SIZE = 16

# How long the past of an axis is remembered for a camera that still exposes.
_MEMORY_S = 10.0


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

    def position(self, at_s: float) -> float:
        """The position at a time, that of the nearer end outside the phase."""
        t = min(max(at_s - self.start_s, 0.0), self.duration_s)
        return self.start + self.speed * t + self.acceleration * t * t / 2


@dataclass(frozen=True)
class Trajectory:
    """One phase after another, standing still before, between and after them."""

    phases: tuple[Phase, ...]

    def position(self, at_s: float) -> float:
        """Microsteps since power-on: a whole number, since a stepper stands on its microsteps."""
        place = bisect_right(self.phases, at_s, key=lambda phase: phase.start_s) - 1
        return float(round(self.phases[max(place, 0)].position(at_s)))

    def cut(self, at_s: float) -> "Trajectory":
        """The same until a time, at which the axis stops dead."""
        phases = [phase for phase in self.phases if phase.start_s < at_s] or [self.phases[0]]
        kept_s = min(max(at_s - phases[-1].start_s, 0.0), phases[-1].duration_s)
        return Trajectory((*phases[:-1], replace(phases[-1], duration_s=kept_s)))


@dataclass(frozen=True)
class Block:
    """A move that the planner has taken.

    Attributes:
        steps: signed microsteps, not 0.
        speed: at most this many microsteps/s.
    """

    steps: int
    speed: float


@dataclass(frozen=True)
class PlannedBlock:
    """A block with its speeds at both ends and the phases that make it."""

    block: Block
    exit_speed: float
    phases: tuple[Phase, ...]

    @property
    def start_s(self) -> float:
        return self.phases[0].start_s

    @property
    def end_s(self) -> float:
        return self.phases[-1].end_s


def plan(
    blocks: Sequence[Block], *, start_s: float, start: int, entry_speed: float, acceleration: float
) -> list[PlannedBlock]:
    """Join blocks at the highest speeds that let each be entered, run and left within the acceleration.

    Args:
        start_s, start: when and where (microsteps) the first block begins.
        entry_speed: of the first block, microsteps/s.
        acceleration: microsteps/s^2.
    """
    speeds = _junction_speeds(blocks, entry_speed, acceleration)
    planned = []
    for block, entry, exit_ in zip(blocks, speeds[:-1], speeds[1:], strict=True):
        phases = _phases(block, start_s, start, entry, exit_, acceleration)
        planned.append(PlannedBlock(block, exit_, phases))
        start_s = phases[-1].end_s
        start += block.steps
    return planned


def _junction_speeds(blocks: Sequence[Block], entry_speed: float, acceleration: float) -> list[float]:
    """Speeds before, between and after the blocks: a backward and a forward pass, as in Marlin's planner."""
    speeds = [min(entry_speed, blocks[0].speed)]
    for before, after in pairwise(blocks):
        straight_on = (before.steps > 0) == (after.steps > 0)
        limit = min(before.speed, after.speed)
        speeds.append(limit if straight_on else min(START_SPEED, limit))
    speeds.append(min(START_SPEED, blocks[-1].speed))
    for place in range(len(blocks) - 1, 0, -1):
        speeds[place] = min(speeds[place], _reachable(speeds[place + 1], blocks[place], acceleration))
    for place, block in enumerate(blocks):
        speeds[place + 1] = min(speeds[place + 1], _reachable(speeds[place], block, acceleration))
    return speeds


def _reachable(speed: float, block: Block, acceleration: float) -> float:
    return math.sqrt(speed**2 + 2 * acceleration * abs(block.steps))


def _phases(
    block: Block, start_s: float, start: int, entry: float, exit_: float, acceleration: float
) -> tuple[Phase, ...]:
    distance = abs(block.steps)
    sign = math.copysign(1.0, block.steps)
    peak = min(block.speed, math.sqrt(acceleration * distance + (entry**2 + exit_**2) / 2))
    peak = max(peak, entry, exit_)
    up = (peak**2 - entry**2) / (2 * acceleration)
    down = (peak**2 - exit_**2) / (2 * acceleration)
    cruise_s = max(0.0, distance - up - down) / peak
    phases: list[Phase] = []
    position = float(start)
    for duration_s, speed, rate in (
        ((peak - entry) / acceleration, entry, acceleration),
        (cruise_s, peak, 0.0),
        ((peak - exit_) / acceleration, peak, -acceleration),
    ):
        if duration_s > 0:
            phases.append(Phase(start_s, duration_s, position, sign * speed, sign * rate))
            start_s = phases[-1].end_s
            position = phases[-1].position(start_s)
    return tuple(phases)


class Planner:
    """The queue of blocks of one axis.

    Args:
        position: where the axis stands at first, microsteps since power-on.
        acceleration: microsteps/s^2.
        now_s: the time at which it stands there.
    """

    def __init__(self, position: int, *, acceleration: float, now_s: float) -> None:
        self._acceleration = acceleration
        self._blocks: list[PlannedBlock] = []
        self._target = position
        self._trajectory = Trajectory((Phase(now_s, 0.0, position, 0.0, 0.0),))
        self._end_s = now_s

    @property
    def trajectory(self) -> Trajectory:
        """The course of the axis as planned now."""
        return self._trajectory

    @property
    def end_s(self) -> float:
        """When all motion will have ended."""
        return self._end_s

    @property
    def target(self) -> int:
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
        waiting = [planned.block for planned in self._blocks[len(begun) :]] + [block]
        entry_speed = START_SPEED
        if begun and begun[-1].end_s > now_s:
            start_s, entry_speed = begun[-1].end_s, begun[-1].exit_speed
        elif len(waiting) >= HOLD_BLOCKS:
            start_s = now_s
        elif len(waiting) > 1:
            start_s = self._blocks[len(begun)].start_s
        else:
            start_s = now_s + HOLD_S
        start = self._target - sum(queued.steps for queued in waiting[:-1])
        planned = plan(
            waiting, start_s=start_s, start=start, entry_speed=entry_speed, acceleration=self._acceleration
        )
        self._blocks = begun + planned
        self._target += block.steps
        self._end_s = planned[-1].end_s
        self._draw(now_s, start_s, planned)

    def stop(self, at_s: float) -> int:
        """Stop dead at a time, now or soon, and forget all blocks; the position there."""
        self._trajectory = self._trajectory.cut(at_s)
        self._blocks = []
        self._end_s = min(self._end_s, at_s)
        self._target = round(self._trajectory.position(at_s))
        return self._target

    def _draw(self, now_s: float, from_s: float, planned: Sequence[PlannedBlock]) -> None:
        past = [phase for phase in self._trajectory.phases if phase.start_s < from_s]
        recent = [phase for phase in past if phase.end_s > now_s - _MEMORY_S] or past[-1:]
        self._trajectory = Trajectory((*recent, *(phase for block in planned for phase in block.phases)))
        self._blocks = [block for block in self._blocks if block.end_s > now_s]
