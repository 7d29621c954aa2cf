"""The ground truth: how parts leave the table, what servos and pins were told."""

import pytest

from rig.sim import servo
from rig.sim.ways import PinExit, StepperChute
from tests.sim.boards import SWEEPER, Console
from tests.sim.desk import brick


def test_a_sweeper_pushes_the_part_where_the_servo_chute_points() -> None:
    console = Console()
    console.world.lay(brick("3001"))
    console.ask("M280 P0 S64", "M280 P1 S100")
    assert console.world.fallen() == ()
    console.ask("M280 P1 S110")
    (fallen,) = console.world.fallen()
    assert (fallen.lying.part, fallen.chute_deg, fallen.jet_pin) == ("3001", 64.0, None)
    assert fallen.at_s == console.clock.now_s
    assert console.world.part_on_table() is None


def test_a_sweeper_pushes_the_part_where_the_y_axis_points() -> None:
    console = Console(chute=StepperChute(6400))
    console.world.lay(brick("3001"))
    console.ask("G1 Y135 F7200", "M400", "M280 P1 S110")
    (fallen,) = console.world.fallen()
    assert fallen.chute_deg == 135.0
    assert console.world.chute_microsteps(fallen.at_s) == 2400


def test_air_jets_blow_the_part_off_as_they_open_and_once() -> None:
    console = Console(exits=[PinExit(4), PinExit(10)], chute=None)
    console.ask("M42 P10 S255")
    assert console.world.fallen() == ()
    console.world.lay(brick("3001"))
    console.ask("M42 P10 S200", "M42 P8 S255", "M280 P1 S110")
    assert console.world.fallen() == ()
    console.ask("M42 P10 S0", "M42 P4 S255")
    (fallen,) = console.world.fallen()
    assert (fallen.chute_deg, fallen.jet_pin) == (None, 4)


def test_both_ways_off_at_once() -> None:
    console = Console(exits=[SWEEPER, PinExit(4)])
    for line in ("M42 P4 S255", "M280 P1 S110"):
        console.world.lay(brick("3001"))
        console.ask(line)
    assert [fallen.jet_pin for fallen in console.world.fallen()] == [4, None]


def test_every_pulse_width_is_kept_in_order() -> None:
    console = Console()
    start_s = console.clock.now_s
    console.ask("M280 P0 S0", "M280 P1 S90", "M280 P1 S90", "M280 P0 S180", "M280 P2 S1000")
    pulses = console.world.servo_pulses()
    widths = [(pulse.index, pulse.pulse_us) for pulse in pulses]
    assert widths == [(0, 546), (1, 1475), (1, 1475), (0, 2402), (2, 1000)]
    expected_s = [start_s + 0.3 * place for place in range(5)]
    assert [pulse.at_s for pulse in pulses] == pytest.approx(expected_s)
    assert console.ask("M280 P0") == ["echo: Servo 0: 180", "ok P15 B3"]
    assert len(console.world.servo_pulses()) == 5


@pytest.mark.parametrize("angle_deg", [0, 10, 45, 90, 110, 180])
def test_an_angle_and_its_pulse_width_mean_the_same(angle_deg: int) -> None:
    assert servo.angle_deg(servo.pulse_us(angle_deg)) == pytest.approx(angle_deg, abs=0.1)


def test_every_write_of_a_pin_is_kept_and_so_is_its_fall_in_a_reset() -> None:
    console = Console()
    start_s = console.clock.now_s
    console.ask("M42 P8 S255", "G4 P200", "M42 P8 S0", "M42 P10 S7", "M42 P9 S255")
    console.firmware.reset()
    writes = console.world.pin_writes()
    assert [(write.pin, write.value) for write in writes] == [(8, 255), (8, 0), (10, 7), (10, 0)]
    expected_s = [start_s, start_s + 0.2, start_s + 0.2, start_s + 0.2]
    assert [write.at_s for write in writes] == pytest.approx(expected_s)
