"""Light and actuators against the simulated board: where parts fall, and what rest means for each."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import pytest

from rig.bin_config import BinConfig
from rig.catalog import ColourCode, PartNumber
from rig.clock import Clock, LeapingClock, SystemClock
from rig.config import (
    ActuatorConfig,
    AirJetsConfig,
    Config,
    GcodeConfig,
    LightConfig,
    ServoGateConfig,
    StepperChuteConfig,
)
from rig.devices.actuators import Actuator, actuator_for
from rig.devices.gcode_lines import check_bins
from rig.devices.light import Light
from rig.devices.wiring import wiring_of
from rig.errors import ConfigError, DeviceError, LineRefused, PositionUnknown
from rig.marlin.codec import Axis
from rig.marlin.controller import Marlin
from rig.sim.faults import Direction, Fault, FaultKind, FaultyBoard
from rig.sim.passages import LyingPart
from rig.sim.port import SimulatedPort
from rig.sim.wiring import build_firmware, build_world
from rig.sim.world import World
from tests.marlin.test_link import interrupted_after
from tests.sim.boards import SERIAL, HandClock, desk

JETS = (BinConfig(name="reject", jet_pin=10), BinConfig(name="plates", jet_pin=4))
CHUTE = (BinConfig(name="reject", chute_deg=-45.0), BinConfig(name="plates", chute_deg=90.0))
LINES = (
    BinConfig(name="reject", gcode=("G1 Y30 F3000", "M400", "M42 P10 S255", "G4 P50", "M42 P10 S0")),
    BinConfig(name="plates", gcode=("M280 P2 S120", "G4 P200")),
)
LONG_PUFF = (BinConfig(name="reject", gcode=("M42 P10 S255", "G4 P2000", "M42 P10 S0")),)
GATE = ServoGateConfig(travel_s=0.4, chute_rest_deg=5.0)


@dataclass(frozen=True)
class Bench:
    """An actuator and the desk that it works on."""

    world: World
    marlin: Marlin
    actuator: Actuator
    bins: Sequence[BinConfig]

    def lay(self) -> None:
        self.world.lay(LyingPart(PartNumber("3001"), ColourCode(4), 0, (0.0, 0.0), 0.0))

    @property
    def chute_deg(self) -> float:
        microsteps = self.world.chute_microsteps(self.world.clock.monotonic())
        return microsteps * 360.0 / StepperChuteConfig().microsteps_per_turn


@contextmanager
def bench(
    actuator: ActuatorConfig,
    bins: Sequence[BinConfig],
    *,
    clock: Clock | None = None,
    faults: Sequence[Fault] = (),
) -> Iterator[Bench]:
    config = Config(actuator=actuator, bins=tuple(bins))
    world = build_world(config, clock or LeapingClock())
    board = FaultyBoard(build_firmware(config, world), faults, clock=world.clock)
    serial = SERIAL.model_copy(update={"reply_timeout_s": 2.5})
    with (
        SimulatedPort(world, board=board) as port,
        closing(Marlin.connect(port.url, serial, wiring=wiring_of(config), clock=world.clock)) as marlin,
    ):
        device = actuator_for(actuator, config.bins, marlin, world.clock)
        yield Bench(world, marlin, device, config.bins)


def test_light_goes_on_at_its_brightness_and_off() -> None:
    with desk() as board, closing(board.marlin()) as marlin:
        light = Light(marlin, LightConfig(brightness=51))
        light.on()
        assert board.world.lamp_level() == pytest.approx(0.2)
        light.off()
        assert board.world.lamp_level() == 0.0


def test_light_without_a_pin_sends_nothing() -> None:
    with desk() as board, closing(board.marlin()) as marlin:
        before = board.world.pin_writes()
        light = Light(marlin, LightConfig(pin=None))
        light.on()
        light.off()
        assert board.world.pin_writes() == before


def test_a_pin_that_is_not_configured_is_never_written() -> None:
    with desk() as board, closing(board.marlin()) as marlin:
        before = board.world.pin_writes()
        for pin in (9, 10, 999, -1):
            with pytest.raises(LineRefused, match="not configured"):
                marlin.write_pin(pin, 255)
        assert board.world.pin_writes() == before


def test_gate_drops_the_part_where_the_chute_points_after_the_table_has_stopped() -> None:
    with bench(GATE, Config().bins) as rig:
        rig.lay()
        rig.marlin.move(Axis.X, 90.0, speed_deg_s=60.0, interruptions=rig.marlin.interruptions)
        start_s = rig.world.clock.monotonic()
        rig.actuator.drop(rig.bins[2])
        (fallen,) = rig.world.fallen()
        assert fallen.chute_deg == 32.0
        assert rig.world.table_microsteps(fallen.at_s) == 800
        assert fallen.at_s - start_s > 1.5 + 0.3 + 0.4 + 0.3
        assert rig.world.servo_deg(1) == GATE.sweeper_rest_deg
        assert rig.world.clock.monotonic() - fallen.at_s > 0.4 + 0.3 + 0.4


def test_gate_rests_with_the_sweeper_drawn_back_and_the_chute_where_it_is_meant_to_be() -> None:
    with bench(GATE, Config().bins) as rig:
        rig.actuator.prepare()
        assert rig.world.servo_deg(1) == GATE.sweeper_rest_deg
        rig.actuator.drop(rig.bins[2])
        rig.actuator.rest()
        assert rig.world.servo_deg(0) == GATE.chute_rest_deg


def test_stepper_chute_turns_to_the_bin_before_the_part_falls_and_back_to_rest() -> None:
    with bench(StepperChuteConfig(rest_deg=10.0), CHUTE) as rig:
        rig.actuator.prepare()
        assert rig.chute_deg == pytest.approx(10.0, abs=0.06)
        for target in (*CHUTE, CHUTE[0]):
            rig.lay()
            rig.actuator.drop(target)
            fallen = rig.world.fallen()[-1]
            assert fallen.chute_deg == pytest.approx(target.chute_deg, abs=0.06)
            assert rig.world.servo_deg(1) == StepperChuteConfig().sweeper_rest_deg
        rig.actuator.rest()
        assert rig.chute_deg == pytest.approx(10.0, abs=0.06)
        assert rig.world.table_microsteps(rig.world.clock.monotonic()) == 0


def test_stepper_chute_homes_by_its_switch() -> None:
    with bench(StepperChuteConfig(home="endstop", rest_deg=20.0), CHUTE) as rig:
        rig.actuator.prepare()
        assert rig.chute_deg == pytest.approx(-45.0 + 20.0, abs=0.06)


def test_a_chute_that_was_cut_short_comes_to_rest_all_the_same() -> None:
    with bench(StepperChuteConfig(speed_deg_s=90.0), CHUTE, clock=SystemClock()) as rig:
        rig.actuator.prepare()
        with interrupted_after(0.5):
            rig.actuator.drop(CHUTE[1])
        assert not rig.world.fallen()
        rig.actuator.rest()
        assert rig.chute_deg == 0.0


def test_a_chute_whose_board_restarted_drops_nothing_before_it_is_prepared_again() -> None:
    restart = Fault(FaultKind.RESET, Direction.TO_BOARD, b"G1 Y", at=2)
    with bench(StepperChuteConfig(), CHUTE, faults=[restart]) as rig:
        rig.actuator.prepare()
        rig.lay()
        with pytest.raises(DeviceError):
            rig.actuator.drop(CHUTE[1])
        rig.actuator.rest()
        with pytest.raises(PositionUnknown, match="chute"):
            rig.actuator.drop(CHUTE[1])
        assert not rig.world.fallen()
        rig.actuator.prepare()
        rig.actuator.drop(CHUTE[1])
        assert len(rig.world.fallen()) == 1


def test_an_air_jet_blows_for_its_pulse_and_only_its_own_valve_opens() -> None:
    # On a clock that only waits move, nothing but what the board waited for is in the pulse.
    with bench(AirJetsConfig(pulse_s=0.2), JETS, clock=HandClock()) as rig:
        rig.actuator.prepare()
        before = len(rig.world.pin_writes())
        for target in JETS:
            rig.lay()
            rig.actuator.drop(target)
            assert rig.world.fallen()[-1].jet_pin == target.jet_pin
        opened, closed, other_opened, other_closed = rig.world.pin_writes()[before:]
        assert (opened.pin, opened.value, closed.pin, closed.value) == (10, 255, 10, 0)
        assert closed.at_s - opened.at_s == pytest.approx(0.2)
        assert (other_opened.pin, other_closed.pin) == (4, 4)


@pytest.mark.parametrize(
    ("config", "bins"),
    [(AirJetsConfig(pulse_s=2.0), JETS), (GcodeConfig(pins=(10,)), LONG_PUFF)],
    ids=["air jets", "lines of the user's own"],
)
def test_a_valve_that_an_interrupt_left_open_is_closed_at_rest(
    config: ActuatorConfig, bins: Sequence[BinConfig]
) -> None:
    with bench(config, bins, clock=SystemClock()) as rig:
        with interrupted_after(0.5):
            rig.actuator.drop(bins[0])
        assert rig.world.pin(10) == 255
        rig.actuator.rest()
        assert rig.world.pin(10) == rig.world.pin(4) == 0


def test_lines_of_the_users_own_are_carried_out_and_end_in_rest() -> None:
    own = GcodeConfig(rest=("G1 Y0 F3000", "M280 P2 S5"), pins=(10,))
    with bench(own, LINES) as rig:
        rig.actuator.prepare()
        rig.lay()
        rig.actuator.drop(LINES[0])
        assert rig.world.fallen()[-1].jet_pin == 10
        rig.lay()
        rig.actuator.drop(LINES[1])
        assert len(rig.world.fallen()) == 2
        assert rig.chute_deg == 0.0
        assert rig.world.servo_deg(2) == 5.0
        assert rig.world.pin(10) == 0


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("G1 X10", "moves X"),
        ("G0 Y5 X1", "moves X"),
        ("G28 Y", "not allowed"),
        ("G91", "not allowed"),
        ("G92 Y0", "not allowed"),
        ("M42 P9 S255", "pin"),
        ("M42 S255", "pin"),
        ("M42 P10 S255 I", "pin"),
        ("M42 P1010 S0", "pin"),
        ("M112", "not allowed"),
        ("M18 Y", "not allowed"),
        ("M92 Y10", "not allowed"),
        ("T1", "not allowed"),
        ("M042 P999 S255", "pin"),
        ("M0410", "not allowed"),
        ("M118 start", "not allowed"),
        ("M575 B9600", "not allowed"),
        ("G1 Y1e3", "exponent"),
        ("M118 " + "x" * 90, "characters"),
        ("g1 Y5", "not a G-code"),
        ("G1 Y5 ; up", "not a G-code"),
        ("", "not a G-code"),
    ],
)
def test_lines_that_would_harm_are_refused_before_anything_moves(line: str, why: str) -> None:
    for own, bins in (
        (GcodeConfig(pins=(10,)), (BinConfig(name="reject", gcode=(line,)),)),
        (GcodeConfig(pins=(10,), rest=(line,)), (BinConfig(name="reject", gcode=("G4 P1",)),)),
    ):
        with pytest.raises(ConfigError, match=why):
            check_bins(own, bins)
