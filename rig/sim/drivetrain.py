"""Between a motor and what it turns: gears with play, and a load that swings on after a stop."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

# A load on a springy shaft swings this often a second, and each swing dies with this time constant. Both, and
# the limit, are guesses of ours: nobody has measured a table yet.
_RINGING_HZ = 13.5
_RINGING_DECAY_S = 0.045
_LARGEST_SWING_DEG = 0.3
# Friction ends a swing that has become smaller than this.
_LEAST_SWING_DEG = 0.01

# How long the past of the play is remembered, as that of a trajectory.
_MEMORY_S = 10.0


@dataclass(frozen=True)
class Stop:
    """How an axis came to rest: microsteps/s and microsteps/s^2 just before, and when."""

    at_s: float
    speed: float
    acceleration: float


class Motion(Protocol):
    """The course of a motor over time, e.g. one trapezoid after another, in microsteps since power-on."""

    def position(self, at_s: float) -> float:
        """Where it physically is at a time of the world's clock."""
        ...

    def corners(self, from_s: float, to_s: float) -> Sequence[float]:
        """Positions between two times, in order; from each to the next it does not turn back."""
        ...

    def last_stop(self, at_s: float) -> Stop | None:
        """How it came to rest for the last time before a time."""
        ...


class Standstill:
    """A motor that never moved."""

    def position(self, at_s: float) -> float:
        return 0.0

    def corners(self, from_s: float, to_s: float) -> Sequence[float]:
        return ()

    def last_stop(self, at_s: float) -> Stop | None:
        return None


class DriveTrain:
    """A motor and what it turns.

    Play is the play operator of hysteresis models: the load rests until the motor has crossed the play. The
    teeth touch at first as they do after a forward turn, so that forward turns are exact from the beginning.

    Args:
        microsteps_per_turn: pulses to the driver that make one turn of the load.
        backlash_deg: play, in degrees of the load.
        rings: whether the load swings on after a stop. It swings like an undamped load on a spring would,
            once the motor has gone from a deceleration and a last speed to rest, up to a limit, and the
            swing decays until friction ends it. Frequency, decay and limits are guesses.
    """

    def __init__(self, microsteps_per_turn: float, *, backlash_deg: float = 0.0, rings: bool = False) -> None:
        self.microsteps_per_turn = microsteps_per_turn
        self._deg_per_microstep = 360.0 / microsteps_per_turn
        self._play = backlash_deg / self._deg_per_microstep
        self._rings = rings
        self._motion: Motion = Standstill()
        # Times, and where in microsteps the load was then.
        self._anchors: list[tuple[float, float]] = [(-math.inf, 0.0)]

    def follow(self, motion: Motion, now_s: float) -> None:
        """From now on the motor moves like this."""
        if self._play:
            recent = [anchor for anchor in self._anchors if anchor[0] > now_s - _MEMORY_S]
            self._anchors = (recent or self._anchors[-1:]) + [(now_s, self._load(now_s))]
        self._motion = motion

    def microsteps(self, at_s: float) -> int:
        """Where the motor is at a time, in microsteps since power-on."""
        return round(self._motion.position(at_s))

    def angle_deg(self, at_s: float) -> float:
        """Where the load is at a time, in degrees since power-on, unwrapped."""
        angle_deg = self._load(at_s) * self._deg_per_microstep
        return angle_deg + self._swing_deg(at_s) if self._rings else angle_deg

    def _load(self, at_s: float) -> float:
        if not self._play:
            return self._motion.position(at_s)
        place = bisect_right(self._anchors, at_s, key=lambda anchor: anchor[0]) - 1
        from_s, load = self._anchors[max(place, 0)]
        for motor in (*self._motion.corners(from_s, at_s), self._motion.position(at_s)):
            load = min(max(load, motor), motor + self._play)
        return load

    def _swing_deg(self, at_s: float) -> float:
        stop = self._motion.last_stop(at_s)
        if stop is None:
            return 0.0
        omega = 2 * math.pi * _RINGING_HZ
        # A steady deceleration a bends a spring by a / omega^2; a fall from speed v to rest swings v / omega.
        swing_deg = (stop.speed - stop.acceleration / omega) / omega * self._deg_per_microstep
        swing_deg = min(max(swing_deg, -_LARGEST_SWING_DEG), _LARGEST_SWING_DEG)
        since_s = at_s - stop.at_s
        swing_deg *= math.exp(-since_s / _RINGING_DECAY_S)
        return swing_deg * math.sin(omega * since_s) if abs(swing_deg) > _LEAST_SWING_DEG else 0.0
