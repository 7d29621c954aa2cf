"""When were the frames exposed that OpenCV hands over? It does not say, and some have waited for long."""

import threading
from typing import Protocol

import cv2

from rig.camera.v4l2_locks import Controls

# A grab that took less than this share of a frame's period was served from a queue.
_QUEUED_SHARE = 0.25
# Drivers do not say when a setting takes effect; so many frames after the start are not believed.
_LOCKING_FRAMES = 5
_MS = 1e-3


class Dating(Protocol):
    """Tells of frames that are grabbed one after the other when they were exposed."""

    def exposed_until_s(self, asked_s: float, arrived_s: float) -> float | None:
        """The earliest time at which the exposure may have ended; None when that cannot be told.

        Args:
            asked_s, arrived_s: when the grab began and ended.
        """
        ...


class WaitedArrivals:
    """Believes a frame that had to be waited for: it was not queued on this side.

    The frame period is the announced one, or the mean time since the frame before where that is longer:
    streams announce 25 frames a second whatever they send.

    Args:
        period_s: the announced one.
    """

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._last_s: float | None = None
        self._grabs = 0

    def exposed_until_s(self, asked_s: float, arrived_s: float) -> float | None:
        self._grabs += 1
        if arrived_s - asked_s < _QUEUED_SHARE * self._period_s:
            return None
        last_s, grabs = self._last_s, self._grabs
        self._last_s, self._grabs = arrived_s, 0
        if last_s is None:
            return None
        return arrived_s - max(self._period_s, (arrived_s - last_s) / grabs)


class StampedArrivals:
    """Believes the time stamp that V4L2 gives a frame when it arrives, where it is of CLOCK_MONOTONIC.

    Args:
        capture: an open V4L2 device, whose stamp OpenCV tells as the position of the stream.
        period_s: from one frame to the next.
    """

    def __init__(self, capture: Controls, period_s: float) -> None:
        self._capture = capture
        self._period_s = period_s
        self._unstamped = WaitedArrivals(period_s)
        self._frames = 0

    def exposed_until_s(self, asked_s: float, arrived_s: float) -> float | None:
        waited_s = self._unstamped.exposed_until_s(asked_s, arrived_s)
        self._frames += 1
        if self._frames <= _LOCKING_FRAMES:
            return None
        stamp_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) * _MS
        # A stamp of another clock, or none, is not from just now.
        if arrived_s - 1.0 <= stamp_s <= arrived_s:
            return stamp_s - self._period_s
        return waited_s


class Playback:
    """Plays a file at its own rate: each frame is taken as if it came from a camera.

    Args:
        period_s: from one frame to the next.
        stop: ends the wait for the next frame.
    """

    def __init__(self, period_s: float, stop: threading.Event) -> None:
        self._period_s = period_s
        self._stop = stop
        self._due_s: float | None = None

    def exposed_until_s(self, asked_s: float, arrived_s: float) -> float | None:
        due_s = arrived_s if self._due_s is None else self._due_s
        self._stop.wait(max(0.0, due_s - arrived_s))
        self._due_s = due_s + self._period_s
        return max(due_s, arrived_s) - self._period_s
