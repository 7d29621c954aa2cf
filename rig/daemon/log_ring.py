"""The last few thousand records in memory, with ids, for a page that shows what happens."""

import threading
from collections import deque
from dataclasses import dataclass, replace
from itertools import islice

MOST_RECORDS = 3000


@dataclass(frozen=True)
class LogRecord:
    """Something that was said, free of secrets.

    Attributes:
        id: counts from 1 in each process.
        logged_at: unix time in seconds.
        level: `debug`, `info`, `warning`, `error` or `critical`.
        logger: which part of the program said it.
        job: the id of the job that it is about; None where it is about none.
        message: with what an error that came with it says.
        hint: what to do next; empty where nothing helps.
        traceback: of an error that nobody expected; empty otherwise.
    """

    id: int
    logged_at: float
    level: str
    logger: str
    job: str | None
    message: str
    hint: str
    traceback: str
    file: str
    line: int
    function: str
    thread: str


@dataclass(frozen=True)
class LogPage:
    """Some records, the oldest first.

    Attributes:
        next_after: ask for what comes behind this id next.
        lost: how many records between the id that was asked for and the first one kept are gone.
    """

    records: tuple[LogRecord, ...]
    next_after: int
    lost: int


class LogRing:
    """Keeps the newest records, and forgets the oldest. Safe to share between threads."""

    def __init__(self, most: int = MOST_RECORDS) -> None:
        self._lock = threading.Lock()
        self._records: deque[LogRecord] = deque(maxlen=most)
        self._last_id = 0

    def add(self, record: LogRecord) -> LogRecord:
        """Keep a record under the next id, and return it so."""
        with self._lock:
            self._last_id += 1
            kept = replace(record, id=self._last_id)
            self._records.append(kept)
            return kept

    def page(self, *, after: int = 0, limit: int = 100, job: str | None = None) -> LogPage:
        """The first records behind an id.

        Args:
            after: an id; one that lies ahead is of an earlier process, and counts as 0.
            limit: at most so many.
            job: only what is about this job.
        """
        with self._lock:
            kept = list(self._records)
            last_id = self._last_id
        if after > last_id:
            after = 0
        wanted = (record for record in kept if record.id > after and job in (None, record.job))
        records = tuple(islice(wanted, limit))
        is_full = len(records) == limit
        return LogPage(
            records,
            next_after=(records[-1].id if records else after) if is_full else last_id,
            lost=max(0, kept[0].id - after - 1) if kept else 0,
        )

    def latest(self, limit: int = 100, *, job: str | None = None) -> LogPage:
        """The newest records."""
        with self._lock:
            kept = [record for record in self._records if job in (None, record.job)]
            last_id = self._last_id
        return LogPage(tuple(kept[-limit:] if limit else ()), next_after=last_id, lost=0)
