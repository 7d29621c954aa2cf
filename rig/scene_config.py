"""`[sim.scene]`: the ranges from which a simulated session draws its light, camera, table and background.

A key in rig.toml is a number, which then holds for every session, or `[low, high]`, between which each
session draws evenly. The defaults were fitted to photographs from a real turntable rig: a white paper disc
under coloured light from nearly overhead, seen from 35 to 50 degrees above the table, everything beyond it
dark. `rig.sim.scene.Scene` says what each value means.
"""

from math import isfinite
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, model_validator

from rig.section import Section

Range = tuple[float, float]


def _pair(value: Any) -> Any:
    """A number stands for the range that holds nothing else."""
    if _is_number(value):
        return value, value
    if isinstance(value, list | tuple) and len(value) == 2 and all(_is_number(end) for end in value):
        return value
    raise ValueError("must be a number or [low, high]")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _within(lowest: float, highest: float) -> Any:
    """Checks of a range whose both ends must lie between two limits."""

    def check(value: Range) -> Range:
        if not lowest <= min(value) <= max(value) <= highest:
            raise ValueError(f"must be a number or [low, high] from {lowest:g} to {highest:g}")
        if value[0] > value[1]:
            raise ValueError("must be a number or [low, high], the lower one first")
        return value

    return AfterValidator(check)


_NUMBER_OR_PAIR = BeforeValidator(_pair)
Share = Annotated[Range, _NUMBER_OR_PAIR, _within(0, 1)]
Angle = Annotated[Range, _NUMBER_OR_PAIR, _within(-360, 360)]
Zenith = Annotated[Range, _NUMBER_OR_PAIR, _within(0, 75)]
Radius = Annotated[Range, _NUMBER_OR_PAIR, _within(0, 45)]


class SceneConfig(Section):
    """`[sim.scene]`: each value a range, of which a session draws one number."""

    elevation_deg: Annotated[Range, _NUMBER_OR_PAIR, _within(15, 90)] = (38.0, 48.0)
    distance_mm: Annotated[Range, _NUMBER_OR_PAIR, _within(60, 1000)] = (124.0, 137.0)
    aim_x_mm: Annotated[Range, _NUMBER_OR_PAIR, _within(-50, 50)] = (-3.0, 9.0)
    aim_y_mm: Annotated[Range, _NUMBER_OR_PAIR, _within(-50, 50)] = (-1.0, 4.0)
    vertical_fov_deg: Annotated[Range, _NUMBER_OR_PAIR, _within(5, 100)] = (34.0, 39.0)
    roll_deg: Angle = (-2.5, 2.5)

    blur_px: Annotated[Range, _NUMBER_OR_PAIR, _within(0, 20)] = (0.4, 0.8)
    defocus_px_per_dioptre: Annotated[Range, _NUMBER_OR_PAIR, _within(0, 10)] = (0.15, 0.45)
    focus_error_dioptre: Annotated[Range, _NUMBER_OR_PAIR, _within(-20, 20)] = (-0.4, 0.4)
    distortion: Annotated[Range, _NUMBER_OR_PAIR, _within(-0.3, 0.3)] = (-0.05, 0.05)
    vignette: Share = (0.08, 0.28)
    exposure: Annotated[Range, _NUMBER_OR_PAIR, _within(0.01, 10)] = (0.32, 0.42)
    pinkness: Share = (0.0, 1.0)
    red_tint: Annotated[Range, _NUMBER_OR_PAIR, _within(-1, 1)] = (-0.12, 0.12)
    blue_tint: Annotated[Range, _NUMBER_OR_PAIR, _within(-1, 1)] = (-0.12, 0.12)
    noise: Annotated[Range, _NUMBER_OR_PAIR, _within(0, 30)] = (1.2, 2.2)
    readout_s: Annotated[Range, _NUMBER_OR_PAIR, _within(0, 0.2)] = (0.008, 0.025)

    key_share: Share = (0.45, 0.56)
    key_zenith_deg: Zenith = (14.0, 28.0)
    key_azimuth_deg: Angle = (-130.0, -30.0)
    key_radius_deg: Radius = (8.0, 20.0)
    key_coolness: Share = (0.05, 0.3)
    fill_share: Share = (0.22, 0.34)
    fill_zenith_deg: Zenith = (8.0, 25.0)
    fill_azimuth_deg: Angle = (90.0, 200.0)
    fill_radius_deg: Radius = (12.0, 25.0)
    fill_warmth: Share = (0.1, 0.6)
    lamp_height_mm: Annotated[Range, _NUMBER_OR_PAIR, _within(60, 10_000)] = (120.0, 250.0)
    caustic: Annotated[Range, _NUMBER_OR_PAIR, _within(0, 5)] = (1.0, 3.0)

    bevel_mm: Annotated[Range, _NUMBER_OR_PAIR, _within(0, 2)] = (0.15, 0.35)
    disc_radius_mm: Annotated[Range, _NUMBER_OR_PAIR, _within(30, 500)] = (72.0, 84.0)
    disc_albedo: Annotated[Range, _NUMBER_OR_PAIR, _within(0.02, 0.98)] = (0.64, 0.78)
    dirt: Share = (0.0, 0.6)
    seams: Share = (0.0, 0.5)
    background: Share = (0.01, 0.04)
    clutter: Share = (0.0, 1.0)

    @model_validator(mode="after")
    def _lamps_share_the_light(self) -> Self:
        if self.key_share[1] + self.fill_share[1] > 1:
            raise ValueError(
                f"key_share (up to {self.key_share[1]:g}) and fill_share (up to {self.fill_share[1]:g}) "
                "can be more than 1 together; lower one of them"
            )
        return self
