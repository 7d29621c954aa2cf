"""Lines out and replies in."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.errors import LineRefused
from rig.marlin.codec import (
    MAX_LINE_LENGTH,
    Axis,
    Busy,
    Capability,
    Error,
    FirmwareInfo,
    Halted,
    Ok,
    Position,
    Reply,
    Resend,
    ServoAngle,
    Start,
    Text,
    UnknownCommand,
    checksum,
    command,
    decimal,
    encode,
    parse,
)

REPLIES: dict[bytes, Reply] = {
    b"ok": Ok(),
    b"ok P15 B3": Ok(),
    b"ok N102 P14 B3\r": Ok(102),
    b"ok N7": Ok(7),
    b"ok T:0": Ok(report="T:0"),
    b"ok B:25.00 /0.00 @:0 B@:0": Ok(report="B:25.00 /0.00 @:0 B@:0"),
    b"okN7": Text("okN7"),
    b"ok P1x B3": Text("ok P1x B3"),
    b"Resend: 3": Resend(3),
    b"rs 3": Resend(3),
    b"Resend: 34x": Text("Resend: 34x"),
    b"Error:checksum mismatch, Last Line: 2": Error("checksum mismatch", 2),
    b"Error:Protected Pin": Error("Protected Pin"),
    b"Error:Printer halted. kill() called!": Halted(),
    b"start": Start(),
    b"ok N7 Pstart": Start(),
    b"echo:please start": Text("echo:please start"),
    b"echo:busy: processing": Busy("processing"),
    b'echo:Unknown command: "g1 X10"': UnknownCommand("g1 X10"),
    b"X:-10.13 Y:0.00 Z:0.00 Count X:-90 Y:0 Z:0": Position(
        {Axis.X: -10.13, Axis.Y: 0.0}, {Axis.X: -90, Axis.Y: 0}
    ),
    b"X:0.00 Y:5.50 Z:0.00 E:0.00 Count X:0 Y: 49 Z:0": Position(
        {Axis.X: 0.0, Axis.Y: 5.5}, {Axis.X: 0, Axis.Y: 49}
    ),
    b"X:1.00 Y:0.0x Z:0.00 Count X:9 Y:0 Z:0": Text("X:1.00 Y:0.0x Z:0.00 Count X:9 Y:0 Z:0"),
    b"FIRMWARE_NAME:Marlin 2.1.2.7 (Nov 21 2026 22:18:42) SOURCE_CODE_URL:github.com/MarlinFirmware/Marlin "
    b"PROTOCOL_VERSION:1.0 MACHINE_TYPE:Turntable rig EXTRUDER_COUNT:0 UUID:cede2a2f-41a2": FirmwareInfo(
        "Marlin 2.1.2.7 (Nov 21 2026 22:18:42)", "Turntable rig", "cede2a2f-41a2"
    ),
    b"echo: Servo 0: 93": ServoAngle(0, 93),
    b"Cap:EMERGENCY_PARSER:1": Capability("EMERGENCY_PARSER", True),
    b"Cap:AUTOREPORT_TEMP:0": Capability("AUTOREPORT_TEMP", False),
    b"//action:poweroff": Text("//action:poweroff"),
    b"wait": Text("wait"),
    b"": Text(""),
    b"\xff\xfe": Text("\ufffd\ufffd"),
}


@pytest.mark.parametrize(("line", "reply"), REPLIES.items(), ids=lambda value: str(value)[:30])
def test_replies(line: bytes, reply: Reply) -> None:
    assert parse(line) == reply


@given(st.binary(max_size=120))
def test_any_bytes_are_some_reply(line: bytes) -> None:
    parse(line)


def test_lines_as_transcribed_from_the_real_board() -> None:
    assert encode("G1 X10 F3600", 1) == b"N1 G1 X10 F3600*51\n"
    assert encode("M110", 0) == b"N0 M110*35\n"
    assert encode("M410") == b"M410\n"


@given(st.integers(0, 2**31 - 1), st.floats(-1e9, 1e9))
def test_numbered_line_carries_its_checksum(number: int, x: float) -> None:
    line = encode(command("G1", X=x), number)
    body, _, digits = line.rpartition(b"*")
    assert checksum(body) == int(digits)
    assert body.startswith(b"N%d G1 X" % number)
    assert line.endswith(b"\n")
    assert len(line) <= MAX_LINE_LENGTH + 1


@given(st.binary(min_size=1, max_size=90), st.integers(0, 89), st.integers(1, 255))
def test_checksum_notices_any_single_damaged_byte(body: bytes, place: int, damage: int) -> None:
    damaged = bytearray(body)
    damaged[place % len(body)] ^= damage
    assert checksum(bytes(damaged)) != checksum(body)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_never_have_an_exponent_and_keep_six_decimals(value: float) -> None:
    text = decimal(value)
    assert set(text) <= set("-0123456789.")
    assert text != "-0"
    assert math.isclose(float(text), value, rel_tol=1e-12, abs_tol=5.1e-7)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_no_number_is_made_of_what_is_none(value: float) -> None:
    with pytest.raises(LineRefused):
        decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "g1 X10",
        "N5 G1 X1",
        "G1 X1e2",
        "G1 X1E-5",
        "G1 X1\nM112",
        "G1 X1 ; comment",
        "G1 X1*5",
        "M118 ü",
        "M118 " + "x" * 91,
        "//action:stop",
    ],
)
def test_what_marlin_would_misread_is_refused(text: str) -> None:
    with pytest.raises(LineRefused):
        encode(text)


def test_length_counts_number_and_checksum() -> None:
    longest = "M118 " + "x" * 90
    assert len(encode(longest)) == MAX_LINE_LENGTH + 1
    with pytest.raises(LineRefused, match="101 characters"):
        encode(longest[:-1], 1)
