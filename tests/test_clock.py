"""The leaping clock: waits cost nothing, overlapping waits count once, time never goes back."""

import time

from hypothesis import given
from hypothesis import strategies as st

from rig.clock import LeapingClock, SystemClock


def test_an_hour_passes_at_once_and_is_counted() -> None:
    clock = LeapingClock()
    before_s, real_before_s = clock.monotonic(), time.monotonic()
    clock.sleep(3600)
    assert clock.monotonic() - before_s >= 3600
    assert time.monotonic() - real_before_s < 60


def test_overlapping_waits_count_once() -> None:
    clock = LeapingClock()
    now_s = clock.monotonic()
    clock.sleep_until(now_s + 100)
    clock.sleep_until(now_s + 150)
    clock.sleep_until(now_s + 50)
    assert 150 <= clock.monotonic() - now_s < 160


@given(st.lists(st.floats(-10, 10), max_size=20))
def test_time_never_goes_back(durations_s: list[float]) -> None:
    clock = LeapingClock()
    last_s = clock.monotonic()
    for duration_s in durations_s:
        clock.sleep(duration_s)
        assert clock.monotonic() >= last_s
        last_s = clock.monotonic()


def test_the_system_clock_waits_for_real() -> None:
    clock = SystemClock()
    before_s = clock.monotonic()
    clock.sleep(0.02)
    clock.sleep(-1)
    clock.sleep_until(before_s + 0.03)
    assert clock.monotonic() - before_s >= 0.03
