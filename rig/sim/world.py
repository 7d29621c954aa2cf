"""The simulated desk: what physically is, whatever the firmware claims.

The firmware moves steppers, servos and pins; the operator lays parts on the table; the camera looks. All of
them meet here, on one injected clock, from their own threads.
"""

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from rig.catalog import ColourCode, PartNumber
from rig.clock import Clock


class Motion(Protocol):
    """The course of an axis over time, e.g. one trapezoid after another."""

    def position(self, at_s: float) -> float:
        """Where the axis physically is at a time of the world's clock, in microsteps since power-on."""
        ...


class Standstill:
    """An axis that never moved."""

    def position(self, at_s: float) -> float:
        return 0.0


@dataclass(frozen=True)
class LyingPart:
    """A part as it lies on the table.

    Attributes:
        part: the mould.
        colour: LDraw colour code.
        pose: index into the mould's stable resting poses.
        offset_mm: x and y of its middle in the table's own turning frame.
        yaw_deg: its turn about the vertical in the table's frame.
    """

    part: PartNumber
    colour: ColourCode
    pose: int
    offset_mm: tuple[float, float]
    yaw_deg: float


@dataclass(frozen=True)
class FallenPart:
    """A part that left the table: when, and where the chute pointed as it fell."""

    lying: LyingPart
    at_s: float
    chute_deg: float


class World:
    """Table, part, chute, sweeper and lamp.

    Args:
        clock: the clock that all of the simulated rig shares.
        microsteps_per_turn: of the table.
        chute_servo, sweeper_servo, sweeper_push_deg: as in `[actuator]`.
        light_pin: as in `[light]`.
        feed_gap_s: how long the feeder takes to lay the next part on an empty table.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        microsteps_per_turn: int,
        chute_servo: int,
        sweeper_servo: int,
        sweeper_push_deg: float,
        light_pin: int | None,
        feed_gap_s: float,
    ) -> None:
        self.clock = clock
        self._microsteps_per_turn = microsteps_per_turn
        self._chute_servo = chute_servo
        self._sweeper_servo = sweeper_servo
        self._sweeper_push_deg = sweeper_push_deg
        self._light_pin = light_pin
        self._feed_gap_s = feed_gap_s
        self._lock = threading.RLock()
        self._table: Motion = Standstill()
        self._servos_deg: dict[int, float] = {}
        self._pins: dict[int, int] = {}
        self._lying: LyingPart | None = None
        self._cleared_s = clock.monotonic()
        self._pile: Iterator[LyingPart] = iter(())
        self._fallen: list[FallenPart] = []
        self._motors_off_from_s = -math.inf

    # What the firmware drives.

    @property
    def microsteps_per_turn(self) -> int:
        """Microsteps of one full turn of the table."""
        return self._microsteps_per_turn

    def drive_table(self, motion: Motion) -> None:
        """From now on the table follows `motion`."""
        with self._lock:
            self._table = motion

    def turn_servo(self, index: int, angle_deg: float) -> None:
        """A servo reaches an angle; the sweeper's push makes the part fall where the chute points."""
        with self._lock:
            self._servos_deg[index] = angle_deg
            if index == self._sweeper_servo and angle_deg >= self._sweeper_push_deg - 0.5:
                self._sweep_off()

    def write_pin(self, pin: int, value: int) -> None:
        """An output pin takes a PWM value, 0 to 255."""
        with self._lock:
            self._pins[pin] = value

    def hold_motors(self) -> None:
        """The drivers are enabled: the table holds its angle."""
        with self._lock:
            self._motors_off_from_s = math.inf

    def release_motors(self, from_s: float) -> None:
        """The drivers are disabled from a time on: the table can be turned by hand."""
        with self._lock:
            self._motors_off_from_s = min(self._motors_off_from_s, from_s)

    # What the camera sees.

    def table_angle_deg(self, at_s: float) -> float:
        """The table's true angle, unwrapped, at a time of the clock."""
        with self._lock:
            return self._table.position(at_s) * 360.0 / self._microsteps_per_turn

    def part_on_table(self) -> LyingPart | None:
        """What lies on the table now; the feeder may just have laid the next part."""
        with self._lock:
            if self._lying is None and self._gap_over():
                self._lying = next(self._pile, None)
            return self._lying

    def lamp_level(self) -> float:
        """Brightness of the lamp, 0 to 1; always 1 when the rig has no lamp to switch."""
        with self._lock:
            return 1.0 if self._light_pin is None else self._pins.get(self._light_pin, 0) / 255

    # What the operator does.

    def lay(self, lying: LyingPart) -> None:
        """Take away what lies on the table and lay another part on it."""
        with self._lock:
            self._lying = lying

    def pour(self, pile: Iterator[LyingPart]) -> None:
        """Clear the table and fill the feeder, which lays parts from `pile` one by one on the empty table."""
        with self._lock:
            self._lying = None
            self._cleared_s = self.clock.monotonic()
            self._pile = pile

    # The truth, for tests and figures.

    def fallen(self) -> tuple[FallenPart, ...]:
        """All parts that left the table, in order."""
        with self._lock:
            return tuple(self._fallen)

    def servo_deg(self, index: int) -> float | None:
        """The angle a servo was last driven to, None while it never was."""
        with self._lock:
            return self._servos_deg.get(index)

    def pin(self, pin: int) -> int:
        """The PWM value of an output pin, 0 to 255."""
        with self._lock:
            return self._pins.get(pin, 0)

    def motors_on(self) -> bool:
        """Whether the drivers are enabled now."""
        with self._lock:
            return self.clock.monotonic() < self._motors_off_from_s

    def table_microsteps(self, at_s: float) -> int:
        """The table's true position at a time of the clock, in microsteps since power-on."""
        with self._lock:
            return round(self._table.position(at_s))

    def _gap_over(self) -> bool:
        return self.clock.monotonic() - self._cleared_s >= self._feed_gap_s

    def _sweep_off(self) -> None:
        if self._lying is None:
            return
        now_s = self.clock.monotonic()
        self._fallen.append(FallenPart(self._lying, now_s, self._servos_deg.get(self._chute_servo, 0.0)))
        self._lying = None
        self._cleared_s = now_s
