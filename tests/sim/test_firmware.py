"""The simulated firmware answers what the real one was measured to answer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.marlin.codec import encode
from rig.sim.build import Build
from tests.sim.boards import Console

OK = "ok P15 B3"
# Commands with words that no host would send.
GARBLED = (
    rb"(N[0-9]{0,3} ?)?[GM](0|1|4|28|42|92|110|113|114|154|280|282|400|410)"
    rb"( [XYSPFN][-.0-9]{0,9}){0,3}(\*[0-9]{1,3})?"
)


def numbered(number: int, text: str) -> str:
    return encode(text, number).decode().strip()


# Set-up lines, then what was sent and what Marlin 2.1.2.7 answered, from transcripts.
TRANSCRIPTS = {
    "position": ([], ["M114"], ["X:0.00 Y:0.00 Z:0.00 Count X:0 Y:0 Z:0", OK]),
    "temperature": ([], ["M105"], ["ok T:0"]),
    "numbered move": ([], ["N1 G1 X10 F3600*51"], ["ok N1 P14 B3"]),
    "wrong checksum": (
        ["N2 M110*33"],
        ["N3 M114*99"],
        ["Error:checksum mismatch, Last Line: 2", "Resend: 3", "ok"],
    ),
    "no checksum": (
        ["N3 M110*32"],
        ["N4 M114"],
        ["Error:No Checksum with line number, Last Line: 3", "Resend: 4", "ok"],
    ),
    "gap": (
        ["N3 M110*32"],
        ["N9 M114*46"],
        ["Error:Line Number is not Last Line Number+1, Last Line: 3", "Resend: 4", "ok"],
    ),
    "number already taken": (["N3 M110*32"], ["N3 M114*36"], []),
    "checksum without number": ([], ["M114*1"], ["X:0.00 Y:0.00 Z:0.00 Count X:0 Y:0 Z:0", OK]),
    "number set": ([], ["N0 M110*35"], ["ok N0 P15 B3"]),
    "unknown": ([], ["FOO"], ['echo:Unknown command: "FOO"', OK]),
    "lower case": ([], ["g1 X10"], ['echo:Unknown command: "g1 X10"', OK]),
    "heaters are unknown": ([], ["M104 S20"], ['echo:Unknown command: "M104 S20"', OK]),
    "dwell": ([], ["G4 S5"], ["echo:busy: processing", "echo:busy: processing", OK]),
    "keepalive": ([], ["M113"], ["echo:M113 S2", OK]),
    "servo before any set": ([], ["M280 P0"], ["echo: Servo 0: 93", OK]),
    "servo out of range": ([], ["M280 P9 S10"], ["Error:Servo 9 out of range", OK]),
    "protected pin": ([], ["M42 P9 S255"], ["Error:Protected Pin", OK]),
    "endstops": ([], ["M119"], ["Reporting endstop status", "x_min: open", "y_min: open", "z_min: open", OK]),
    "kill": (
        [],
        ["M112"],
        ["echo:M112 Shutdown", "Error:Printer halted. kill() called!", "//action:poweroff"],
    ),
    "silence after a kill": (["M112"], ["M114", "M115", "M999"], []),
    "restart when not halted": ([], ["M999"], ["Resend: 1", "ok"]),
    "home without a switch": (
        [],
        ["G28 X"],
        [
            *["echo:busy: processing"] * 5,
            "echo:Homing Failed",
            "Error:Printer halted. kill() called!",
            "//action:poweroff",
        ],
    ),
    "message": ([], ["M118 hi"], ["hi\r", OK]),
    "blank and comment lines": ([], ["", "   ", "; nothing"], []),
    "pipelined after a bad line": (
        [numbered(101, "M110")],
        [numbered(102, "M400"), "N103 M114*1", numbered(104, "M114"), numbered(105, "M114")],
        ["Error:checksum mismatch, Last Line: 102", "Resend: 103", "ok", "ok N102 P15 B3"],
    ),
    "a number with an exponent": (
        ["G92 X1e2"],
        ["M114"],
        ["X:1.00 Y:0.00 Z:0.00 Count X:9 Y:0 Z:0", OK],
    ),
    "a word without a number": (
        ["G92 X5", "G92 Xabc"],
        ["M114"],
        ["X:5.00 Y:0.00 Z:0.00 Count X:44 Y:0 Z:0", OK],
    ),
}


@pytest.mark.parametrize(("before", "sent", "answered"), TRANSCRIPTS.values(), ids=TRANSCRIPTS)
def test_transcript(before: list[str], sent: list[str], answered: list[str]) -> None:
    console = Console()
    for line in before:
        console.ask(line)
    assert console.ask(*sent) == answered


def test_banner_comes_a_second_after_the_reset() -> None:
    console = Console()
    assert console.clock.now_s == pytest.approx(101.0)
    assert console.banner[:2] == ["start", "Marlin 2.1.2.7"]
    assert console.banner[-1] == "echo:Hardcoded Default Settings Loaded"


def test_what_is_sent_while_booting_is_lost() -> None:
    console = Console()
    console.firmware.reset()
    console.put("M114")
    assert console.listen() == console.banner


def test_identification() -> None:
    *lines, ok = Console().ask("M115")
    assert lines[0].startswith("FIRMWARE_NAME:Marlin 2.1.2.7 (Nov 21 2026 22:18:42) SOURCE_CODE_URL:")
    assert "MACHINE_TYPE:Turntable rig EXTRUDER_COUNT:0 UUID:cede2a2f-" in lines[0]
    assert "Cap:EMERGENCY_PARSER:1" in lines
    assert lines[-1].startswith("area:{")
    assert ok == OK


def test_builds_without_advanced_ok_and_without_ok_after_resend() -> None:
    console = Console(Build(advanced_ok=False, ok_after_resend=False))
    assert console.ask(numbered(1, "M110")) == ["ok"]
    assert console.ask("N9 M114*46")[1:] == ["Resend: 2"]


def test_move_is_acknowledged_when_queued_and_m400_when_ended() -> None:
    console = Console()
    start_s = console.clock.now_s
    assert console.ask("G1 X45 F3600") == ["ok P14 B3"]
    assert console.clock.now_s == start_s
    assert console.ask("M400") == [OK]
    assert console.clock.now_s - start_s == pytest.approx(0.897, abs=0.02)
    assert console.world.table_angle_deg(console.clock.now_s) == 45.0


def test_m114_claims_the_target_and_m114_r_tells_the_truth() -> None:
    console = Console()
    console.put("G1 X90 F3600")
    console.wait(0.8)
    console.heard()
    assert console.ask("M114")[0].startswith("X:90.00 ")
    live = console.ask("M114 R")[0]
    true_deg = console.world.table_angle_deg(console.clock.now_s)
    assert 30 < true_deg < 50
    assert live.startswith(f"X:{true_deg:.2f} ")
    console.ask("M114 D")
    assert console.world.table_angle_deg(console.clock.now_s) == 90.0


def test_feed_rate_is_capped_and_remembered_and_nonsense_keeps_the_old() -> None:
    console = Console()
    console.ask("G1 X0 F99999", "G1 F0", "G1 F-5")
    start_s = console.clock.now_s
    console.ask("G1 X360", "M400")
    assert console.clock.now_s - start_s == pytest.approx(1.553, abs=0.02)


def test_moves_below_six_steps_are_claimed_and_merged_into_the_next() -> None:
    console = Console()
    for x in ("0.2", "0.4", "0.6"):
        console.ask(f"G1 X{x} F3600", "M400")
    assert console.world.table_microsteps(console.clock.now_s) == 0
    assert console.ask("M114")[0].startswith("X:0.60 ")
    console.ask("G1 X1.125", "M400")
    assert console.world.table_microsteps(console.clock.now_s) == 10


def test_relative_mode() -> None:
    console = Console()
    console.ask("G91", "G1 X10 F3600", "G0 X10", "G90", "G1 X30", "M400")
    assert console.world.table_angle_deg(console.clock.now_s) == pytest.approx(30.0, abs=0.06)


def test_full_planner_makes_the_next_move_wait() -> None:
    console = Console()
    console.put(*(f"G1 X{10 * place} F600" for place in range(1, 19)))
    console.wait(0.2)
    acknowledged = [line for line in console.heard() if line.startswith("ok")]
    assert acknowledged[14] == "ok P0 B0"
    assert len(acknowledged) == 15


def test_set_position_moves_nothing() -> None:
    console = Console()
    console.ask("G1 X90 F3600", "M400", "G92 X0", "G1 X90", "M400")
    assert console.ask("M114")[0] == "X:90.00 Y:0.00 Z:0.00 Count X:800 Y:0 Z:0"
    assert console.world.table_microsteps(console.clock.now_s) == 1600


def test_motors_are_held_from_the_first_move_and_released_when_it_has_ended() -> None:
    console = Console()
    assert not console.world.motors_on()
    console.put("G1 X90 F3600", "M18")
    console.wait(1.0)
    assert console.world.motors_on()
    console.listen()
    assert not console.world.motors_on()
    assert console.world.table_angle_deg(console.clock.now_s) == 90.0
    console.ask("M17")
    assert console.world.motors_on()
    console.ask("M84")
    assert not console.world.motors_on()


def test_servo_blocks_for_300_ms_and_takes_microseconds_too() -> None:
    console = Console()
    start_s = console.clock.now_s
    console.put("M280 P0 S45")
    assert console.world.servo_deg(0) is None
    assert console.listen() == [OK]
    assert console.clock.now_s - start_s == pytest.approx(0.3)
    assert console.world.servo_deg(0) == 45.0
    console.ask("M280 P1 S1475")
    assert console.world.servo_deg(1) == pytest.approx(90.0)
    assert console.ask("M280 P1") == ["echo: Servo 1: 90", OK]
    assert console.ask("M282 P1") == [OK]


def test_pins_are_written_and_a_wrong_one_is_the_end() -> None:
    console = Console()
    console.ask("M42 P8 S300")
    assert console.world.pin(8) == 255
    assert console.ask("M42 P999 S1") == []
    assert console.ask("M114") == []


def test_position_reports_come_once_a_second() -> None:
    console = Console()
    console.ask("M154 S1")
    console.wait(3.5)
    assert console.heard() == ["X:0.00 Y:0.00 Z:0.00 Count X:0 Y:0 Z:0"] * 3
    console.ask("M154 S0")
    console.wait(3.5)
    assert console.heard() == []


def test_home_turns_back_to_the_switch() -> None:
    console = Console(Build(home_switch=-400))
    console.ask("G1 X90 F3600", "M400")
    assert console.ask("G28 X") == ["echo:busy: processing", OK]
    assert console.world.table_microsteps(console.clock.now_s) == -400
    assert console.ask("M119")[1] == "x_min: TRIGGERED"
    assert console.ask("M114")[0].startswith("X:0.00 ")


def test_quick_stop_ends_the_move_and_all_that_waits_on_it() -> None:
    console = Console()
    console.put("G1 X360 F3600", numbered(1, "M400"))
    console.wait(0.8)
    console.heard()
    console.put("M410")
    stopped_s = console.clock.now_s
    stopped_at = console.world.table_microsteps(stopped_s)
    assert 0 < stopped_at < 3200
    assert console.listen() == ["ok N1 P15 B2", OK]
    assert console.clock.now_s - stopped_s == pytest.approx(1.02)
    assert console.world.table_microsteps(console.clock.now_s) == stopped_at
    assert console.ask("M114")[0].endswith(f"Count X:{stopped_at} Y:0 Z:0")


def test_lines_queued_before_a_quick_stop_still_run() -> None:
    console = Console()
    console.put("G1 X360 F3600", "M400", "M42 P8 S255")
    console.wait(0.5)
    assert console.world.pin(8) == 0
    console.ask("M410")
    assert console.world.pin(8) == 255


def test_a_numbered_quick_stop_stops_nothing() -> None:
    console = Console()
    console.ask("G1 X90 F3600", numbered(1, "M410"), "M400")
    assert console.world.table_angle_deg(console.clock.now_s) == 90.0


def test_kill_lets_the_table_run_on_and_then_releases_the_motors() -> None:
    console = Console()
    console.put("G1 X360 F3600")
    console.wait(1.0)
    console.put("M112")
    killed_s = console.clock.now_s
    console.clock.sleep(0.63)
    stopped_at = console.world.table_microsteps(console.clock.now_s)
    assert stopped_at > console.world.table_microsteps(killed_s)
    assert console.world.motors_on()
    console.clock.sleep(0.88)
    assert not console.world.motors_on()
    assert console.world.table_microsteps(console.clock.now_s) == stopped_at


def test_reset_stops_the_table_where_it_is_and_calls_that_zero() -> None:
    console = Console()
    console.ask("M42 P8 S255")
    console.put("G1 X360 F3600")
    console.wait(1.0)
    console.heard()
    console.firmware.reset()
    stopped_at = console.world.table_microsteps(console.clock.now_s)
    assert not console.world.motors_on()
    assert console.world.pin(8) == 0
    assert console.listen() == console.banner
    assert console.ask("M114")[0].startswith("X:0.00 ")
    console.ask("G1 X90 F3600", "M400")
    assert console.world.table_microsteps(console.clock.now_s) == stopped_at + 800


def test_a_line_longer_than_95_characters_loses_its_end() -> None:
    console = Console()
    text = "M118 " + "x" * 100
    assert console.ask(text) == [f"{text[:95].removeprefix('M118 ')}\r", OK]


def test_overrun_is_silent_and_leaves_half_a_line_behind() -> None:
    console = Console()
    console.ask("N0 M110*35")
    console.put("G4 S2")
    for line in [numbered(number, f"M42 P8 S{number}") for number in range(1, 31)]:
        console.put(line)
    answers = console.listen()
    taken = [line for line in answers if line.startswith("ok N")]
    assert 5 <= len(taken) <= 12
    assert not any(line.startswith("Resend") for line in answers)
    assert console.world.pin(8) == len(taken)
    spoiled = console.ask("M114")
    assert not any(line.startswith("X:") for line in spoiled)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40) | st.from_regex(GARBLED, fullmatch=True), max_size=8))
def test_nothing_that_noise_makes_of_a_line_stops_the_simulator(lines: list[bytes]) -> None:
    console = Console()
    console.firmware.receive(b"\n".join([*lines, b""]))
    console.wait(30.0)
    console.firmware.reset()
    assert console.listen()[-7:] == console.banner


@pytest.mark.parametrize(
    "line", ["N- M114", "N M114", "N99999999999999999999 M114", "G1 X" + "9" * 60, "M42 P1e9"]
)
def test_no_line_of_a_client_is_the_end_of_the_board(line: str) -> None:
    console = Console()
    console.ask(line)
    console.wait(1.0)
    assert any(said.startswith("X:") for said in console.ask("M114"))
