"""Motion of the simulated axis: measured times, and physics that holds for any moves."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.sim.motion import START_SPEED, Axis, Block, Planner, Steps, plan

STEPS_PER_DEG = 80 / 9
ACCELERATION = 720 * STEPS_PER_DEG

# Angle, feed rate in degrees/min, number of equal segments, and the seconds that Marlin 2.1.2.7 took.
MEASURED = [
    (1, 3600, 1, 0.143),
    (45, 3600, 1, 0.897),
    (360, 21600, 1, 1.553),
    (3600, 21600, 1, 10.582),
    (5, 3600, 1, 0.228),
    (5, 3600, 2, 0.228),
    (5, 3600, 3, 0.136),
    (5, 3600, 4, 0.137),
    (45, 21600, 1, 0.544),
    (45, 21600, 2, 0.551),
    (45, 21600, 3, 0.461),
    (45, 21600, 4, 0.461),
]

STEPS = st.integers(6, 5000).flatmap(lambda steps: st.sampled_from((steps, -steps)))
LINES = st.one_of(
    st.tuples(STEPS, st.just(0)), st.tuples(st.just(0), STEPS), st.tuples(STEPS, STEPS)
)  # X, Y, or both
BLOCKS = st.lists(
    st.builds(Block, steps=LINES, speed=st.floats(32, 3200), acceleration=st.just(ACCELERATION)),
    min_size=1,
    max_size=8,
)


def along_x(steps: int, speed: float) -> Block:
    return Block((steps, 0), speed, ACCELERATION)


def whereabouts(planner: Planner, at_s: float) -> Steps:
    x, y = (round(planner.trajectory(axis).position(at_s)) for axis in Axis)
    return x, y


def total(blocks: list[Block]) -> Steps:
    return sum(block.steps[Axis.X] for block in blocks), sum(block.steps[Axis.Y] for block in blocks)


@pytest.mark.parametrize(("angle_deg", "feed", "segments", "measured_s"), MEASURED)
def test_moves_take_as_long_as_measured(angle_deg: int, feed: int, segments: int, measured_s: float) -> None:
    planner = Planner((0, 0), now_s=0.0)
    steps = round(angle_deg * STEPS_PER_DEG)
    ends = [round(steps * segment / segments) for segment in range(segments + 1)]
    for segment, (start, end) in enumerate(pairwise(ends)):
        planner.add(along_x(end - start, feed / 60 * STEPS_PER_DEG), now_s=0.004 * segment)
    assert planner.end_s == pytest.approx(measured_s, abs=0.025)
    assert whereabouts(planner, planner.end_s) == (steps, 0)


@given(BLOCKS)
def test_blocks_join_without_a_jump_and_within_speed_and_acceleration(blocks: list[Block]) -> None:
    planned = plan(blocks, start_s=0.0, start=(0, 0), entry_speed=START_SPEED)
    ends = [total(blocks[: place + 1]) for place in range(len(blocks))]
    phases = [phase for block in planned for phase in block.phases]
    for block, end in zip(planned, ends, strict=True):
        for axis in Axis:
            for last in block.along(axis)[-1:]:
                assert last.position(block.end_s) == pytest.approx(end[axis], abs=1e-3)
        for phase in block.phases:
            assert max(phase.speed, phase.end_speed) <= block.block.speed * (1 + 1e-6)
            assert min(phase.speed, phase.end_speed) >= 0
            assert abs(phase.acceleration) <= ACCELERATION
    for before, after in pairwise(phases):
        assert after.start_s == pytest.approx(before.end_s)
        assert after.speed == pytest.approx(before.end_speed, abs=1e-3)
    for earlier, later in pairwise(planned):
        if not earlier.block.leads_straight_to(later.block):
            assert earlier.exit_speed <= START_SPEED


@given(BLOCKS, st.lists(st.floats(0.0, 0.5), min_size=8, max_size=8))
def test_table_ends_on_its_target_however_the_moves_are_spaced(
    blocks: list[Block], pauses_s: list[float]
) -> None:
    planner = Planner((0, 0), now_s=0.0)
    now_s = 0.0
    for block, pause_s in zip(blocks, pauses_s, strict=False):
        before = whereabouts(planner, now_s)
        planner.add(block, now_s)
        assert whereabouts(planner, now_s) == before
        now_s += pause_s
    assert planner.target == total(blocks)
    assert whereabouts(planner, planner.end_s) == planner.target
    assert whereabouts(planner, planner.end_s + 100) == planner.target


@given(BLOCKS, st.floats(0.0, 3.0))
def test_quick_stop_stays_where_the_table_was(blocks: list[Block], stop_s: float) -> None:
    planner = Planner((0, 0), now_s=0.0)
    for block in blocks:
        planner.add(block, 0.0)
    there = whereabouts(planner, stop_s)
    assert planner.stop(stop_s) == there
    assert whereabouts(planner, stop_s + 10) == there
    assert planner.end_s <= stop_s
    planner.add(along_x(100, 1000.0), stop_s + 1)
    assert whereabouts(planner, planner.end_s) == (there[Axis.X] + 100, there[Axis.Y])
