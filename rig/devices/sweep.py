"""A turn at constant speed, and the angle at any moment of it: the board is asked, and a line is fitted.

The turn may be extended while it is under way, at another speed: then it goes on without a stop.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rig.clock import Clock
from rig.marlin.codec import Axis
from rig.marlin.controller import LivePosition, Marlin

# How often the board is asked: on real firmware this left residuals of 0.05 degrees rms at 30 and 60 deg/s.
_POLL_EVERY_S = 0.02
# Answers so far before or after a moment count for its angle; the speed is constant over less than a ramp.
_WINDOW_S = 0.5
_LEAST_ANSWERS = 5
_NEAR_S = 0.1
_KEPT_ANSWERS = 3000
# M114 R tells hundredths of a degree.
_RESOLUTION_DEG = 0.01


@dataclass(frozen=True)
class SweptAngle:
    """The table's angle at a moment.

    Attributes:
        at_s: the moment.
        angle_deg: degrees from zero, all turns counted.
        uncertainty_deg: one standard deviation; large while the table speeds up or slows down.
        speed_deg_s: at that moment.
    """

    at_s: float
    angle_deg: float
    uncertainty_deg: float
    speed_deg_s: float


class Sweep:
    """A turn under way.

    Args:
        marlin: the board.
        clock: the rig's; time stamps are on its scale.
        turn_on: queues a turn by so many degrees more at so many degrees/s, and says where it ends.
        offset_deg: what the board's angle lacks: turns that it was told to forget.
        end_deg: where the turn ends.
        speed_deg_s: commanded.
    """

    def __init__(
        self,
        marlin: Marlin,
        clock: Clock,
        turn_on: Callable[[float, float], float],
        *,
        offset_deg: float,
        end_deg: float,
        speed_deg_s: float,
    ) -> None:
        self._marlin = marlin
        self._clock = clock
        self._turn_on = turn_on
        self._offset_deg = offset_deg
        self._end_deg = end_deg
        self._last_piece_deg = -math.inf
        self._speed_deg_s = speed_deg_s
        self._answers: deque[LivePosition] = deque(maxlen=_KEPT_ANSWERS)

    @property
    def end_deg(self) -> float:
        """Where the turn ends so far, from zero, all turns counted."""
        return self._end_deg

    @property
    def last_piece_deg(self) -> float:
        """Where the piece begins by which the turn was extended last."""
        return self._last_piece_deg

    def extend(self, angle_deg: float, *, speed_deg_s: float) -> None:
        """Go on behind the end: without a stop, as long as the table has not come to the last piece.

        (Marlin plans a move so that it could end at rest, and no longer changes that once it is under way.)

        Args:
            angle_deg: how much further, in the same direction.
            speed_deg_s: commanded from the present end on.
        """
        self._last_piece_deg = self._end_deg
        self._end_deg = self._turn_on(angle_deg, speed_deg_s)

    def follow_until(self, until_s: float) -> None:
        """Ask the board again and again until a time, so that its angles are known the better."""
        while self._clock.monotonic() < until_s:
            self._poll()

    def forget(self) -> None:
        """Know the angle by later answers only: on a line that has a corner, those before it mislead."""
        self._answers.clear()

    def angle_at(self, at_s: float) -> SweptAngle:
        """The angle at a time, such as the middle of an exposure; waits for a time that is still to come.

        Asks the board once more, and until there are answers from behind that time. The further a time lies
        from all answers, the larger is its uncertainty.
        """
        self._poll()
        while len(self._answers) < _LEAST_ANSWERS or self._answers[-1].at_s < at_s:
            self._poll()
        near = [answer for answer in self._answers if abs(answer.at_s - at_s) <= _WINDOW_S]
        if len(near) < _LEAST_ANSWERS:
            nearest = sorted(self._answers, key=lambda answer: abs(answer.at_s - at_s))
            near = sorted(nearest[:_LEAST_ANSWERS], key=lambda answer: answer.at_s)
        return self._fit(near, at_s)

    def _poll(self) -> None:
        if self._answers:
            self._clock.sleep_until(self._answers[-1].at_s + _POLL_EVERY_S)
        self._answers.append(self._marlin.live_position(Axis.X))

    def _fit(self, answers: list[LivePosition], at_s: float) -> SweptAngle:
        """A line through the answers, those that took long counting less; its prediction at a time.

        The uncertainty is the standard error of a prediction by linear regression (any textbook), no smaller
        than what the resolution of the answers allows.
        """
        times_s = np.array([answer.at_s - at_s for answer in answers])
        angles_deg = np.array([answer.angle_deg + self._offset_deg for answer in answers])
        speed_deg_s = (angles_deg[-1] - angles_deg[0]) / (times_s[-1] - times_s[0])
        spread_deg = np.array([answer.uncertainty_s for answer in answers]) * abs(speed_deg_s)
        weights = 1.0 / (spread_deg**2 + _RESOLUTION_DEG**2)
        weights *= len(weights) / weights.sum()
        mean_s, mean_deg = np.average(times_s, weights=weights), np.average(angles_deg, weights=weights)
        spread_s2 = float(np.sum(weights * (times_s - mean_s) ** 2))
        speed_deg_s = float(np.sum(weights * (times_s - mean_s) * (angles_deg - mean_deg))) / spread_s2
        residuals_deg = angles_deg - mean_deg - speed_deg_s * (times_s - mean_s)
        variance = float(np.sum(weights * residuals_deg**2)) / (len(answers) - 2) + _RESOLUTION_DEG**2 / 12
        error_deg = math.sqrt(variance * (1.0 + 1.0 / len(answers) + mean_s**2 / spread_s2))
        # Where no prompt answer is near, the table may have been at any speed in between.
        far_s = min(abs(answer.at_s - at_s) + answer.uncertainty_s for answer in answers)
        if far_s > _NEAR_S:
            error_deg += self._speed_deg_s * far_s
        return SweptAngle(at_s, float(mean_deg - speed_deg_s * mean_s), error_deg, speed_deg_s)
