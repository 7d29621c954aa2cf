"""Between motor and table: play, as hysteresis models have it, and a load that swings on after a stop."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.sim.drivetrain import DriveTrain, Motion
from rig.sim.motion import Axis, Block, Planner
from tests.sim.boards import Console

MICROSTEPS_PER_TURN = 3200
DEG_PER_MICROSTEP = 360 / MICROSTEPS_PER_TURN
BACKLASH_DEG = 4.5
MOVES = st.lists(
    st.integers(6, 1500).flatmap(lambda steps: st.sampled_from((steps, -steps))), min_size=1, max_size=6
)


def course(moves: list[int]) -> tuple[Motion, float]:
    """One move after another from time 0 on, and when they have ended."""
    planner = Planner((0, 0), now_s=0.0)
    for steps in moves:
        planner.add(Block((steps, 0), speed=2000.0, acceleration=6400.0), now_s=0.0)
    return planner.trajectory(Axis.X), planner.end_s


@given(MOVES, st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_the_load_stays_within_the_play_and_moves_only_when_pushed(
    moves: list[int], shares: list[float]
) -> None:
    motion, end_s = course(moves)
    train = DriveTrain(MICROSTEPS_PER_TURN, backlash_deg=BACKLASH_DEG)
    train.follow(motion, 0.0)
    for at_s in sorted(share * end_s for share in shares):
        ahead_deg = train.angle_deg(at_s) - motion.position(at_s) * DEG_PER_MICROSTEP
        assert -1e-9 <= ahead_deg <= BACKLASH_DEG + 1e-9
    # Where the motor reversed does not matter to how far the load is carried, only how far it went.
    load = 0.0
    for motor in [sum(moves[: place + 1]) for place in range(len(moves))]:
        load = min(max(load, motor), motor + BACKLASH_DEG / DEG_PER_MICROSTEP)
    assert train.angle_deg(end_s + 1) == pytest.approx(load * DEG_PER_MICROSTEP)


@given(MOVES, st.integers(1, 5))
def test_the_play_does_not_depend_on_how_often_the_course_was_planned_anew(
    moves: list[int], times: int
) -> None:
    motion, end_s = course(moves)
    once, often = (DriveTrain(MICROSTEPS_PER_TURN, backlash_deg=BACKLASH_DEG) for _ in range(2))
    once.follow(motion, 0.0)
    for place in range(times):
        often.follow(motion, place * end_s / times)
    for place in range(20):
        at_s = place * end_s / 20
        assert often.angle_deg(at_s) == pytest.approx(once.angle_deg(at_s))


def test_a_turn_back_is_short_by_the_play_and_a_turn_on_is_exact() -> None:
    board = Console(backlash_deg=BACKLASH_DEG)
    world = board.world
    angles_deg = []
    for target_deg in (90, 45, 36, 90):
        board.ask(f"G1 X{target_deg} F7200", "M400")
        angles_deg.append(world.table_angle_deg(board.clock.now_s))
        assert world.table_microsteps(board.clock.now_s) == target_deg / DEG_PER_MICROSTEP
    assert angles_deg == pytest.approx([90.0, 49.5, 40.5, 90.0])
    assert board.ask("M114 R")[0].startswith("X:90.00 ")


@pytest.mark.parametrize(("target_deg", "feed"), [(90, 3600), (-90, 3600), (5, 21600), (2, 240)])
def test_after_a_stop_the_table_swings_and_comes_to_rest(target_deg: int, feed: int) -> None:
    console = Console(rings=True)
    console.ask(f"G1 X{target_deg} F{feed}", "M400")
    stopped_s = console.clock.now_s
    still_deg = console.world.table_microsteps(stopped_s) * DEG_PER_MICROSTEP
    swings_deg = [
        console.world.table_angle_deg(stopped_s + place / 1000) - still_deg for place in range(1000)
    ]
    assert swings_deg[0] == pytest.approx(0.0, abs=0.01)
    assert 0.02 < max(abs(swing) for swing in swings_deg) < 0.35
    # It first goes on in the direction of the turn.
    assert swings_deg[10] * target_deg > 0
    assert max(abs(swing) for swing in swings_deg[400:]) < 0.01
    crossings = sum(a * b < 0 for a, b in pairwise(swings_deg[1:100]))
    assert 1 <= crossings <= 2  # 12 to 15 times a second, while it can be seen
    for place in range(1000):
        assert console.world.table_microsteps(stopped_s + place / 1000) == round(
            still_deg / DEG_PER_MICROSTEP
        )


def largest_swing_deg(console: Console) -> float:
    stopped_s = console.clock.now_s
    still_deg = console.world.table_microsteps(stopped_s) * DEG_PER_MICROSTEP
    return max(console.world.table_angle_deg(stopped_s + place / 1000) - still_deg for place in range(200))


def test_a_table_that_stops_dead_swings_most() -> None:
    slow, dead = Console(rings=True), Console(rings=True)
    slow.ask("G1 X90 F3600", "M400")
    dead.put("G1 X90 F3600")
    dead.wait(0.8)
    dead.put("M410")
    assert largest_swing_deg(slow) < largest_swing_deg(dead) < 0.3
    assert largest_swing_deg(dead) > 0.2


def test_a_table_that_never_moved_does_not_swing() -> None:
    console = Console(rings=True)
    assert console.world.table_angle_deg(console.clock.now_s) == 0.0
    console.ask("M410")
    assert console.world.table_angle_deg(console.clock.now_s) == 0.0
