"""What goes out to a board: one writer at a time, and two lines that go ahead of everything.

`M410` stops all motion, `M112` kills the board. Both travel without a number, which is how the board's
emergency parser knows them, however much is queued. Any thread or signal handler may send them.
"""

import math
import threading
import time

from rig.marlin import codec
from rig.marlin.wire import Wire

_STOP_INTERVAL_S = 0.2


class Sender:
    """The writing end of a wire.

    Attributes:
        writing: held while something is written; whoever holds it knows that no stop comes in between, unless
            from a signal handler of its own thread.
        stops: how many stops and kills were sent.
        stop_pending: what was queued behind a stop may still be under way.
        is_killed: whether the board was told to kill itself.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        # Reentrant, since a stop may come from a signal handler in the middle of a write.
        self.writing = threading.RLock()
        self.stops = 0
        self.stop_pending = False
        self.is_killed = False
        self._next_stop_s = -math.inf

    def write(self, data: bytes) -> None:
        """Send bytes; raises as `Wire.write`."""
        with self.writing:
            self._wire.write(data)

    def stop_at_once(self) -> None:
        """Send M410; returns as soon as it is written."""
        with self.writing:
            # A key held down must not flood the board's receive buffer.
            if not self.stop_pending or time.monotonic() >= self._next_stop_s:
                self.stops += 1
                self._write_raw("M410")
                self.stop_pending = True
                self._next_stop_s = time.monotonic() + _STOP_INTERVAL_S

    def repeat_stop(self) -> None:
        """Send once more the M410 of a stop that the board may not have heard."""
        self._write_raw("M410")

    def kill(self) -> None:
        """Send M112; returns as soon as it is written."""
        with self.writing:
            self.is_killed = True
            self.stops += 1
            self._write_raw("M112")

    def _write_raw(self, text: str) -> None:
        # The newline ends a line that an interrupted write may have left half sent.
        self.write(b"\n" + codec.encode(text))
