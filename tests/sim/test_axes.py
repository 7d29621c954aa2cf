"""Two axes behind one planner, and builds of the firmware that differ."""

import pytest

from rig.marlin.codec import encode
from rig.sim.build import Build
from rig.sim.ways import StepperChute
from tests.sim.boards import Console

OK = "ok P15 B3"


def test_moves_of_two_axes_run_one_after_another() -> None:
    both, alone = Console(), Console()
    start_s = both.clock.now_s
    both.ask("G1 X45 F3600", "G1 Y90 F3600", "M400")
    alone.ask("G1 X45 F3600", "M400")
    assert both.clock.now_s - start_s == pytest.approx(0.9 + 1.5 + 0.05, abs=0.1)
    turned_s = alone.clock.now_s
    assert both.world.table_microsteps(turned_s) == 400
    assert both.world.chute_microsteps(turned_s - 0.05) == 0
    assert both.world.chute_microsteps(both.clock.now_s) == 800
    assert both.ask("M114")[0] == "X:45.00 Y:90.00 Z:0.00 Count X:400 Y:800 Z:0"


def test_one_move_of_both_axes_is_a_straight_line() -> None:
    console = Console(chute=StepperChute(6400))
    start_s = console.clock.now_s
    console.put("G1 X90 Y-45 F3600", "M400")
    for _ in range(10):
        console.wait(0.15)
        x = console.world.table_microsteps(console.clock.now_s)
        y = console.world.chute_microsteps(console.clock.now_s)
        assert y == pytest.approx(-x, abs=1)
    console.listen()
    assert console.ask("M114")[0] == "X:90.00 Y:-45.00 Z:0.00 Count X:800 Y:-800 Z:0"
    # The feed rate is that of the line, 100.6 degrees long.
    assert console.clock.now_s - start_s == pytest.approx(100.6 / 60 + 60 / 720 + 0.08, abs=0.05)


def test_coordinates_are_set_and_reported_for_each_axis() -> None:
    console = Console(chute=StepperChute(6400))
    console.ask("G92 Y10.125", "G1 Y20.25 F7200", "M400")
    assert console.ask("M114 R")[0] == "X:0.00 Y:20.25 Z:0.00 Count X:0 Y:360 Z:0"
    assert console.world.chute_microsteps(console.clock.now_s) == 180
    console.ask("G92 X-5 Y0")
    assert console.ask("M114")[0] == "X:-5.00 Y:0.00 Z:0.00 Count X:-44 Y:0 Z:0"


def test_setting_a_position_forgets_what_was_too_short_to_be_made() -> None:
    console = Console()
    console.ask("G1 X0.5", "M400", "G92 X0", "G1 X0.7", "M400")
    assert console.world.table_microsteps(console.clock.now_s) == 6
    assert console.ask("G92 X36000", "M114")[1] == "X:36000.00 Y:0.00 Z:0.00 Count X:320000 Y:0 Z:0"


def test_a_short_move_is_claimed_and_the_steppers_know_better() -> None:
    console = Console()
    console.ask("G1 X0.5625", "M400")
    assert console.ask("M114")[0].endswith("Count X:5 Y:0 Z:0")
    assert console.ask("M114 R")[0].endswith("Count X:0 Y:0 Z:0")


@pytest.mark.parametrize(
    ("line", "ends", "switches"),
    [
        ("G28 X", (-400, 178), ["x_min: TRIGGERED", "y_min: open"]),
        ("G28 Y", (89, 50), ["x_min: open", "y_min: TRIGGERED"]),
        ("G28", (-400, 50), ["x_min: TRIGGERED", "y_min: TRIGGERED"]),
    ],
)
def test_each_axis_homes_to_its_own_switch(line: str, ends: tuple[int, int], switches: list[str]) -> None:
    console = Console(Build(home_switch=-400, chute_switch=50), chute=StepperChute(6400))
    console.ask("G1 X10 Y10 F3600", "M400", line)
    now_s = console.clock.now_s
    assert (console.world.table_microsteps(now_s), console.world.chute_microsteps(now_s)) == ends
    assert console.ask("M119") == ["Reporting endstop status", *switches, "z_min: open", OK]


def test_an_axis_without_a_switch_is_the_end() -> None:
    console = Console(Build(home_switch=0))
    assert console.ask("G28")[-3:-1] == ["echo:Homing Failed", "Error:Printer halted. kill() called!"]


def test_quick_stop_and_release_are_for_both_axes() -> None:
    console = Console()
    console.put("G1 X90 Y90 F1800")
    console.wait(1.0)
    console.put("M410")
    stopped = console.world.chute_microsteps(console.clock.now_s)
    console.listen()
    assert 0 < stopped < 800
    assert console.world.chute_microsteps(console.clock.now_s) == stopped
    assert console.ask("M114")[0].endswith(f"Count X:{stopped} Y:{stopped} Z:0")
    console.ask("M18")
    assert not console.world.motors_on()


def test_steps_per_unit_are_printed_with_two_decimals() -> None:
    assert Console().ask("M92") == ["echo:  M92 X8.89 Y8.89 Z400.00", OK]
    geared = Console(microsteps_per_turn=9600, chute=StepperChute(28800))
    assert geared.ask("M92") == ["echo:  M92 X26.67 Y80.00 Z400.00", OK]
    geared.ask("M92 X10", "G92 X36", "M92 Y8.888889")
    assert geared.ask("M92")[0] == "echo:  M92 X10.00 Y8.89 Z400.00"
    assert geared.ask("M114")[0].endswith("Count X:360 Y:0 Z:0")


def test_wrong_steps_per_unit_turn_the_table_too_far() -> None:
    console = Console(Build(x_steps_per_deg=17.777778))
    console.ask("G1 X90 F3600", "M400")
    assert console.ask("M114 R")[0].startswith("X:90.00 ")
    assert console.world.table_angle_deg(console.clock.now_s) == 180.0


def test_without_realtime_reports_the_plan_is_all_there_is() -> None:
    console = Console(Build(m114_realtime=False))
    console.put("G1 X90 F3600")
    console.wait(0.5)
    console.heard()
    assert console.ask("M114 R")[0].startswith("X:90.00 ")


def test_with_workspace_offsets_the_count_goes_on() -> None:
    console = Console(Build(workspace_offsets=True))
    console.ask("G1 X90 F3600", "M400", "G92 X0")
    assert console.ask("M114")[0] == "X:0.00 Y:0.00 Z:0.00 Count X:800 Y:0 Z:0"
    console.ask("G1 X45", "M400")
    assert console.world.table_microsteps(console.clock.now_s) == 1200
    assert console.ask("M114 R")[0] == "X:45.00 Y:0.00 Z:0.00 Count X:1200 Y:0 Z:0"


def test_without_direct_pin_control_pins_cannot_be_written() -> None:
    console = Console(Build(direct_pin_control=False))
    assert console.ask("M42 P8 S255") == ['echo:Unknown command: "M42 P8 S255"', OK]
    assert console.world.pin_writes() == ()


def test_a_build_with_one_servo_has_no_other() -> None:
    console = Console(Build(servos=1))
    assert console.ask("M280 P1 S90") == ["Error:Servo 1 out of range", OK]
    assert console.ask("M282 P1") == ["Error:Servo 1 out of range", OK]
    assert console.world.servo_pulses() == ()


def test_without_emergency_parser_a_quick_stop_waits_its_turn() -> None:
    console = Console(Build(emergency_parser=False))
    assert "Cap:EMERGENCY_PARSER:0" in console.ask("M115")
    console.put("G1 X90 F3600", "M400")
    console.wait(0.5)
    console.put("M410")
    console.listen()
    assert console.world.table_microsteps(console.clock.now_s) == 800
    console.put("G1 X0 F3600")
    console.wait(0.5)
    start_s = console.clock.now_s
    assert console.ask(encode("M410", 1).decode().strip()) == ["ok P14 B3", "ok N1 P15 B3"]
    assert console.clock.now_s - start_s == pytest.approx(1.02)
    assert 0 < console.world.table_microsteps(console.clock.now_s) < 800


def test_without_emergency_parser_a_kill_waits_its_turn_too() -> None:
    console = Console(Build(emergency_parser=False))
    console.put("G4 S1", "M112")
    console.wait(0.5)
    assert console.heard() == []
    assert console.listen() == [
        OK.replace("B3", "B2"),
        "echo:M112 Shutdown",
        "Error:Printer halted. kill() called!",
        "//action:poweroff",
    ]
