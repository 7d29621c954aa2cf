"""The ways of a part: what lets it onto the simulated table, what brings it off, and where it falls then."""

from dataclasses import dataclass
from typing import TypeAlias

# A servo that is this near to an angle has reached it.
_SERVO_TOLERANCE_DEG = 0.5


@dataclass(frozen=True)
class ServoExit:
    """A servo that sweeps the part off the table when it is pushed at least so far."""

    servo: int
    push_deg: float

    def is_open(self, servo: int, angle_deg: float) -> bool:
        """Whether a servo at an angle pushes the part off."""
        return servo == self.servo and angle_deg >= self.push_deg - _SERVO_TOLERANCE_DEG


@dataclass(frozen=True)
class PinExit:
    """An air jet that blows the part off the table when its output goes high."""

    pin: int


@dataclass(frozen=True)
class ServoChute:
    """A chute that a servo turns."""

    servo: int


@dataclass(frozen=True)
class StepperChute:
    """A chute on the Y axis.

    Attributes:
        microsteps_per_turn: pulses to the driver that make one turn of the chute.
    """

    microsteps_per_turn: float


@dataclass(frozen=True)
class HandRelease:
    """A hand lays each part, when `World.release` says so."""


@dataclass(frozen=True)
class PinRelease:
    """An output that lets the feeder's next part go each time that it goes high."""

    pin: int


@dataclass(frozen=True)
class ServoRelease:
    """A servo that lets the feeder's next part go each time that it is turned at least so far."""

    servo: int
    push_deg: float

    def is_open(self, servo: int, angle_deg: float) -> bool:
        """Whether a servo at an angle lets a part go."""
        return servo == self.servo and angle_deg >= self.push_deg - _SERVO_TOLERANCE_DEG


Exit: TypeAlias = ServoExit | PinExit
Release: TypeAlias = HandRelease | PinRelease | ServoRelease
Chute: TypeAlias = ServoChute | StepperChute
