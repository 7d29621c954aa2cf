"""Sweep capture: the table turns without stopping, and each view is exposed as it passes its angle.

The table is kept in step with the camera (`rig.capture.pilot`), so that each view passes in the middle of a
frame. Where it really was is measured (`Sweep.angle_at`); one that was not met is left to the next turn.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from rig.camera.frame import Frame, Latent
from rig.capture.pilot import FrameGrid, Pilot, choose_speed, measure_grid
from rig.capture.plan import View
from rig.devices.sweep import SweptAngle
from rig.errors import BadInput
from rig.machine import Machine
from rig.vision.locate import Box

_TOLERANCE_DEG = 0.5
_MOST_BLUR_PX = 0.5
# At 60 the angle from `M114 R` was good to 0.05 degrees on a real board; its error grows with the speed.
_MOST_DEG_S = 80.0
# Slower than this, stopping at each of 72 views takes no longer.
_LEAST_SHARP_DEG_S = 12.0
# Of forty simulated parts, none went round further out than 1.22 times as far as it was seen to reach.
_FURTHER_OUT = 1.25
_RUN_OUT_S = 0.15
# Time to ask the board once more, which takes about 25 ms, and for what else may come between.
_READY_S = 0.045


@dataclass(frozen=True)
class SweptView:
    """A view that was exposed while the table turned, within half a degree of its angle.

    Attributes:
        angle: where the table was in the middle of the exposure, by the fitted motion.
    """

    view: View
    latent: Latent
    angle: SweptAngle


def predicted_radius_px(still: Frame, box: Box) -> float:
    """How far from the table's axis a part goes round, in pixels of the picture; rather too far.

    The axis is near the middle of the picture, or the part would leave it. A part that is seen from one side
    and at a slant may come nearer to the camera later; simulated ones then went 1.22 times as far at most.
    """
    height, width = still.image.shape[:2]
    far_x = max(abs(x - width / 2) for x in (box.x, box.x + box.width))
    far_y = max(abs(y - height / 2) for y in (box.y, box.y + box.height))
    return _FURTHER_OUT * math.hypot(far_x, far_y)


def sharp_speed(exposure_s: float, radius_px: float) -> float:
    """Degrees a second at which a frame is blurred by half a pixel.

    Raises:
        BadInput: that is no faster than stopping at each view.
    """
    blur_rad = _MOST_BLUR_PX / radius_px
    sharp_deg_s = math.degrees(blur_rad) / exposure_s
    if sharp_deg_s < _LEAST_SHARP_DEG_S:
        wanted_us = 1e6 * math.degrees(blur_rad) / _MOST_DEG_S
        raise BadInput(
            f"an exposure of {exposure_s * 1e6:.0f} us blurs a turning part: it is sharp below"
            f" {sharp_deg_s:.1f} degrees/s only",
            hint=f"set sweep_exposure_us = {wanted_us:.0f} in [camera], or leave out --sweep",
        )
    return sharp_deg_s


def prepare_sweep(machine: Machine, still: Frame, box: Box, step_deg: float) -> "SweepCapture":
    """Measure when the camera exposes, and choose a speed for the part that lies on the table.

    Args:
        still: a picture of the table at rest.
        box: where the part is in it.
        step_deg: between two views.

    Raises:
        BadInput: there is no speed at which the views are sharp and meet the frames.
    """
    exposure_s = still.exposed_until_s - still.exposed_from_s
    sharp_deg_s = sharp_speed(exposure_s, predicted_radius_px(still, box))
    grid = measure_grid(machine.camera, machine.clock, exposure_s)
    speed_deg_s = choose_speed(
        step_deg, grid.period_s, min(_MOST_DEG_S, machine.turntable.speed_deg_s, sharp_deg_s)
    )
    return SweepCapture(machine, grid, step_deg=step_deg, speed_deg_s=speed_deg_s, exposure_s=exposure_s)


class SweepCapture:
    """Turns past views in step with the camera.

    Args:
        grid: of the camera's frames.
        step_deg: between two views of the whole plan.
        speed_deg_s: one view every so many frames.
        exposure_s: of one frame.
    """

    def __init__(
        self, machine: Machine, grid: FrameGrid, *, step_deg: float, speed_deg_s: float, exposure_s: float
    ) -> None:
        self._table = machine.turntable
        self._camera = machine.camera
        self._clock = machine.clock
        self._grid = grid
        self._step_deg = step_deg
        self._speed_deg_s = speed_deg_s
        self._exposure_s = exposure_s
        self._rate = 1.0

    def turn(self, views: Sequence[View]) -> Generator[SweptView, None, None]:
        """Turn past these views, at most once round and a little more; those that were met, one by one.

        Who takes long to come back for the next one misses views, and after a second the table stops. Closing
        the iterator stops it at once, and leaves its position unknown.
        """
        speed_deg_s = self._speed_deg_s
        with self._table.sweep(Pilot.lead_deg(speed_deg_s), speed_deg_s=speed_deg_s) as sweep:
            pilot = Pilot(
                sweep,
                self._clock,
                self._grid,
                step_deg=self._step_deg,
                speed_deg_s=speed_deg_s,
                rate=self._rate,
            )
            due = _from_here_on(views, pilot.catch_up())
            pilot.end_deg = due[-1][1] + pilot.speed_deg_s * _RUN_OUT_S
            self._speed_deg_s = pilot.speed_deg_s
            for view, angle_deg, latent in self._expose(pilot, due):
                angle = sweep.angle_at(latent.exposed_until_s - self._exposure_s / 2)
                pilot.keep_in_step(angle)
                self._rate = pilot.rate
                # Three standard deviations: then it is so for certain.
                if abs(angle.angle_deg - angle_deg) + 3 * angle.uncertainty_deg <= _TOLERANCE_DEG:
                    yield SweptView(view, latent, angle)

    def _expose(
        self, pilot: Pilot, due: Sequence[tuple[View, float]]
    ) -> Generator[tuple[View, float, Latent], None, None]:
        """Each view by the frame that meets it, one behind: its angle is known best from both sides."""
        exposed: tuple[View, float, Latent] | None = None
        for view, angle_deg in due:
            middle_s = pilot.frame_at(angle_deg, _READY_S)
            if self._clock.monotonic() > middle_s - self._exposure_s / 2:
                continue
            latent = self._camera.expose(middle_s - self._grid.period_s / 2)
            if exposed is not None:
                yield exposed
            exposed = view, angle_deg, latent
        if exposed is not None:
            yield exposed


def _from_here_on(views: Sequence[View], ready_deg: float) -> list[tuple[View, float]]:
    """The views with the angles, all turns counted, at which they come by next, in that order."""
    due = [(view, view.angle_deg + 360.0 * math.ceil((ready_deg - view.angle_deg) / 360.0)) for view in views]
    return sorted(due, key=lambda view_and_angle: view_and_angle[1])
