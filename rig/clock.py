"""Time is injected: the same code runs in real time and, on the simulated rig, without waiting."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """What the rig knows of time: seconds on a monotonic scale of arbitrary origin."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary origin; never goes back."""
        ...

    def sleep_until(self, deadline_s: float) -> None:
        """Return when `monotonic()` has reached `deadline_s`, at once if it has."""
        ...

    def sleep(self, duration_s: float) -> None:
        """Return after `duration_s` seconds of this clock."""
        ...


class SystemClock:
    """The real clock, on the scale that camera drivers stamp their frames with (CLOCK_MONOTONIC)."""

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep_until(self, deadline_s: float) -> None:
        self.sleep(deadline_s - time.monotonic())

    def sleep(self, duration_s: float) -> None:
        if duration_s > 0:
            time.sleep(duration_s)


class LeapingClock:
    """Runs at the real rate while code computes and leaps over every wait.

    A figure taken on this clock (parts a minute, say) is what the waits of the real rig and the computing of
    this computer add up to. Overlapping waits of several threads are counted once, since each leaps to its
    own deadline. Safe to share between threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leapt_s = 0.0

    def monotonic(self) -> float:
        with self._lock:
            return time.monotonic() + self._leapt_s

    def sleep_until(self, deadline_s: float) -> None:
        with self._lock:
            remaining_s = deadline_s - (time.monotonic() + self._leapt_s)
            self._leapt_s += max(0.0, remaining_s)

    def sleep(self, duration_s: float) -> None:
        self.sleep_until(self.monotonic() + duration_s)
