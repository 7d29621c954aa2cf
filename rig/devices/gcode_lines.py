"""G-code of the user's own for actuator and feeder: what a line may not do, checked before anything moves."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from rig.bin_config import BinConfig
from rig.config import ActuatorConfig, GcodeConfig, ServoGateConfig, StepperChuteConfig, SweeperConfig
from rig.errors import ConfigError, LineRefused
from rig.feeder_config import GcodeFeederConfig
from rig.marlin.codec import encode

# The longest number that a line of a long run may get.
_LONG_NUMBER = 99_999_999
_CODE = re.compile(r"([GMT])(\d+)(?:\.\d+)?(.*)")
_WORD = re.compile(r"([A-Z])(-?\d*\.?\d*)")
# Moves, waits, pins, fans, servos, sounds, lights and relays: what cannot harm the rig's own positions.
_MOVES_AND_WAITS = frozenset({0, 1, 4})
_OUTPUTS = frozenset({3, 4, 5, 7, 8, 9, 42, 106, 107, 150, 280, 282, 300, 355, 380, 381, 400})
_SERVOS = frozenset({280, 282})


@dataclass(frozen=True)
class Bounds:
    """What lines of a table of rig.toml may touch beside what no line may.

    Attributes:
        section: the table.
        pins: what M42 may write.
        others_servos: servos that belong to another device.
        y_is_a_chute: whether the Y axis does.
    """

    section: str
    pins: Collection[int]
    others_servos: Collection[int] = ()
    y_is_a_chute: bool = False


def check_bins(actuator: GcodeConfig, bins: Sequence[BinConfig]) -> None:
    """See that the lines of an actuator and of its bins may be sent; raises as `check_lines`."""
    bounds = Bounds("actuator", actuator.pins)
    check_lines(actuator.rest, bounds)
    for bin_ in bins:
        check_lines(bin_.gcode, bounds)


def check_feeder(feeder: GcodeFeederConfig, actuator: ActuatorConfig) -> None:
    """See that the lines of a feeder may be sent and leave the actuator alone; raises as `check_lines`."""
    servos: set[int] = set()
    if isinstance(actuator, SweeperConfig):
        servos.add(actuator.sweeper_servo)
    if isinstance(actuator, ServoGateConfig):
        servos.add(actuator.chute_servo)
    bounds = Bounds("feeder", feeder.pins, servos, isinstance(actuator, StepperChuteConfig))
    check_lines(feeder.release, bounds)
    check_lines(feeder.rest, bounds)


def check_lines(lines: Sequence[str], bounds: Bounds) -> None:
    """See that the lines leave the table, the board, all other pins and all other devices alone.

    Args:
        lines: as they stand in rig.toml.

    Raises:
        ConfigError: one of them does not; names it and says why.
    """
    for line in lines:
        try:
            encode(line, _LONG_NUMBER)
        except LineRefused as error:
            raise ConfigError(f"{bounds.section}: {error.what}", hint="mend that line in rig.toml") from error
        match = _CODE.match(line)
        assert match, "the codec has let it pass"
        reason = _objection(match[1], int(match[2]), dict(_WORD.findall(match[3])), bounds)
        if reason:
            raise ConfigError(f"{bounds.section}: {line!r} {reason}", hint="mend that line in rig.toml")


def _objection(letter: str, number: int, words: dict[str, str], bounds: Bounds) -> str:
    if number not in {"G": _MOVES_AND_WAITS, "M": _OUTPUTS}.get(letter, ()):
        return f"is not allowed: only {_named('G', _MOVES_AND_WAITS)} and {_named('M', _OUTPUTS)} are"
    if letter == "G" and "X" in words:
        return "moves X, which is the turntable"
    if letter == "G" and "Y" in words and bounds.y_is_a_chute:
        return "moves Y, which is the chute"
    if letter == "M" and number in _SERVOS and _index(words) in bounds.others_servos:
        return f"turns servo {_index(words)}, which is the actuator's"
    if letter == "M" and number == 42 and ("I" in words or not _is_one_of(words.get("P"), bounds.pins)):
        named = f"{bounds.section}.pins"
        return f"writes a pin that is not in {named}, and a wrong pin corrupts the firmware's memory"
    return ""


def _index(words: dict[str, str]) -> int:
    """Of the servo that a line turns: the first where it does not say."""
    return int(float(words.get("P") or 0))


def _is_one_of(word: str | None, pins: Collection[int]) -> bool:
    return word is not None and word.isdecimal() and int(word) in pins


def _named(letter: str, numbers: Collection[int]) -> str:
    return ", ".join(f"{letter}{number}" for number in sorted(numbers))
