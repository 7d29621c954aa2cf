"""Marlin's serial dialect as pure functions: command lines out, replies in as typed values.

Out goes one command a line, numbered and checksummed: `N7 G1 X90 F3600*98`, where the checksum is the XOR of
all bytes before the asterisk. In come the lines of Marlin 2.1; whatever is none of them is `Text`.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import reduce
from operator import xor
from typing import TypeAlias

from rig.errors import LineRefused

# MAX_CMD_SIZE of Marlin less its closing zero; what is longer is cut silently, checksum included.
MAX_LINE_LENGTH = 95

_COMMAND = re.compile(r"[GMT]\d+(\.\d+)?( [ -~]+)?")
_FORBIDDEN = re.compile(r"[*;]")
# Marlin reads `1e2` as 1.
_EXPONENT = re.compile(r"[\d.][eE][-+]?\d")
_DEGREES = re.compile(r"([A-Z]):(-?[\d.]+)", re.ASCII)
_COUNT = re.compile(r"([A-Z]): ?(-?\d+)", re.ASCII)


class Axis(Enum):
    """A stepper axis; the rig counts each in degrees of what it turns."""

    X = "X"
    Y = "Y"


@dataclass(frozen=True)
class Ok:
    """A command was taken: which one, where the firmware says so (ADVANCED_OK); `report` as M105 has one."""

    number: int | None = None
    report: str = ""


@dataclass(frozen=True)
class Resend:
    """The firmware refused a line and asks for this number next."""

    number: int


@dataclass(frozen=True)
class Error:
    """Any `Error:` but a halt; `last_line` where a line was refused for its number or checksum."""

    text: str
    last_line: int | None = None


@dataclass(frozen=True)
class Halted:
    """The firmware killed itself and answers nothing until it is reset."""


@dataclass(frozen=True)
class Start:
    """The first line of the boot banner."""


@dataclass(frozen=True)
class Busy:
    """A command is taking long; sent every two seconds."""

    reason: str


@dataclass(frozen=True)
class UnknownCommand:
    """The firmware was built without this command."""

    command: str


@dataclass(frozen=True)
class Position:
    """The answer of M114: each axis in degrees (to a hundredth) and in microsteps."""

    degrees: Mapping[Axis, float]
    counts: Mapping[Axis, int]


@dataclass(frozen=True)
class ServoAngle:
    """The answer of M280 without an angle, in whole degrees."""

    index: int
    angle_deg: int


@dataclass(frozen=True)
class FirmwareInfo:
    """The first line that M115 answers; a field that the firmware leaves out is empty."""

    name: str
    machine: str
    uuid: str


@dataclass(frozen=True)
class Capability:
    """One `Cap:` line that M115 answers."""

    name: str
    enabled: bool


@dataclass(frozen=True)
class Text:
    """Any other line: echoes, reports, host actions, line noise."""

    text: str


Reply: TypeAlias = (
    Ok
    | Resend
    | Error
    | Halted
    | Start
    | Busy
    | UnknownCommand
    | Position
    | ServoAngle
    | FirmwareInfo
    | Capability
    | Text
)


def decimal(value: float) -> str:
    """A number as Marlin reads it: at most six decimals and never an exponent.

    Raises:
        LineRefused: the value is infinite or not a number.
    """
    if not math.isfinite(value):
        raise LineRefused(f"{value} cannot be sent to the board")
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def command(code: str, **words: float) -> str:
    """A command with its words: `command("G1", X=90, F=3600)` is `G1 X90 F3600`."""
    return " ".join([code, *(f"{letter}{decimal(value)}" for letter, value in words.items())])


def checksum(payload: bytes) -> int:
    """Marlin's checksum: the XOR of all bytes, 0 to 255."""
    return reduce(xor, payload, 0)


def encode(text: str, number: int | None = None) -> bytes:
    """The bytes of a command line, newline included; with a number also the checksum.

    Raises:
        LineRefused: Marlin would cut, misread or ignore the line.
    """
    if not _COMMAND.fullmatch(text) or _FORBIDDEN.search(text):
        raise LineRefused(f"{text!r} is not a G-code command line")
    if _EXPONENT.search(text):
        raise LineRefused(f"{text!r} holds a number with an exponent, which Marlin misreads")
    line = text.encode("ascii")
    if number is not None:
        body = b"N%d %s" % (number, line)
        line = b"%s*%d" % (body, checksum(body))
    if len(line) > MAX_LINE_LENGTH:
        raise LineRefused(f"{text!r} makes a line of {len(line)} characters; Marlin takes {MAX_LINE_LENGTH}")
    return line + b"\n"


def parse(line: bytes) -> Reply:
    """What a line from the board says; its line ending may be there or not. Any bytes are accepted."""
    text = line.decode("utf-8", errors="replace").rstrip("\r\n")
    for pattern, build in _REPLIES:
        match = pattern.fullmatch(text)
        if match:
            return build(match)
    return Text(text)


def _ok(match: re.Match[str]) -> Reply:
    number, report = match.groups()
    return Ok(None if number is None else int(number), report or "")


def _position(match: re.Match[str]) -> Reply:
    degrees = dict(_DEGREES.findall(match[1]))
    counts = dict(_COUNT.findall(match[2]))
    return Position(
        {axis: float(degrees[axis.value]) for axis in Axis if axis.value in degrees},
        {axis: int(counts[axis.value]) for axis in Axis if axis.value in counts},
    )


def _firmware_info(match: re.Match[str]) -> Reply:
    fields = dict(re.findall(r"([A-Z_]{4,}):(.*?)(?= [A-Z_]{4,}:|$)", match.group()))
    return FirmwareInfo(
        name=fields.get("FIRMWARE_NAME", ""),
        machine=fields.get("MACHINE_TYPE", ""),
        uuid=fields.get("UUID", ""),
    )


# `start` may be glued to the line that the reset cut short. More than nine digits never come from Marlin.
_REPLIES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Reply]], ...] = (
    (re.compile(r"ok(?: N(\d{1,9}))?(?: P\d{1,9})?(?: B\d{1,9})?(?: ([A-Z@]\S*:.*))?", re.ASCII), _ok),
    (re.compile(r"(?:Resend|rs):? ?N?(\d{1,9})", re.ASCII), lambda match: Resend(int(match[1]))),
    (re.compile(r"Error:Printer halted.*"), lambda _: Halted()),
    (
        re.compile(r"Error:(.*), Last Line: (\d{1,9})", re.ASCII),
        lambda match: Error(match[1], int(match[2])),
    ),
    (re.compile(r"Error:(.*)"), lambda match: Error(match[1])),
    (re.compile(r"echo:busy: (.*)"), lambda match: Busy(match[1])),
    (re.compile(r'echo:Unknown command: "(.*)"'), lambda match: UnknownCommand(match[1])),
    (re.compile(r"(?!echo:|//).*start"), lambda _: Start()),
    (
        re.compile(r"((?:[A-Z]:-?\d{1,9}\.\d+ +)+)Count ((?:[A-Z]: ?-?\d{1,9}(?: +|$))+)", re.ASCII),
        _position,
    ),
    (
        re.compile(r"echo: ?Servo (\d{1,2}): (\d{1,4})", re.ASCII),
        lambda match: ServoAngle(int(match[1]), int(match[2])),
    ),
    (re.compile(r"FIRMWARE_NAME:.*"), _firmware_info),
    (re.compile(r"Cap:(\w+):([01])", re.ASCII), lambda match: Capability(match[1], match[2] == "1")),
)
