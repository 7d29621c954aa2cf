"""What a measured turn means: how the driver steps, and what to write into rig.toml and the firmware."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from rig.config import AxisConfig
from rig.marlin.requirements import steps_per_unit

MICROSTEPPINGS = (1, 2, 4, 8, 16, 32)
"""What drivers offer: A4988 up to 16, DRV8825 up to 32."""

# A ratio is one that the driver makes if it is this near to it, or within so many standard deviations.
_TOLERANCE = 0.002
_DEVIATIONS = 3.0

Meaning = Literal["right", "microstepping", "gear"]


@dataclass(frozen=True)
class Verdict:
    """How the table really turns.

    Attributes:
        meaning: whether rig.toml is right, or the driver steps otherwise, or the gears are others.
        ratio: degrees that the table turns for each that is commanded.
        uncertainty: of the ratio, one standard deviation.
        microsteps_per_step, gear_ratio: what belongs into `[turntable]`.
        steps_per_deg: what belongs into DEFAULT_AXIS_STEPS_PER_UNIT of the firmware, for X.
    """

    meaning: Meaning
    ratio: float
    uncertainty: float
    microsteps_per_step: int
    gear_ratio: float
    steps_per_deg: str


def judge(commanded_deg: float, uncertainty_deg: float, config: AxisConfig) -> Verdict:
    """Say what it means that a full turn takes `commanded_deg`.

    Args:
        uncertainty_deg: of `commanded_deg`, one standard deviation.
        config: what the commands were based on.
    """
    ratio = 360.0 / commanded_deg
    uncertainty = ratio * uncertainty_deg / commanded_deg
    tolerance = max(_TOLERANCE * ratio, _DEVIATIONS * uncertainty)
    microsteps, gear_ratio = config.microsteps_per_step, config.gear_ratio
    meaning: Meaning = "right"
    if abs(ratio - 1) > tolerance:
        nearest = min(MICROSTEPPINGS, key=lambda offered: abs(ratio - microsteps / offered))
        if abs(ratio - microsteps / nearest) <= tolerance:
            meaning, microsteps = "microstepping", nearest
        else:
            meaning = "gear"
            gear_ratio = _simplest(gear_ratio / ratio, _DEVIATIONS * uncertainty / ratio, config)
    microsteps_per_turn = round(config.motor_steps_per_turn * microsteps * gear_ratio)
    return Verdict(meaning, ratio, uncertainty, microsteps, gear_ratio, steps_per_unit(microsteps_per_turn))


def _simplest(gear_ratio: float, relative_tolerance: float, config: AxisConfig) -> float:
    """The simplest fraction near a gear ratio that makes a turn a whole number of microsteps."""
    motor = config.motor_steps_per_turn * config.microsteps_per_step
    for denominator in range(1, motor):
        fraction = Fraction(round(gear_ratio * denominator), denominator)
        is_near = abs(fraction - gear_ratio) <= relative_tolerance * gear_ratio
        if is_near and (fraction * motor).denominator == 1:
            return float(fraction)
    return round(gear_ratio * motor) / motor


def explain(verdict: Verdict, config: AxisConfig) -> str:
    """The verdict in a sentence or two, with what to do about it."""
    turned = f"{360 * verdict.ratio:.2f} ± {360 * verdict.uncertainty:.2f}"
    found = f"The table turns {turned} degrees for 360 that are commanded"
    said = f"1/{config.microsteps_per_step}"
    firmware = f"{verdict.steps_per_deg} for X in DEFAULT_AXIS_STEPS_PER_UNIT of the firmware"
    match verdict.meaning:
        case "right":
            return f"{found}: the driver steps at {said}, as rig.toml says."
        case "microstepping":
            return (
                f"{found}: the driver steps at 1/{verdict.microsteps_per_step}, and rig.toml says {said}."
                f"\nMend the driver's jumpers, or set microsteps_per_step = {verdict.microsteps_per_step} in"
                f" [turntable] of rig.toml and {firmware}."
            )
        case "gear":
            return (
                f"{found}, and no microstepping explains that: the gears are others than rig.toml says."
                f"\nSet gear_ratio = {verdict.gear_ratio:g} in [turntable] of rig.toml and {firmware}."
            )
