"""The simulated desk: what physically is, whatever the firmware claims.

The firmware moves steppers, servos and pins; the operator lays parts on the table; the camera looks. All of
them meet here, on one injected clock, from their own threads.
"""

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rig.clock import Clock
from rig.sim.drivetrain import DriveTrain, Motion
from rig.sim.passages import FallenPart, Feed, LyingPart, Passage, Supply
from rig.sim.ways import (
    Chute,
    Exit,
    PinExit,
    PinRelease,
    Release,
    ServoChute,
    ServoExit,
    ServoRelease,
    StepperChute,
)

# What stands on the Y axis where no chute does: a motor like that of a table without gears.
_BARE_MICROSTEPS_PER_TURN = 3200


@dataclass(frozen=True, slots=True)
class ServoPulse:
    """A pulse width that a servo was commanded to, the same as before or another."""

    index: int
    pulse_us: int
    at_s: float


@dataclass(frozen=True, slots=True)
class PinWrite:
    """A PWM value, 0 to 255, that an output took: by a command, or by falling to 0 in a reset."""

    pin: int
    value: int
    at_s: float


class World:
    """Table, part, chute, sweeper, jets and lamp.

    Args:
        clock: the clock that all of the simulated rig shares.
        microsteps_per_turn: pulses to the driver that make one turn of the table.
        exits: ways off the table.
        chute: where a part that is pushed off falls through; None where there is none.
        light_pin: as in `[light]`.
        feed_gap_s: how long the feeder takes to lay the next part on an empty table, its way free.
        backlash_deg: play between motor and table.
        rings: whether the table swings on after a stop.
        releases: what lets the feeder's next part go; where there is nothing, parts come by themselves.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        microsteps_per_turn: float,
        exits: Sequence[Exit],
        chute: Chute | None,
        light_pin: int | None,
        feed_gap_s: float,
        backlash_deg: float = 0.0,
        rings: bool = False,
        releases: Sequence[Release] = (),
    ) -> None:
        self.clock = clock
        self._exits = tuple(exits)
        self._releases = tuple(releases)
        self._chute = chute
        self._light_pin = light_pin
        self._lock = threading.RLock()
        self._table = DriveTrain(microsteps_per_turn, backlash_deg=backlash_deg, rings=rings)
        self._y_axis = DriveTrain(
            chute.microsteps_per_turn if isinstance(chute, StepperChute) else _BARE_MICROSTEPS_PER_TURN
        )
        self._servos_deg: dict[int, float] = {}
        self._servo_pulses: list[ServoPulse] = []
        self._pins: dict[int, int] = {}
        self._pin_writes: list[PinWrite] = []
        self._lying: LyingPart | None = None
        self._sheet: float | None = None
        self._feed_gap_s = feed_gap_s
        self._supply = self._empty_supply()
        self._fallen: list[FallenPart] = []
        self._motors_off_from_s = -math.inf
        self._jammed_deg: float | None = None
        self._way_is_jammed = False
        self._lamp_is_broken = False
        self._camera_stalls_until_s = -math.inf

    # What the firmware drives.

    @property
    def microsteps_per_turn(self) -> float:
        """Pulses to the driver that make one turn of the table."""
        return self._table.microsteps_per_turn

    @property
    def chute_microsteps_per_turn(self) -> float:
        """Pulses to the driver that make one turn of what stands on the Y axis."""
        return self._y_axis.microsteps_per_turn

    def drive_table(self, motion: Motion) -> None:
        """From now on the table's motor follows `motion`."""
        with self._lock:
            self._table.follow(motion, self.clock.monotonic())

    def drive_chute(self, motion: Motion) -> None:
        """From now on the motor of the Y axis follows `motion`."""
        with self._lock:
            self._y_axis.follow(motion, self.clock.monotonic())

    def pulse_servo(self, index: int, pulse_us: int) -> None:
        """A servo is told a pulse width; it gets there with `turn_servo`."""
        with self._lock:
            self._servo_pulses.append(ServoPulse(index, pulse_us, self.clock.monotonic()))

    def turn_servo(self, index: int, angle_deg: float) -> None:
        """A servo reaches an angle; a sweeper's push makes the part fall where the chute points."""
        with self._lock:
            before_deg = self._servos_deg.get(index, 0.0)
            self._servos_deg[index] = angle_deg
            sweepers = [way for way in self._exits if isinstance(way, ServoExit)]
            if any(sweeper.is_open(index, angle_deg) for sweeper in sweepers):
                self._leave(jet_pin=None)
            elif any(sweeper.is_open(index, before_deg) for sweeper in sweepers):
                self._clear_way()
            if any(isinstance(way, ServoRelease) and way.is_open(index, angle_deg) for way in self._releases):
                self.release()

    def write_pin(self, pin: int, value: int) -> None:
        """An output pin takes a PWM value, 0 to 255; an air jet that opens blows the part off."""
        with self._lock:
            goes_high = value > 0 and not self._pins.get(pin)
            self._pins[pin] = value
            self._pin_writes.append(PinWrite(pin, value, self.clock.monotonic()))
            if PinExit(pin) in self._exits:
                if goes_high:
                    self._leave(jet_pin=pin)
                elif value == 0:
                    self._clear_way()
            if goes_high and PinRelease(pin) in self._releases:
                self.release()

    def drop_pins(self) -> None:
        """All outputs go low."""
        with self._lock:
            for pin in [pin for pin, value in self._pins.items() if value]:
                self.write_pin(pin, 0)

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
        """The table's true angle, play and swinging included, unwrapped, at a time of the clock."""
        with self._lock:
            return self._table.angle_deg(at_s) if self._jammed_deg is None else self._jammed_deg

    def jam_table(self) -> None:
        """From now on the table stands still, whatever its motor is told."""
        with self._lock:
            self._jammed_deg = self.table_angle_deg(self.clock.monotonic())

    def part_on_table(self) -> LyingPart | None:
        """What lies on the table now; the feeder may just have laid the next part."""
        with self._lock:
            if self._lying is None:
                self._lying = self._supply.lay(self.clock.monotonic())
            return self._lying

    def sheet_on_table(self) -> float | None:
        """Reflectance of the sheet that covers the table, 0 to 1; None where there is none."""
        with self._lock:
            return self._sheet

    def lamp_level(self) -> float:
        """Brightness of the lamp, 0 to 1; 1 when the rig has no lamp to switch, as long as it burns."""
        with self._lock:
            if self._lamp_is_broken:
                return 0.0
            return 1.0 if self._light_pin is None else self._pins.get(self._light_pin, 0) / 255

    def camera_stalls_until_s(self) -> float:
        """Before this time of the clock the camera delivers nothing."""
        with self._lock:
            return self._camera_stalls_until_s

    # What goes wrong.

    def jam_way(self) -> None:
        """From now on no push moves a part."""
        with self._lock:
            self._way_is_jammed = True

    def switch_lamp_off(self) -> None:
        """The lamp's output falls low; switched on again, the lamp burns."""
        with self._lock:
            if self._light_pin is not None:
                self.write_pin(self._light_pin, 0)

    def break_lamp(self) -> None:
        """The lamp burns out."""
        with self._lock:
            self._lamp_is_broken = True

    def stall_camera(self, duration_s: float) -> None:
        """The camera delivers nothing for a while."""
        with self._lock:
            self._camera_stalls_until_s = self.clock.monotonic() + duration_s

    # What the operator does.

    def begin(self) -> None:
        """Clear table and feeder, and forget what left the table and what servos and outputs were told."""
        with self._lock:
            self.clear()
            self._supply = self._empty_supply()
            for history in (self._fallen, self._servo_pulses, self._pin_writes):
                history.clear()

    def lay(self, lying: LyingPart) -> None:
        """Take away what lies on the table and lay another part on it."""
        with self._lock:
            self._lying, self._sheet = lying, None

    def lay_sheet(self, reflectance: float) -> None:
        """Take away what lies on the table and cover it with a sheet of neutral colour."""
        with self._lock:
            self._lying, self._sheet = None, reflectance

    def clear(self) -> None:
        """Take away what lies on the table."""
        with self._lock:
            self._lying, self._sheet = None, None

    def free_way(self) -> None:
        """Pushes move parts again."""
        with self._lock:
            self._way_is_jammed = False

    def mend_lamp(self) -> None:
        """Put a new lamp in."""
        with self._lock:
            self._lamp_is_broken = False

    def pour(self, pile: Iterator[Feed]) -> None:
        """Clear the table and fill the feeder, which lays parts from `pile` one by one on the empty table."""
        with self._lock:
            self.clear()
            self._supply.pour(pile, self.clock.monotonic())

    def release(self) -> None:
        """Let the feeder's next part go: it comes after the feeder's gap, or once the table is empty."""
        with self._lock:
            self._supply.release(self.clock.monotonic())

    # The truth, for tests and figures.

    def fallen(self) -> tuple[FallenPart, ...]:
        """All parts that left the table, in order."""
        with self._lock:
            return tuple(self._fallen)

    def passages(self) -> tuple[Passage, ...]:
        """What the feeder has laid on the table since the last `begin`, in order."""
        with self._lock:
            return tuple(self._supply.passages)

    def servo_deg(self, index: int) -> float | None:
        """The angle a servo was last driven to, None while it never was."""
        with self._lock:
            return self._servos_deg.get(index)

    def pin(self, pin: int) -> int:
        """The PWM value of an output pin, 0 to 255."""
        with self._lock:
            return self._pins.get(pin, 0)

    def servo_pulses(self) -> tuple[ServoPulse, ...]:
        """All pulse widths that servos were commanded to, in order."""
        with self._lock:
            return tuple(self._servo_pulses)

    def pin_writes(self) -> tuple[PinWrite, ...]:
        """All values that output pins took, in order."""
        with self._lock:
            return tuple(self._pin_writes)

    def motors_on(self) -> bool:
        """Whether the drivers are enabled now."""
        with self._lock:
            return self.clock.monotonic() < self._motors_off_from_s

    def table_microsteps(self, at_s: float) -> int:
        """The true position of the table's motor at a time of the clock, in microsteps since power-on."""
        with self._lock:
            return self._table.microsteps(at_s)

    def chute_microsteps(self, at_s: float) -> int:
        """The true position of the Y axis at a time of the clock, in microsteps since power-on."""
        with self._lock:
            return self._y_axis.microsteps(at_s)

    def _empty_supply(self) -> Supply:
        return Supply(self._feed_gap_s, is_asked=bool(self._releases), now_s=self.clock.monotonic())

    def _clear_way(self) -> None:
        """The feeder's time begins when nothing is in its way any more."""
        if self._lying is None:
            self._supply.make_way(self.clock.monotonic())

    def _chute_deg(self, now_s: float) -> float | None:
        match self._chute:
            case ServoChute(servo):
                return self._servos_deg.get(servo, 0.0)
            case StepperChute():
                return self._y_axis.angle_deg(now_s)
            case None:
                return None

    def _leave(self, jet_pin: int | None) -> None:
        if self._lying is None or self._way_is_jammed:
            return
        now_s = self.clock.monotonic()
        fallen = FallenPart(self._lying, now_s, self._chute_deg(now_s), jet_pin)
        if self._supply.push(fallen):
            self._fallen.append(fallen)
            self._lying = None
            self._supply.make_way(now_s)
