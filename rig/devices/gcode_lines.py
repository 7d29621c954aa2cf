"""G-code of the user's own for an actuator: what such a line may not do, checked before anything moves."""

import re
from collections.abc import Collection, Sequence

from rig.errors import ConfigError, LineRefused
from rig.marlin.codec import encode

# The longest number that a line of a long run may get.
_LONG_NUMBER = 99_999_999
_CODE = re.compile(r"([GMT]\d+)(?:\.\d+)?(.*)")
_WORD = re.compile(r"([A-Z])(-?\d*\.?\d*)")
_MOVES_AND_WAITS = frozenset({"G0", "G1", "G4"})
# They stop the host, the board or its numbering, release the motors, or change what the rig has checked.
_FORBIDDEN = frozenset(
    {
        "M0", "M1", "M17", "M18", "M43", "M81", "M84", "M85", "M92", "M108", "M110", "M112", "M206", "M410",
        "M428", "M500", "M501", "M502", "M504", "M997", "M999",
    }
)  # fmt: skip


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
        reason = _objection(match[1], dict(_WORD.findall(match[2])), pins)
        if reason:
            raise ConfigError(f"actuator: {line!r} {reason}", hint="mend that line in rig.toml")


def _objection(code: str, words: dict[str, str], pins: Collection[int]) -> str:
    if code.startswith("G") and code not in _MOVES_AND_WAITS:
        return "is not one of G0, G1 and G4, the only G-codes that leave the rig's positions alone"
    if code.startswith("G") and "X" in words:
        return "moves X, which is the turntable"
    if code in _FORBIDDEN or code.startswith("T"):
        return "would stop the board or change what the rig relies on"
    if code == "M42" and ("I" in words or words.get("P") not in {str(pin) for pin in pins}):
        return "writes a pin that is not in actuator.pins, and a wrong pin corrupts the firmware's memory"
    return ""
