"""The turntable against the simulated board: where the table truly is, and when its position is unknown."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.clock import Clock, SystemClock
from rig.config import TurntableConfig
from rig.devices.axis import MIN_SEGMENT, Microsteps
from rig.devices.turntable import Turntable
from rig.errors import BadInput, MarlinHalted, MarlinReset, MarlinStopped, PositionUnknown
from rig.marlin.codec import Axis
from rig.marlin.controller import Marlin
from rig.sim.build import Build
from rig.sim.damage import drop_bytes
from rig.sim.faults import Direction, Fault, FaultKind
from rig.sim.world import World
from tests.marlin.test_link import interrupted_after
from tests.sim.boards import desk


@dataclass(frozen=True)
class Bench:
    world: World
    marlin: Marlin
    table: Turntable

    @property
    def true_microsteps(self) -> int:
        return self.world.table_microsteps(self.world.clock.monotonic())


@contextmanager
def bench(
    *faults: Fault,
    config: TurntableConfig | None = None,
    clock: Clock | None = None,
    build: Build | None = None,
) -> Iterator[Bench]:
    config = config or TurntableConfig(speed_deg_s=360)
    with (
        desk(*faults, clock=clock, build=build, microsteps_per_turn=config.microsteps_per_turn) as board,
        closing(board.marlin()) as marlin,
    ):
        yield Bench(board.world, marlin, Turntable(marlin, config, board.world.clock))


@pytest.mark.parametrize("gear_ratio", [1.0, 3.0, 9.0])
def test_table_is_truly_where_it_was_sent(gear_ratio: float) -> None:
    config = TurntableConfig(gear_ratio=gear_ratio, speed_deg_s=360)
    microsteps = st.integers(-3 * config.microsteps_per_turn, 3 * config.microsteps_per_turn)
    near = st.integers(-2 * MIN_SEGMENT, 2 * MIN_SEGMENT)
    with bench(config=config) as rig:
        rig.table.zero()

        @settings(max_examples=12, deadline=None)
        @given(microsteps, st.lists(near, max_size=4))
        def moves(far: int, steps: list[int]) -> None:
            target = Microsteps(far)
            assert rig.table.move_to_microsteps(target).microsteps == target
            assert rig.true_microsteps == target
            for step in steps:
                target = Microsteps(target + step)
                rig.table.move_to_microsteps(target)
                assert rig.true_microsteps == target == rig.table.position

        moves()


def test_no_error_adds_up_over_ten_thousand_turns() -> None:
    """Any moves, forward and back, until the table has turned ten thousand times in all."""
    turns = st.floats(10.0, 99.9).flatmap(lambda size: st.sampled_from((size, -size)))
    config = TurntableConfig(gear_ratio=3.0, speed_deg_s=720)
    with bench(config=config, build=Build(max_speed_deg_s=720.0)) as rig:
        rig.table.zero()
        turned = 0.0

        @settings(max_examples=20, deadline=None)
        @given(st.lists(turns, min_size=6, max_size=6))
        def moves(sizes: list[float]) -> None:
            nonlocal turned
            for size in sizes:
                target = rig.table.nearest(rig.table.angle_deg + 360.0 * size)
                turned += abs(target - rig.table.position) / config.microsteps_per_turn
                assert rig.table.move_to_microsteps(target).microsteps == target
                assert rig.true_microsteps == target
                assert abs(rig.marlin.live_position(Axis.X).angle_deg) < 2 * 360

        while turned < 10_000:
            moves()


def test_five_hundred_turns_forward_end_where_they_should() -> None:
    with bench() as rig:
        rig.table.zero()
        for move in range(1, 151):
            rig.table.move_to(1234.567 * move)
        assert rig.table.position == round(1234.567 * 150 * 3200 / 360)
        assert rig.true_microsteps == rig.table.position


@pytest.fixture(scope="module")
def tables() -> Iterator[list[Turntable]]:
    with desk() as board, closing(board.marlin()) as marlin:
        yield [
            Turntable(marlin, TurntableConfig(gear_ratio=gear_ratio), board.world.clock)
            for gear_ratio in (1.0, 3.0, 9.0)
        ]


@given(angle_deg=st.floats(-1e5, 1e5))
def test_nearest_microstep_is_at_most_half_a_step_away(tables: list[Turntable], angle_deg: float) -> None:
    for table in tables:
        nearest = table.nearest(angle_deg)
        half_step_deg = table.angle_of(Microsteps(1)) / 2
        assert abs(table.angle_of(nearest) - angle_deg) <= half_step_deg * (1 + 1e-6)
        assert table.nearest(table.angle_of(nearest)) == nearest


def test_a_turn_in_72_steps_ends_where_it_began() -> None:
    with bench() as rig:
        rig.table.zero()
        arrivals = [rig.table.move_to(5.0 * step) for step in range(1, 73)]
        assert arrivals[-1].angle_deg == 360.0
        assert rig.true_microsteps == 3200
        assert all(abs(arrival.angle_deg - 5.0 * step) <= 0.05625 for step, arrival in enumerate(arrivals, 1))


def test_arrival_says_when_motion_ended_and_the_picture_is_still() -> None:
    config = TurntableConfig(settle_s=0.25)
    with bench(config=config) as rig:
        rig.table.zero()
        arrival = rig.table.move_to(90.0)
        assert arrival.settled_s == arrival.motion_end_s + 0.25
        assert rig.world.table_microsteps(arrival.motion_end_s) == 800
        assert arrival.motion_end_s <= rig.world.clock.monotonic()


def test_position_is_unknown_until_zeroed_and_after_release() -> None:
    with bench() as rig:
        with pytest.raises(PositionUnknown):
            rig.table.move_to(10.0)
        rig.table.zero()
        assert rig.world.motors_on()
        rig.table.move_to(10.0)
        rig.marlin.motors_off()
        assert not rig.world.motors_on()
        with pytest.raises(PositionUnknown, match="unknown"):
            rig.table.move_to(10.0)
        assert rig.true_microsteps == 89


def test_home_makes_the_position_known() -> None:
    with bench(build=Build(home_switch=-500)) as rig:
        rig.table.home()
        assert rig.true_microsteps == -500
        rig.table.move_to(45.0)
        assert rig.true_microsteps == -100


def test_home_without_a_switch_halts_the_board() -> None:
    with bench() as rig:
        with pytest.raises(MarlinHalted, match="is halted: Homing Failed"):
            rig.table.home()
        with pytest.raises(PositionUnknown):
            rig.table.move_to(0.0)


def test_restart_in_a_move_makes_the_position_unknown() -> None:
    with bench(Fault(FaultKind.RESET, Direction.TO_BOARD, b"M400", at=2)) as rig:
        rig.table.zero()
        with pytest.raises(MarlinReset):
            rig.table.move_to(90.0)
        with pytest.raises(PositionUnknown):
            rig.table.move_to(0.0)
        rig.table.zero()
        start = rig.true_microsteps
        rig.table.move_to(9.0)
        assert rig.true_microsteps == start + 80


def test_restart_heard_by_another_device_makes_the_position_unknown() -> None:
    with bench(Fault(FaultKind.RESET, Direction.TO_BOARD, b"M42 P8 S255")) as rig:
        rig.table.zero()
        with pytest.raises(MarlinReset):
            rig.marlin.write_pin(8, 255)
        with pytest.raises(PositionUnknown):
            rig.table.move_to(10.0)


def test_quick_stop_from_another_thread_ends_the_move_with_an_error() -> None:
    with bench(clock=SystemClock()) as rig:
        rig.table.zero()
        stopper = threading.Timer(0.4, rig.marlin.quick_stop)
        stopper.start()
        with pytest.raises(PositionUnknown, match="stopped on its way"):
            rig.table.move_to(3600.0)
        stopper.join()
        assert 0 < rig.true_microsteps < 32000
        rig.marlin.motors_off()
        assert not rig.world.motors_on()


def test_emergency_stop_from_another_thread_ends_the_move_with_an_error() -> None:
    with bench(clock=SystemClock()) as rig:
        rig.table.zero()
        stopper = threading.Timer(0.4, rig.marlin.emergency_stop)
        stopper.start()
        with pytest.raises(MarlinHalted):
            rig.table.move_to(3600.0)
        stopper.join()
        with pytest.raises(MarlinHalted):
            rig.marlin.motors_on()
        assert 0 < rig.true_microsteps < 32000


def test_ctrl_c_in_a_move_lets_it_end_and_the_position_is_found_again() -> None:
    with bench(clock=SystemClock()) as rig:
        rig.table.zero()
        with interrupted_after(0.4):
            rig.table.move_to(200.0)
        with pytest.raises(PositionUnknown):
            rig.table.move_to(0.0)
        assert rig.table.recall()
        assert rig.table.position == rig.true_microsteps == round(200.0 * 3200 / 360)


class StoppedOnItsWay(Turntable):
    """A table that somebody stops just before a piece of its move is sent."""

    stop_before_piece = 0

    def _queue(self, target: Microsteps, speed_deg_s: float, interruptions: int) -> None:
        self.stop_before_piece -= 1
        if self.stop_before_piece == 0:
            self._marlin.stop_at_once()
        super()._queue(target, speed_deg_s, interruptions)


@pytest.mark.parametrize("piece", [1, 2, 3])
def test_after_a_stop_nothing_of_the_move_is_sent(piece: int) -> None:
    with bench(clock=SystemClock()) as rig:
        table = StoppedOnItsWay(rig.marlin, TurntableConfig(), rig.world.clock)
        table.zero()
        table.stop_before_piece = piece
        with pytest.raises(MarlinStopped):
            table.move_to(3600.0)
        rig.marlin.motors_on()
        still = rig.true_microsteps
        rig.world.clock.sleep(0.3)
        assert rig.true_microsteps == still < 3200
        assert not table.is_known
        assert not table.recall()


def test_face_turns_the_shortest_way() -> None:
    with bench() as rig:
        rig.table.zero()
        for facing, expected in ((3100, -100), (100, 100), (1700, 1700), (0, 3200), (3199, 3199)):
            rig.table.face(Microsteps(facing))
            assert rig.table.position == rig.true_microsteps == expected


def test_face_only_forward_never_turns_back() -> None:
    with bench(config=TurntableConfig(speed_deg_s=360, way="forward")) as rig:
        rig.table.zero()
        for facing, expected in ((3100, 3100), (100, 3300), (0, 6400), (3199, 9599)):
            rig.table.face(Microsteps(facing))
            assert rig.table.position == rig.true_microsteps == expected


def test_zero_is_found_as_configured() -> None:
    config = TurntableConfig(home="endstop", speed_deg_s=360)
    with bench(config=config, build=Build(home_switch=-500)) as rig:
        rig.table.find_zero()
        assert rig.true_microsteps == -500
    with bench() as rig:
        rig.table.find_zero()
        assert rig.true_microsteps == 0 == rig.table.position


def test_a_move_of_more_than_a_hundred_turns_is_refused() -> None:
    with bench() as rig:
        rig.table.zero()
        with pytest.raises(BadInput, match="100 turns"):
            rig.table.move_to(360.0 * 101)
        assert rig.table.position == 0


def seed_that_drops(lost: bytes, line: bytes) -> int:
    """A seed with which DROP_BYTES takes just these bytes out of a line, so that its checksum stays right."""
    cut = line.replace(lost, b"", 1)
    for seed in range(10_000):
        rng = Random(seed)
        rng.random()  # whether it strikes
        if drop_bytes(line, rng) == cut:
            return seed
    raise AssertionError("no seed found")


def test_a_move_whose_line_lost_two_equal_bytes_is_not_believed() -> None:
    """`X11.25` becomes `X.25`: the checksum, an XOR, is the same."""
    watch = Fault(FaultKind.DELAY, Direction.TO_BOARD, b"G1 X11.25 ", delay_s=0.0)
    with desk(watch) as board, closing(board.marlin()) as marlin:
        table = Turntable(marlin, TurntableConfig(), board.world.clock)
        table.zero()
        table.move_to_microsteps(Microsteps(100))
        (strike,) = board.board.strikes
    lossy = Fault(FaultKind.DROP_BYTES, Direction.TO_BOARD, b"G1 X11.25 ")
    with (
        desk(lossy, seed=seed_that_drops(b"11", strike.line)) as board,
        closing(board.marlin()) as marlin,
    ):
        table = Turntable(marlin, TurntableConfig(), board.world.clock)
        table.zero()
        with pytest.raises(PositionUnknown, match="the board counts something else"):
            table.move_to_microsteps(Microsteps(100))
        assert not table.is_known
        assert board.world.table_microsteps(board.world.clock.monotonic()) == 2
