"""Keeps a turning table in step with the camera, as a phase-locked loop keeps an oscillator.

A camera takes its frames on a grid in time that nobody can shift. So the table turns at a speed at which one
view passes every k-th frame, piece by piece; by how much it comes late or early is measured, and made good by
the speed of the next piece.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rig.camera.frame import Camera
from rig.clock import Clock
from rig.devices.sweep import Sweep, SweptAngle
from rig.errors import BadInput

# Marlin makes no move slower than about 4 degrees/s.
LEAST_DEG_S = 5.0
_GRID_FRAMES = 5
# The board holds a first move back for 0.1 s; then the table gets up to speed, and its angle can be fitted.
_AT_SPEED_S = 0.25
_MEASURED_S = 0.2
# A piece is queued so long before the table comes to the one before it.
_AHEAD_S = 0.2
_PIECE_S = 0.5
# Marlin leaves a move of less than six microsteps undone. Behind the last view there is more to spare.
_LEAST_PIECE_DEG = 1.0
# The first correction may be large, and is over before the first view; the later ones are small.
_CATCH_UP_S = 0.25
_MEASURED_ANEW_S = 0.1
# The rate is learned from what each correction finds: gently, as pieces under way are not corrected any more.
# The resonator of an Arduino Mega is good to half a percent; a table that is later than that was held up.
_RATE_GAIN = 0.3
_MOST_DRIFT = 0.01
# A firmware that turns more slowly than it was told to has a limit of its own.
_SPEED_TOLERANCE = 0.05


@dataclass(frozen=True)
class FrameGrid:
    """When the camera exposes: the middle of a frame is at `middle_s`, and every `period_s` from there on."""

    middle_s: float
    period_s: float

    def nearest(self, at_s: float) -> float:
        """The middle of a frame that is nearest to a time."""
        return self.middle_s + round((at_s - self.middle_s) / self.period_s) * self.period_s


def measure_grid(camera: Camera, clock: Clock, exposure_s: float) -> FrameGrid:
    """Expose a few frames one after the other, and see when that was."""
    ends_s = [camera.expose(clock.monotonic()).exposed_until_s for _ in range(_GRID_FRAMES)]
    gaps_s = [after - before for before, after in pairwise(ends_s)]
    frames = sum(round(gap_s / min(gaps_s)) for gap_s in gaps_s)
    return FrameGrid(ends_s[-1] - exposure_s / 2, (ends_s[-1] - ends_s[0]) / frames)


def choose_speed(step_deg: float, period_s: float, most_deg_s: float) -> float:
    """The greatest speed at which each view meets a frame.

    Args:
        step_deg: between two views.
        period_s: of the camera's frames.
        most_deg_s: for other reasons.

    Raises:
        BadInput: the views are too close for that.
    """
    frames = max(1, math.ceil(step_deg / (most_deg_s * period_s) - 1e-9))
    speed_deg_s = step_deg / (frames * period_s)
    if speed_deg_s < LEAST_DEG_S and frames > 1:
        raise BadInput(
            f"a sweep at {most_deg_s:g} degrees/s at most cannot keep step with the camera",
            hint="raise speed_deg_s in [turntable], or leave out --sweep",
        )
    if speed_deg_s < LEAST_DEG_S:
        raise BadInput(
            f"{360 / step_deg:.0f} views are too many for a sweep with {1 / period_s:.0f} frames/s",
            hint=f"take at most --steps {math.floor(360 / (LEAST_DEG_S * period_s))}, or leave out --sweep",
        )
    return speed_deg_s


class Pilot:
    """Extends a sweep that has just begun, so that it comes into step with the camera and stays there.

    It is in step where every multiple of the step between views passes in the middle of a frame.

    Attributes:
        speed_deg_s: one view every so many frames; less than was wanted, where the board has a lower limit.
        rate: what a speed has to be multiplied by, since the board's clock is not quite this computer's.
        end_deg: how far to turn, all turns counted; for the user to set.

    Args:
        sweep: its first piece, `lead_deg` long.
        grid: of the camera's frames.
        step_deg: between two views.
        speed_deg_s: one view every so many frames.
        rate: what a speed is multiplied by when it is commanded.
    """

    def __init__(
        self, sweep: Sweep, clock: Clock, grid: FrameGrid, *, step_deg: float, speed_deg_s: float, rate: float
    ) -> None:
        self._sweep = sweep
        self._clock = clock
        self._grid = grid
        self._step_deg = step_deg
        self.speed_deg_s = speed_deg_s
        self.rate = rate
        self.end_deg = -math.inf
        # Where and when the speed changes, as it is expected.
        self._corners_deg: list[float] = []
        self._corners_s: list[float] = []
        self._corrected_s = 0.0

    @staticmethod
    def lead_deg(speed_deg_s: float) -> float:
        """How far the first piece has to reach."""
        return speed_deg_s * (_AT_SPEED_S + _MEASURED_S + _AHEAD_S)

    def catch_up(self) -> float:
        """Get into step, at a speed that the table does reach.

        Returns:
            The angle from which on views can be met, all turns counted.

        Raises:
            BadInput: the table is too slow.
        """
        begun_s = self._clock.monotonic()
        self._sweep.extend(self.speed_deg_s * _PIECE_S, speed_deg_s=self.speed_deg_s)
        self._clock.sleep_until(begun_s + _AT_SPEED_S)
        self._sweep.follow_until(begun_s + _AT_SPEED_S + _MEASURED_S)
        swept = self._sweep.angle_at(self._clock.monotonic())
        reached_deg_s = max(swept.speed_deg_s, LEAST_DEG_S)
        if reached_deg_s < self.speed_deg_s * (1 - _SPEED_TOLERANCE):
            self.speed_deg_s = choose_speed(self._step_deg, self._grid.period_s, reached_deg_s)
        end_deg = self._sweep.end_deg
        self._corners_deg = [swept.angle_deg, end_deg]
        self._corners_s = [swept.at_s, swept.at_s + (end_deg - swept.angle_deg) / reached_deg_s]
        self._corrected_s = swept.at_s
        in_step_s = self._extend(self.speed_deg_s * _CATCH_UP_S)
        in_step_deg = self._sweep.end_deg
        for _ in range(2):
            self._extend(self.speed_deg_s * _PIECE_S)
        # Answers from before the last corner would bend the line.
        self._clock.sleep_until(in_step_s)
        self._sweep.forget()
        return in_step_deg + self.speed_deg_s * _MEASURED_ANEW_S

    def frame_at(self, angle_deg: float, ready_s: float) -> float:
        """Keep the table in step until the frame is due in which it passes an angle.

        Args:
            angle_deg: all turns counted.
            ready_s: return so long before the frame may begin.

        Returns:
            The middle of that frame; past, when the table has passed the angle.
        """
        while True:
            middle_s = self._grid.nearest(self._passes_s(angle_deg))
            now_s = self._clock.monotonic()
            if now_s > middle_s - self._grid.period_s / 2 - ready_s:
                return middle_s
            self.keep_in_step(self._sweep.angle_at(now_s))

    def keep_in_step(self, swept: SweptAngle) -> None:
        """Turn on by another piece when it is time for one.

        Args:
            swept: where the table was a moment ago, which tells how late it is.
        """
        left_deg = self.end_deg - self._sweep.end_deg
        ahead_s = self._passes_s(self._sweep.last_piece_deg) - self._clock.monotonic()
        if left_deg < _LEAST_PIECE_DEG or ahead_s > _AHEAD_S:
            return
        late_s = swept.at_s - self._passes_s(swept.angle_deg)
        self._corners_s = [corner_s + late_s for corner_s in self._corners_s]
        drift = late_s / (swept.at_s - self._corrected_s)
        self.rate += _RATE_GAIN * max(-_MOST_DRIFT, min(drift, _MOST_DRIFT))
        self._corrected_s = swept.at_s
        piece_deg = self.speed_deg_s * _PIECE_S
        self._extend(piece_deg if left_deg > 1.5 * piece_deg else left_deg)

    def _passes_s(self, angle_deg: float) -> float:
        """When the table is expected at an angle."""
        beyond_deg = max(0.0, angle_deg - self._corners_deg[-1])
        within_s = float(np.interp(angle_deg, self._corners_deg, self._corners_s))
        return within_s + beyond_deg / self.speed_deg_s

    def _extend(self, piece_deg: float) -> float:
        """Turn on by a piece, at whose end the table is in step; when that is."""
        begins_s, end_deg = self._corners_s[-1], self._sweep.end_deg + piece_deg
        phase_s = end_deg / self.speed_deg_s
        in_step_s = self._grid.nearest(begins_s + piece_deg / self.speed_deg_s - phase_s) + phase_s
        self._sweep.extend(piece_deg, speed_deg_s=self.rate * piece_deg / (in_step_s - begins_s))
        self._corners_deg.append(self._sweep.end_deg)
        self._corners_s.append(in_step_s)
        return in_step_s
