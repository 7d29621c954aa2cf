"""The axes of the simulated Marlin: what it believes of X and Y, and what makes them move."""

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from rig.sim.build import Build
from rig.sim.gcode import AT_ONCE, HALT_WORDS, Handler, KilledError, Wait, Words
from rig.sim.motion import PLANNER_SIZE, Axis, Block, Planner, Steps
from rig.sim.world import World

# Degrees/s^2, and what it homes at in degrees/s.
ACCELERATION_DEG_S2 = 720.0
HOMING_SPEED_DEG_S = 50.0
HOMING_LIMIT_S = 12.0
# Step events, and step events/s.
MIN_STEPS_PER_SEGMENT = 6
MIN_SPEED = 32.0

# From M410 to its ok; from M112 to the last step, and from there to the release of the drivers.
QUICK_STOP_S = 1.02
KILL_LAST_STEP_S = 0.63
KILL_RELEASE_S = 0.88


class _Coordinate:
    """What the firmware believes of one axis.

    Args:
        steps_per_deg: DEFAULT_AXIS_STEPS_PER_UNIT.
        origin: where zero is, in microsteps since power-on.
        switch: where the switch is, likewise; None when it never closes.
        microsteps_per_turn: after how many the switch comes round again.
    """

    def __init__(
        self, *, steps_per_deg: float, origin: int, switch: int | None, microsteps_per_turn: float
    ) -> None:
        # Marlin computes in 32-bit floats.
        self.steps_per_deg = float(np.float32(steps_per_deg))
        self.origin = origin
        self.switch = switch
        self.microsteps_per_turn = microsteps_per_turn
        # Where it is claimed to be, without the workspace offset.
        self.claimed_deg = 0.0
        self.offset_deg = 0.0

    def count(self, angle_deg: float) -> int:
        return round(float(np.float32(np.float32(angle_deg) * np.float32(self.steps_per_deg))))

    def claim(self, angle_deg: float) -> None:
        """Believe to be at, or on the way to, an angle."""
        self.claimed_deg = float(np.float32(angle_deg))

    def stand_at(self, angle_deg: float, microsteps: int) -> None:
        """Believe that where the axis really is, is this angle."""
        self.claim(angle_deg)
        self.origin = microsteps - self.count(self.claimed_deg)

    def angle_deg(self, microsteps: int) -> float:
        return (microsteps - self.origin) / self.steps_per_deg

    def to_switch(self, microsteps: int) -> int | None:
        """Microsteps back to the switch; None when it never closes."""
        return None if self.switch is None else round((microsteps - self.switch) % self.microsteps_per_turn)


class Motors:
    """Both axes and their commands; Z, which the rig has no motor for, always stands at 0.

    Args:
        world: what is driven.
        say: takes each line of an answer but the `ok`.
        build: how the firmware was configured.
    """

    def __init__(self, world: World, say: Callable[[str], None], build: Build) -> None:
        self._world = world
        self._clock = world.clock
        self._say = say
        self._build = build
        now_s = self._clock.monotonic()
        position = world.table_microsteps(now_s), world.chute_microsteps(now_s)
        # Marlin holds steps/unit with six decimals.
        self._x = _Coordinate(
            steps_per_deg=build.x_steps_per_deg or round(world.microsteps_per_turn / 360.0, 6),
            origin=position[Axis.X],
            switch=build.home_switch,
            microsteps_per_turn=world.microsteps_per_turn,
        )
        self._y = _Coordinate(
            steps_per_deg=build.y_steps_per_deg or round(world.chute_microsteps_per_turn / 360.0, 6),
            origin=position[Axis.Y],
            switch=build.chute_switch,
            microsteps_per_turn=world.chute_microsteps_per_turn,
        )
        self._coordinates = {Axis.X: self._x, Axis.Y: self._y}
        self._planner = Planner(position, now_s=now_s)
        self._follow_planner()
        self._speed_deg_s = 25.0
        self._relative = False
        self._stopped_until_s = now_s
        self._idle_from_s = now_s
        self._idle_timeout_s = build.stepper_timeout_s or math.inf
        self.handlers: dict[str, Handler] = {
            "G0": self._move,
            "G1": self._move,
            "G4": self._dwell,
            "G28": self._home,
            "G90": self._absolute_mode,
            "G91": self._relative_mode,
            "G92": self._set_position,
            "M17": self._enable,
            "M18": self._disable,
            "M84": self._disable,
            "M92": self._steps_per_unit,
            "M114": self._report,
            "M119": self._endstops,
            "M400": self._finish,
        }

    @property
    def planner_free(self) -> int:
        """Blocks that the planner still takes."""
        return PLANNER_SIZE - 1 - self._planner.queued(self._clock.monotonic())

    @property
    def stopped_until_s(self) -> float:
        """No command goes on before this time: a quick stop is being carried out."""
        return self._stopped_until_s

    @property
    def release_due_s(self) -> float:
        """When motors that are idle until then are released; infinite for never."""
        if not self._world.motors_on():
            return math.inf
        return max(self._still_s(), self._idle_from_s) + self._idle_timeout_s

    def release_if_idle(self) -> None:
        """Release the motors if they have been idle for too long."""
        now_s = self._clock.monotonic()
        if now_s >= self.release_due_s:
            self._world.release_motors(now_s)

    def quick_stop(self) -> None:
        """M410: stop dead and read the position back from the steppers."""
        now_s = self._clock.monotonic()
        self._stop(now_s)
        self._stopped_until_s = now_s + QUICK_STOP_S

    def power_down(self) -> None:
        """A kill: steps go on for a little while, then the drivers are released."""
        last_step_s = self._clock.monotonic() + KILL_LAST_STEP_S
        self._stop(last_step_s)
        self._world.release_motors(last_step_s + KILL_RELEASE_S)

    def power_off(self) -> None:
        """A reset: at once."""
        now_s = self._clock.monotonic()
        self._stop(now_s)
        self._world.release_motors(now_s)

    def break_switches(self) -> None:
        """From now on no endstop ever closes."""
        for coordinate in self._coordinates.values():
            coordinate.switch = None

    def position_line(self) -> str:
        """What M114 and M154 say: where planned motion ends."""
        x_deg, y_deg = self._x.claimed_deg, self._y.claimed_deg
        return self._position_line(x_deg, y_deg, self._x.count(x_deg), self._y.count(y_deg))

    # Motion.

    def _move(self, words: Words) -> Iterator[Wait]:
        feed = words.get("F")
        if feed is not None and feed > 0:
            self._speed_deg_s = feed / 60.0
        ends_deg = {axis: words.get(axis.name) for axis in Axis}
        if set(ends_deg.values()) == {None}:
            return
        yield self._planner.room_from_s
        for axis, end_deg in ends_deg.items():
            if end_deg is not None:
                coordinate = self._coordinates[axis]
                coordinate.claim(
                    end_deg + (coordinate.claimed_deg if self._relative else -coordinate.offset_deg)
                )
        x, y = (
            coordinate.origin + coordinate.count(coordinate.claimed_deg) - self._planner.target[axis]
            for axis, coordinate in self._coordinates.items()
        )
        # Merged into the next move, while the position is claimed to be reached.
        if max(abs(x), abs(y)) >= MIN_STEPS_PER_SEGMENT:
            self._add((x, y), self._speed_deg_s)

    def _dwell(self, words: Words) -> Iterator[Wait]:
        yield self._still_s
        end_s = self._clock.monotonic() + (words.get("S") or 0.0) + (words.get("P") or 0.0) / 1000.0
        yield lambda: end_s

    def _home(self, words: Words) -> Iterator[Wait]:
        """X, then Y, or the one that is named."""
        yield self._still_s
        for axis in Axis:
            if axis.name in words or not words:
                yield from self._home_axis(axis)

    def _home_axis(self, axis: Axis) -> Iterator[Wait]:
        coordinate = self._coordinates[axis]
        way = coordinate.to_switch(self._planner.target[axis])
        if way is None:
            self._add(
                _along(axis, -round(HOMING_SPEED_DEG_S * coordinate.steps_per_deg * 2 * HOMING_LIMIT_S)),
                HOMING_SPEED_DEG_S,
            )
            end_s = self._clock.monotonic() + HOMING_LIMIT_S
            yield lambda: end_s
            raise KilledError("echo:Homing Failed", *HALT_WORDS)
        if way:
            self._add(_along(axis, -way), HOMING_SPEED_DEG_S)
            yield self._still_s
        coordinate.stand_at(0.0, self._planner.target[axis])
        coordinate.offset_deg = 0.0

    def _absolute_mode(self, words: Words) -> Iterable[Wait]:
        self._relative = False
        return AT_ONCE

    def _relative_mode(self, words: Words) -> Iterable[Wait]:
        self._relative = True
        return AT_ONCE

    def _set_position(self, words: Words) -> Iterable[Wait]:
        """G92: what was left over from a move too short to be made is forgotten.

        With workspace offsets, only what M114 calls the position changes.
        """
        for axis, coordinate in self._coordinates.items():
            angle_deg = words.get(axis.name)
            if angle_deg is None:
                continue
            if self._build.workspace_offsets:
                coordinate.offset_deg = angle_deg - coordinate.claimed_deg
            else:
                coordinate.stand_at(angle_deg, self._planner.target[axis])
        return AT_ONCE

    def _steps_per_unit(self, words: Words) -> Iterable[Wait]:
        if not words:
            self._say(f"echo:  M92 X{self._x.steps_per_deg:.2f} Y{self._y.steps_per_deg:.2f} Z400.00")
        for axis, coordinate in self._coordinates.items():
            if steps_per_deg := words.get(axis.name):
                coordinate.steps_per_deg = float(np.float32(steps_per_deg))
                coordinate.stand_at(coordinate.claimed_deg, self._planner.target[axis])
        return AT_ONCE

    def _finish(self, words: Words) -> Iterator[Wait]:
        yield self._still_s

    def _enable(self, words: Words) -> Iterable[Wait]:
        self._hold()
        return AT_ONCE

    def _hold(self) -> None:
        self._world.hold_motors()
        self._idle_from_s = self._clock.monotonic()

    def _disable(self, words: Words) -> Iterator[Wait]:
        timeout_s = words.get("S")
        if timeout_s is not None:
            self._idle_timeout_s = timeout_s or math.inf
            return
        yield self._still_s
        self._world.release_motors(self._clock.monotonic())

    def _add(self, steps: Steps, speed_deg_s: float) -> None:
        distance_deg = math.hypot(steps[0] / self._x.steps_per_deg, steps[1] / self._y.steps_per_deg)
        events_per_deg = max(abs(steps[0]), abs(steps[1])) / distance_deg
        block = Block(
            steps,
            speed=max(MIN_SPEED, min(speed_deg_s, self._build.max_speed_deg_s) * events_per_deg),
            acceleration=ACCELERATION_DEG_S2 * events_per_deg,
        )
        self._hold()
        self._planner.add(block, self._clock.monotonic())
        self._follow_planner()

    def _stop(self, at_s: float) -> None:
        target = self._planner.stop(at_s)
        self._follow_planner()
        for axis, coordinate in self._coordinates.items():
            coordinate.claimed_deg = coordinate.angle_deg(target[axis])

    def _follow_planner(self) -> None:
        self._world.drive_table(self._planner.trajectory(Axis.X))
        self._world.drive_chute(self._planner.trajectory(Axis.Y))

    def _still_s(self) -> float:
        return self._planner.end_s

    # Reports.

    def _report(self, words: Words) -> Iterator[Wait]:
        if "D" in words:
            yield self._still_s
        if "R" in words and self._build.m114_realtime:
            self._say(self._live_position_line())
        else:
            self._say(self.position_line())

    def _live_position_line(self) -> str:
        x, y = self._steppers()
        x_deg, y_deg = self._x.angle_deg(x), self._y.angle_deg(y)
        return self._position_line(x_deg, y_deg, x - self._x.origin, y - self._y.origin)

    def _position_line(self, x_deg: float, y_deg: float, x_count: int, y_count: int) -> str:
        degrees = f"X:{x_deg + self._x.offset_deg:.2f} Y:{y_deg + self._y.offset_deg:.2f} Z:0.00"
        return f"{degrees} Count X:{x_count} Y:{y_count} Z:0"

    def _endstops(self, words: Words) -> Iterable[Wait]:
        self._say("Reporting endstop status")
        for (axis, coordinate), at in zip(self._coordinates.items(), self._steppers(), strict=True):
            closed = coordinate.to_switch(at) == 0
            self._say(f"{axis.name.lower()}_min: {'TRIGGERED' if closed else 'open'}")
        self._say("z_min: open")
        return AT_ONCE

    def _steppers(self) -> Steps:
        now_s = self._clock.monotonic()
        return self._world.table_microsteps(now_s), self._world.chute_microsteps(now_s)


def _along(axis: Axis, steps: int) -> Steps:
    return (steps, 0) if axis is Axis.X else (0, steps)
