"""How far a run is, and how long the rest will take."""

import time


class Progress:
    """Share of the work done, whatever unit it is counted in."""

    def __init__(self, work: float) -> None:
        self._work = work
        self._done = 0.0
        self._skipped = 0.0
        self._started_s = time.monotonic()

    def advance(self, work: float) -> None:
        """So much more is done."""
        self._done += work

    def skip(self, work: float) -> None:
        """So much need not be done, or was done by an earlier process: it says nothing about speed."""
        self._done += work
        self._skipped += work

    @property
    def share_done(self) -> float:
        """0 to 1."""
        return min(1.0, self._done / self._work)

    @property
    def seconds_left(self) -> float | None:
        """At the mean speed so far; None at the very start."""
        worked = self._done - self._skipped
        if worked < 0.005 * self._work:
            return None
        return (time.monotonic() - self._started_s) * max(0.0, self._work - self._done) / worked
