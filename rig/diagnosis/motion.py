"""First motion: what moves is moved once, so that a person can see whether it is what was meant."""

import math
from collections.abc import Generator
from contextlib import suppress

from rig.config import Config
from rig.diagnosis.finding import Finding
from rig.errors import PositionUnknown, RigError
from rig.machine import MovingParts
from rig.marlin.codec import Axis
from rig.opening import open_moving_parts

_QUARTER_DEG = 90.0
_SWEEP_DEG_S = 45.0
_STOPPED_TURN_DEG = 360.0
_STOP_AFTER_S = 0.5
# Ten times what was measured on real firmware.
_VAGUE_DEG = 0.5


def exercise(config: Config) -> Generator[Finding, None, None]:
    """Check the firmware, then move the table, the lamp and the actuator; needs no camera.

    The last finding is bad where something failed, and says what could not be put at rest.
    """
    try:
        with open_moving_parts(config) as parts:
            yield Finding("firmware", "good", f"{parts.marlin.firmware.name} has what the rig needs")
            yield _quarter_turn(parts)
            yield _live_angle(parts)
            yield _quick_stop(parts)
            yield _lamp(parts, config)
            yield from _actuator(parts, config)
    except RigError as error:
        found = "; ".join([error.what, *getattr(error, "__notes__", [])])
        yield Finding("motion", "bad", found, error.hint)
    else:
        yield Finding("rest", "good", "motors released, lamp off, actuator at rest")


def _quarter_turn(parts: MovingParts) -> Finding:
    started_s = parts.clock.monotonic()
    parts.turntable.move_to(_QUARTER_DEG)
    took_s = parts.clock.monotonic() - started_s
    parts.turntable.move_to(0.0)
    return Finding(
        "table",
        "good",
        f"sent a quarter turn forward, in {took_s:.2f} s, and back",
        "Was it a quarter? If not: rig calibrate table. Was it the wrong way round? Turn the motor's plug",
    )


def _live_angle(parts: MovingParts) -> Finding:
    with parts.turntable.sweep(_QUARTER_DEG, speed_deg_s=_SWEEP_DEG_S) as sweep:
        swept = sweep.angle_at(parts.clock.monotonic() + _QUARTER_DEG / _SWEEP_DEG_S / 2)
    speed = f"{swept.speed_deg_s:.1f} degrees/s"
    found = f"known to {swept.uncertainty_deg:.2f} degrees in the middle of a turn at {speed}"
    if swept.uncertainty_deg > _VAGUE_DEG:
        return Finding("live angle", "note", found, "see that nothing else keeps this computer busy")
    if not math.isclose(swept.speed_deg_s, _SWEEP_DEG_S, rel_tol=0.1):
        return Finding(
            "live angle",
            "note",
            found,
            f"see that DEFAULT_MAX_FEEDRATE of X allows {_SWEEP_DEG_S:g} in the firmware",
        )
    return Finding("live angle", "good", found)


def _quick_stop(parts: MovingParts) -> Finding:
    """A stop in the middle of a turn: the position is unknown from then on, and is found again."""
    from_deg = parts.marlin.live_position(Axis.X).angle_deg
    with suppress(PositionUnknown), parts.turntable.sweep(_STOPPED_TURN_DEG, speed_deg_s=_SWEEP_DEG_S):
        parts.clock.sleep(_STOP_AFTER_S)
        parts.marlin.quick_stop()
    turned_deg = parts.marlin.live_position(Axis.X).angle_deg - from_deg
    parts.turntable.find_zero()
    parts.actuator.prepare()
    found = f"stopped after {turned_deg:.0f} of {_STOPPED_TURN_DEG:g} degrees"
    if turned_deg > _STOPPED_TURN_DEG / 2:
        return Finding("quick stop", "bad", found, "set EMERGENCY_PARSER on in the firmware")
    return Finding("quick stop", "good", found)


def _lamp(parts: MovingParts, config: Config) -> Finding:
    if config.light.pin is None:
        return Finding("lamp", "good", "none to switch")
    parts.light.off()
    parts.clock.sleep(1.0)
    parts.light.on()
    return Finding(
        "lamp", "good", f"off for a second and on again, on pin {config.light.pin}", "Did you see it?"
    )


def _actuator(parts: MovingParts, config: Config) -> Generator[Finding, None, None]:
    for bin_ in config.bins:
        parts.actuator.drop(bin_)
    names = ", ".join(bin_.name for bin_ in config.bins)
    yield Finding(
        "actuator", "good", f"reached for each bin in turn: {names}", "Did it point to each of them?"
    )
