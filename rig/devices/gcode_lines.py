"""G-code of the user's own for an actuator: what such a line may not do, checked before anything moves."""

import re
from collections.abc import Collection, Sequence

from rig.bin_config import BinConfig
from rig.config import GcodeConfig
from rig.errors import ConfigError, LineRefused
from rig.marlin.codec import encode

# The longest number that a line of a long run may get.
_LONG_NUMBER = 99_999_999
_CODE = re.compile(r"([GMT])(\d+)(?:\.\d+)?(.*)")
_WORD = re.compile(r"([A-Z])(-?\d*\.?\d*)")
# Moves, waits, pins, fans, servos, sounds, lights and relays: what cannot harm the rig's own positions.
_MOVES_AND_WAITS = frozenset({0, 1, 4})
_OUTPUTS = frozenset({3, 4, 5, 7, 8, 9, 42, 106, 107, 150, 280, 282, 300, 355, 380, 381, 400})


def check_bins(actuator: GcodeConfig, bins: Sequence[BinConfig]) -> None:
    """See that the lines of an actuator and of its bins may be sent; raises as `check_lines`."""
    check_lines(actuator.rest, actuator.pins)
    for bin_ in bins:
        check_lines(bin_.gcode, actuator.pins)


def check_lines(lines: Sequence[str], pins: Collection[int]) -> None:
    """See that the lines leave the table, the board and all other pins alone.

    Args:
        lines: as they stand in rig.toml.
        pins: what M42 may write.

    Raises:
        ConfigError: one of them does not; names it and says why.
    """
    for line in lines:
        try:
            encode(line, _LONG_NUMBER)
        except LineRefused as error:
            raise ConfigError(f"actuator: {error.what}", hint="mend that line in rig.toml") from error
        match = _CODE.match(line)
        assert match, "the codec has let it pass"
        reason = _objection(match[1], int(match[2]), dict(_WORD.findall(match[3])), pins)
        if reason:
            raise ConfigError(f"actuator: {line!r} {reason}", hint="mend that line in rig.toml")


def _objection(letter: str, number: int, words: dict[str, str], pins: Collection[int]) -> str:
    if number not in {"G": _MOVES_AND_WAITS, "M": _OUTPUTS}.get(letter, ()):
        return f"is not allowed: only {_named('G', _MOVES_AND_WAITS)} and {_named('M', _OUTPUTS)} are"
    if letter == "G" and "X" in words:
        return "moves X, which is the turntable"
    if letter == "M" and number == 42 and ("I" in words or not _is_one_of(words.get("P"), pins)):
        return "writes a pin that is not in actuator.pins, and a wrong pin corrupts the firmware's memory"
    return ""


def _is_one_of(word: str | None, pins: Collection[int]) -> bool:
    return word is not None and word.isdecimal() and int(word) in pins


def _named(letter: str, numbers: Collection[int]) -> str:
    return ", ".join(f"{letter}{number}" for number in sorted(numbers))
