"""A turn at constant speed: the angle at any moment against the simulator's truth."""

from contextlib import closing
from itertools import pairwise
from statistics import mean

import pytest

from rig.clock import SystemClock
from rig.config import TurntableConfig
from rig.devices.sweep import SweptAngle
from rig.devices.turntable import Turntable
from rig.errors import BadInput, PositionUnknown
from rig.sim.faults import Direction, Fault, FaultKind
from tests.sim.boards import Desk, desk


def table_on(board: Desk) -> tuple[Turntable, closing]:  # type: ignore[type-arg]
    marlin = board.marlin()
    return Turntable(marlin, TurntableConfig(speed_deg_s=360), board.world.clock), closing(marlin)


@pytest.mark.parametrize("speed_deg_s", [30.0, 60.0, -60.0])
def test_the_angle_at_any_moment_is_known_with_its_uncertainty(speed_deg_s: float) -> None:
    with desk(clock=SystemClock()) as board:
        table, marlin = table_on(board)
        with marlin:
            table.zero()
            # Turns that the board was told to forget count all the same.
            table.move_to(3 * 360.0 + 10.0)
            clock = board.world.clock
            seen: list[tuple[float, SweptAngle]] = []
            turn_deg = 90.0 if speed_deg_s > 0 else -90.0
            with table.sweep(turn_deg, speed_deg_s=abs(speed_deg_s)) as sweep:
                started_s = clock.monotonic()
                while clock.monotonic() < started_s + 90.0 / abs(speed_deg_s):
                    at_s = clock.monotonic() - 0.03
                    seen.append((at_s, sweep.angle_at(at_s)))
            assert table.position == table.nearest(3 * 360.0 + 10.0 + turn_deg)
            assert clock.monotonic() - started_s >= 90.0 / abs(speed_deg_s)
            steady = [
                (at_s, swept)
                for at_s, swept in seen
                if started_s + 0.7 < at_s < started_s + 80 / abs(speed_deg_s)
            ]
            assert len(steady) > 10
            for at_s, swept in steady:
                error_deg = swept.angle_deg - board.world.table_microsteps(at_s) * 360 / 3200
                assert abs(error_deg) < max(4 * swept.uncertainty_deg, 0.12)
                assert swept.speed_deg_s == pytest.approx(speed_deg_s, rel=0.1)
            assert mean(swept.uncertainty_deg for _, swept in steady) < 0.2


def test_while_the_table_speeds_up_the_uncertainty_is_larger() -> None:
    with desk(clock=SystemClock()) as board:
        table, marlin = table_on(board)
        with marlin:
            table.zero()
            with table.sweep(180.0, speed_deg_s=90.0) as sweep:
                begun_s = board.world.clock.monotonic()
                first = sweep.angle_at(begun_s + 0.2)
                board.world.clock.sleep(0.8)
                later = [sweep.angle_at(board.world.clock.monotonic()) for _ in range(25)][-1]
            assert first.uncertainty_deg > 3 * later.uncertainty_deg


def test_after_a_sweep_the_table_is_where_it_was_sent_without_waiting_in_the_block() -> None:
    with desk() as board:
        table, marlin = table_on(board)
        with marlin:
            table.zero()
            with table.sweep(720.0, speed_deg_s=180.0):
                pass
            assert table.position == 6400 == board.world.table_microsteps(board.world.clock.monotonic())


def test_an_error_in_the_block_stops_the_table() -> None:
    with desk(clock=SystemClock()) as board:
        table, marlin = table_on(board)
        with marlin:
            table.zero()
            with pytest.raises(ValueError, match="of the user"), table.sweep(3600.0, speed_deg_s=60.0):
                board.world.clock.sleep(0.4)
                raise ValueError("of the user")
            still = board.world.table_microsteps(board.world.clock.monotonic())
            board.world.clock.sleep(0.2)
            assert board.world.table_microsteps(board.world.clock.monotonic()) == still < 3200
            with pytest.raises(PositionUnknown):
                table.move_to(0.0)


def test_an_answer_that_noise_has_changed_shows_in_the_uncertainty_not_in_a_wrong_angle() -> None:
    lie = Fault(FaultKind.GARBLE, Direction.TO_HOST, b"^X:", probability=0.05)
    with desk(lie, clock=SystemClock(), seed=3) as board:
        table, marlin = table_on(board)
        with marlin:
            table.zero()
            clock = board.world.clock
            with table.sweep(60.0, speed_deg_s=30.0) as sweep:
                clock.sleep(0.8)
                for _ in range(30):
                    at_s = clock.monotonic()
                    swept = sweep.angle_at(at_s)
                    error_deg = swept.angle_deg - board.world.table_microsteps(at_s) * 360 / 3200
                    assert abs(error_deg) < max(4 * swept.uncertainty_deg, 0.2)


def test_a_sweep_wants_a_known_position_and_at_most_a_hundred_turns() -> None:
    with desk() as board:
        table, marlin = table_on(board)
        with marlin:
            with pytest.raises(PositionUnknown), table.sweep(10.0, speed_deg_s=60.0):
                pass
            table.zero()
            with pytest.raises(BadInput), table.sweep(36001.0, speed_deg_s=60.0):
                pass


def test_a_moment_that_no_prompt_answer_is_near_to_is_uncertain() -> None:
    """An answer whose ok is lost takes long: the table may have done anything meanwhile."""
    lost = Fault(FaultKind.DROP, Direction.TO_HOST, b"^ok", at=40)
    with desk(lost, clock=SystemClock()) as board:
        table, marlin = table_on(board)
        with marlin:
            table.zero()
            clock = board.world.clock
            with table.sweep(180.0, speed_deg_s=45.0) as sweep:
                for _ in range(40):
                    at_s = clock.monotonic()
                    swept = sweep.angle_at(at_s)
                    error_deg = swept.angle_deg - board.world.table_microsteps(at_s) * 360 / 3200
                    assert abs(error_deg) < max(4 * swept.uncertainty_deg, 0.2)
            assert board.board.strikes


@pytest.mark.parametrize(("angle_deg", "speed_deg_s"), [(0.3, 45.0), (90.0, 0.0), (90.0, -10.0)])
def test_a_sweep_that_cannot_be_made_is_refused(angle_deg: float, speed_deg_s: float) -> None:
    with desk() as board:
        table, marlin = table_on(board)
        with marlin:
            table.zero()
            with pytest.raises(BadInput), table.sweep(angle_deg, speed_deg_s=speed_deg_s):
                pass
            assert table.position == 0


def test_a_sweep_that_is_extended_in_time_goes_on_without_a_stop() -> None:
    with desk(clock=SystemClock()) as board:
        table, marlin = table_on(board)
        with marlin:
            table.zero()
            clock = board.world.clock
            with table.sweep(30.0, speed_deg_s=60.0) as sweep:
                sweep.extend(30.0, speed_deg_s=60.0)
                begun_s = clock.monotonic() + 0.3
                for corner_deg in (60.0, 90.0, 120.0):
                    assert sweep.end_deg == pytest.approx(corner_deg, abs=0.2)
                    assert sweep.last_piece_deg == pytest.approx(corner_deg - 30.0, abs=0.2)
                    sweep.extend(30.0, speed_deg_s=50.0)
                    while sweep.angle_at(clock.monotonic()).angle_deg < corner_deg - 40.0:
                        pass
                sweep.follow_until(clock.monotonic() + 0.4)
                times_s = [begun_s + 0.02 * count for count in range(80)]
                at_deg = [board.world.table_microsteps(at_s) * 360 / 3200 for at_s in times_s]
                speeds_deg_s = [(after - before) / 0.02 for before, after in pairwise(at_deg)]
                assert min(speeds_deg_s) > 40.0
            assert table.position == table.nearest(sweep.end_deg)
