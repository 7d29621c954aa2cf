"""The feeder against the simulated board: when it is asked, how often, and what rest means for it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import repeat

import pytest

from rig.catalog import ColourCode, PartNumber
from rig.clock import Clock, SystemClock
from rig.config import Config, StepperChuteConfig
from rig.devices.feeder import Asked, Feeder, Feeding, feeder_for
from rig.devices.gcode_lines import check_feeder
from rig.devices.operator import HumanOperator, Operator
from rig.devices.wiring import wiring_of
from rig.errors import ConfigError, LineRefused
from rig.feeder_config import (
    FeederConfig,
    GcodeFeederConfig,
    HandFeederConfig,
    NoFeederConfig,
    PinFeederConfig,
)
from rig.marlin.controller import Marlin
from rig.sim.faults import FaultyBoard
from rig.sim.passages import Feed, LyingPart
from rig.sim.port import SimulatedPort
from rig.sim.wiring import build_firmware, build_world
from rig.sim.world import World
from tests.marlin.test_link import interrupted_after
from tests.sim.boards import SERIAL, HandClock

BRICK = LyingPart(PartNumber("3001"), ColourCode(4), 0, (0.0, 0.0), 0.0)
SERVO_LINES = GcodeFeederConfig(release=("M280 P2 S90", "G4 P100"), rest=("M280 P2 S10",))
VALVE_LINES = GcodeFeederConfig(release=("M42 P10 S255", "G4 P100", "M42 P10 S0"), pins=(10,))
FEED_GAP_S = Config().sim.feed_gap_s


@dataclass(frozen=True)
class Bench:
    """A feeder full of bricks, and the desk that it works on."""

    world: World
    marlin: Marlin
    feeder: Feeder
    clock: Clock


@contextmanager
def bench(
    config: FeederConfig, *, pile: Iterator[Feed] | None = None, clock: Clock | None = None
) -> Iterator[Bench]:
    whole = Config(feeder=config)
    # Where nothing but waits takes time, a part comes exactly when it was asked for.
    world = build_world(whole, clock or HandClock())
    board = FaultyBoard(build_firmware(whole, world), (), clock=world.clock)
    serial = SERIAL.model_copy(update={"reply_timeout_s": 2.5})
    with (
        SimulatedPort(world, board=board) as port,
        closing(Marlin.connect(port.url, serial, wiring=wiring_of(whole), clock=world.clock)) as marlin,
    ):
        world.pour(repeat(Feed(BRICK)) if pile is None else pile)
        yield Bench(world, marlin, feeder_for(config, marlin, _hand(world), world.clock), world.clock)


def _hand(world: World) -> Operator:
    """A person who does what is asked."""
    return HumanOperator(lambda sentence: world.release())


@pytest.mark.parametrize(
    "config",
    [HandFeederConfig(), SERVO_LINES, VALVE_LINES, PinFeederConfig(pin=4)],
    ids=["hand", "servo", "valve", "pin"],
)
def test_a_part_comes_for_each_time_that_it_is_asked_for_and_no_other(config: FeederConfig) -> None:
    with bench(config) as rig:
        rig.feeder.rest()
        rig.clock.sleep(60)
        assert rig.world.part_on_table() is None, "none was asked for"
        for _ in range(3):
            assert rig.feeder.table_is_empty() is Feeding.COMING
            assert rig.feeder.table_is_empty() is Feeding.COMING
            rig.clock.sleep(FEED_GAP_S)
            assert rig.world.part_on_table() is not None
            rig.feeder.part_came()
            rig.world.clear()
            rig.clock.sleep(60)
            assert rig.world.part_on_table() is None
        assert len(rig.world.passages()) == 3


def test_parts_that_come_by_themselves_are_waited_for() -> None:
    with bench(NoFeederConfig()) as rig:
        assert rig.feeder.table_is_empty() is Feeding.UNKNOWN
        rig.clock.sleep(FEED_GAP_S)
        assert rig.world.part_on_table() is not None


def test_a_feeder_from_which_nothing_comes_is_asked_again_and_then_counts_as_empty() -> None:
    with bench(PinFeederConfig(pin=4, retry_s=5, most_tries=3), pile=iter(())) as rig:
        before = len(rig.world.pin_writes())
        said = []
        for _ in range(17):
            said.append(rig.feeder.table_is_empty())
            rig.clock.sleep(1)
        opened_s = [write.at_s for write in rig.world.pin_writes()[before:] if write.value]
        assert [later - opened_s[0] for later in opened_s[:3]] == pytest.approx([0, 5, 10], abs=1.5)
        assert said.index(Feeding.EMPTY) == pytest.approx(15, abs=2)
        assert said[said.index(Feeding.EMPTY) + 1] is Feeding.COMING, "somebody filled it and went on"


def test_after_a_part_came_the_tries_are_counted_anew() -> None:
    asked: list[str] = []
    feeder = Asked(
        HandFeederConfig(retry_s=1, most_tries=2),
        clock := HandClock(),
        release=lambda: asked.append("part"),
        rest=lambda: None,
    )
    for _ in range(4):
        assert feeder.table_is_empty() is Feeding.COMING
        clock.sleep(1)
        assert feeder.table_is_empty() is Feeding.COMING
        feeder.part_came()
    assert len(asked) == 8


def test_the_pulse_lasts_as_long_as_it_is_meant_to() -> None:
    with bench(PinFeederConfig(pin=4, pulse_s=0.3)) as rig:
        before = len(rig.world.pin_writes())
        rig.feeder.table_is_empty()
        opened, closed = rig.world.pin_writes()[before:]
        assert (opened.pin, opened.value, closed.pin, closed.value) == (4, 255, 4, 0)
        assert closed.at_s - opened.at_s == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("config", "pin"),
    [
        (PinFeederConfig(pin=4, pulse_s=2.0), 4),
        (GcodeFeederConfig(release=("M42 P10 S255", "G4 P2000", "M42 P10 S0"), pins=(10,)), 10),
    ],
    ids=["pin", "lines"],
)
def test_what_an_interrupt_left_open_is_closed_at_rest(config: FeederConfig, pin: int) -> None:
    with bench(config, clock=SystemClock()) as rig:
        with interrupted_after(0.5):
            rig.feeder.table_is_empty()
        assert rig.world.pin(pin) == 255
        rig.feeder.rest()
        assert rig.world.pin(pin) == 0


def test_lines_for_rest_are_carried_out() -> None:
    with bench(SERVO_LINES) as rig:
        rig.feeder.table_is_empty()
        assert rig.world.servo_deg(2) == 90
        rig.feeder.rest()
        assert rig.world.servo_deg(2) == 10


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("G1 X10", "moves X, which is the turntable"),
        ("G1 Y10", "moves Y, which is the chute"),
        ("M280 P1 S90", "turns servo 1, which is the actuator's"),
        ("M42 P4 S255", "a pin that is not in feeder.pins"),
        ("M112", "is not allowed"),
        ("hello", "not a G-code"),
    ],
)
def test_lines_that_would_harm_are_refused_before_anything_moves(line: str, why: str) -> None:
    for lines in (GcodeFeederConfig(release=(line,)), GcodeFeederConfig(release=("G4 P1",), rest=(line,))):
        with pytest.raises(ConfigError, match=f"^feeder: .*{why}"):
            check_feeder(lines, StepperChuteConfig())


def test_its_pins_may_be_written_and_no_others() -> None:
    with bench(PinFeederConfig(pin=4)) as rig:
        rig.marlin.write_pin(4, 0)
        with pytest.raises(LineRefused):
            rig.marlin.write_pin(5, 0)


@pytest.mark.parametrize("feeder", [PinFeederConfig(pin=8), GcodeFeederConfig(release=("G4 P1",), pins=(8,))])
def test_it_shares_no_pin_with_the_lamp(feeder: FeederConfig) -> None:
    with pytest.raises(ValueError, match="feeder: pin 8 is that of the lamp"):
        Config(feeder=feeder)
