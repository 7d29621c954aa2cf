"""Each schedule has the shape that its name promises, for any number of steps."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.choices.schedules import FLOOR, SCHEDULES, Schedule, ScheduleName

counts = st.integers(1, 400)


def _all(name: ScheduleName, steps: int) -> list[float]:
    schedule: Schedule = SCHEDULES[name]
    return [schedule(step, steps) for step in range(steps)]


def _rises_then_falls(shares: list[float]) -> bool:
    top = shares.index(max(shares))
    return shares[: top + 1] == sorted(shares[: top + 1]) and shares[top:] == sorted(shares[top:])[::-1]


def test_every_name_has_a_schedule() -> None:
    assert set(SCHEDULES) == set(ScheduleName)


@given(st.sampled_from(ScheduleName), counts)
def test_a_rate_is_never_nothing_and_never_above_the_peak(name: ScheduleName, steps: int) -> None:
    assert all(0 < share <= 1 for share in _all(name, steps))


@pytest.mark.parametrize("name", ScheduleName)
def test_the_peak_is_reached(name: ScheduleName) -> None:
    assert max(_all(name, 1000)) == pytest.approx(1, abs=0.01)


@given(counts)
def test_constant_and_exponential(steps: int) -> None:
    assert set(_all(ScheduleName.CONSTANT, steps)) == {1.0}
    shares = _all(ScheduleName.EXPONENTIAL, steps)
    assert shares[0] == 1
    assert all(b / a == pytest.approx(shares[1]) for a, b in pairwise(shares))
    if steps > 1:
        assert shares[-1] == pytest.approx(FLOOR)


@given(st.integers(10, 400))
def test_cosine_warms_up_over_a_tenth_and_then_only_falls(steps: int) -> None:
    shares = _all(ScheduleName.COSINE, steps)
    assert _rises_then_falls(shares)
    assert shares.index(max(shares)) == steps // 10 - 1
    assert shares[0] == pytest.approx(1 / (steps // 10))
    assert shares[steps // 2] > 0.4
    assert shares[-1] < 0.03 or steps < 30


@given(st.integers(10, 400))
def test_one_cycle_rises_over_three_tenths_and_ends_far_below_its_beginning(steps: int) -> None:
    shares = _all(ScheduleName.ONE_CYCLE, steps)
    assert _rises_then_falls(shares)
    assert abs(shares.index(max(shares)) - 0.3 * steps) <= 1
    assert shares[0] == pytest.approx(1 / 25)
    assert shares[-1] == pytest.approx(shares[0] / 10_000)


def test_warm_restarts_begin_three_cycles_each_twice_as_long() -> None:
    shares = _all(ScheduleName.COSINE_RESTARTS, 700)
    jumps = [step for step, (a, b) in enumerate(pairwise(shares), start=1) if b > a]
    assert jumps == [100, 300]
    for begin, end in ((0, 100), (100, 300), (300, 700)):
        cycle = shares[begin:end]
        assert cycle == sorted(cycle, reverse=True)
        assert cycle[0] == 1
        assert cycle[-1] == FLOOR


def test_triangles_are_four_straight_climbs_and_descents() -> None:
    shares = _all(ScheduleName.TRIANGULAR, 401)
    assert [shares[step] for step in (0, 100, 200, 300, 400)] == pytest.approx([0.25] * 5)
    assert [shares[step] for step in (50, 150, 250, 350)] == pytest.approx([1.0] * 4)
    assert all(abs(b - a) == pytest.approx(0.75 / 50) for a, b in pairwise(shares))
