"""Keeps a ledger in processes that are killed at a moment each, and sees what is on record afterwards.

A process migrates a ledger of the first version, then decides on parts and drops them as long as it lives.
It tells by a pipe what it is about to do; half of the kills fall a while after such a word, so all over the
writing that follows it, half of them at once. All processes are forked from one that has everything imported.

Run as: python -m tests.sorting.killing FOLDER KILLS
"""

import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from rig.catalog import PartNumber
from rig.sorting.evidence import Decision
from rig.sorting.ledger import Ledger, RunId, ViewRow
from rig.vision.classifier import Candidate
from tests.sorting.test_ledger import FIRST_VERSION

_SEED = 20261122
_LONGEST_S = 0.004
_MOST_WORDS = 8
_DECISION = Decision(PartNumber("3001"), 0.9, (Candidate("3001", 0.9),))
_BEGUN, _DECIDED, _DROPPED = b"b", b"d", b"x"


def keep(folder: Path, run: RunId, pipe: int) -> None:
    """Decide and drop until killed, and tell of each step once it is done."""
    with Ledger(folder) as ledger:
        while True:
            os.write(pipe, _BEGUN)
            views = [ViewRow(place, f"{place}.jpg", 90.0 * place, "3001", 0.9) for place in (1, 2)]
            row = ledger.record(
                run, "m", _DECISION, bin_name="3001", picture="1.jpg", truth=None, views=views
            )
            os.write(pipe, _DECIDED)
            ledger.dropped(row)
            os.write(pipe, _DROPPED)


def killed(folder: Path, run: RunId, words: int, pause_s: float) -> Counter[int]:
    """Kill a process so long after so many of its words; which words it has said."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        keep(folder, run, writing)
    os.close(writing)
    said = b"".join(os.read(reading, 1) for _ in range(words))
    time.sleep(pause_s)
    os.kill(process, signal.SIGKILL)
    while more := os.read(reading, 64):
        said += more
    os.waitpid(process, 0)
    os.close(reading)
    return Counter(said)


def check(folder: Path, run: RunId, said: Counter[int]) -> str:
    """Everything that was said is on record, and at most one step more; returns how the last part was met."""
    decided, dropped = said[ord(_DECIDED)], said[ord(_DROPPED)]
    with Ledger(folder) as ledger:
        rows = ledger.rows(run)
        open_rows = [row for row in rows if row.outcome == "decided"]
        done = sum(row.outcome == "dropped" for row in rows)
        assert decided <= len(rows) <= decided + 1
        assert dropped <= done <= dropped + 1
        assert len(rows) - done == len(open_rows) <= 1
        assert all(len(ledger.views(row.id)) == 2 for row in rows), "a row without its views"
        assert [row.number for row in rows] == list(range(1, len(rows) + 1))
        told = [row.id for row in ledger.close_unfinished() if row.run == run]
        assert told == [row.id for row in open_rows]
        assert ledger.close_unfinished() == []
    with closing(sqlite3.connect(folder / Ledger.FILE_NAME)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (old,) = database.execute("SELECT count(*) FROM parts WHERE run = 'other'").fetchone()
    assert old == 1, "what was there before is lost"
    return "under way" if open_rows else "between parts"


def kill_often(folder: Path, kills: int) -> Counter[str]:
    """Kill and check; a quarter of the kills meets a process that migrates a fresh ledger of old."""
    rng = random.Random(_SEED)
    met: Counter[str] = Counter()
    for number in range(kills):
        migrates = number % 4 == 0
        if migrates:
            for path in folder.glob("*"):
                path.unlink()
            with closing(sqlite3.connect(folder / Ledger.FILE_NAME)) as database:
                database.executescript(FIRST_VERSION)
        run = RunId(f"run-{number}")
        words = 0 if migrates else rng.randrange(1, _MOST_WORDS)
        pause_s = rng.uniform(0, _LONGEST_S) if rng.random() < 0.5 else 0.0
        met[check(folder, run, killed(folder, run, words, pause_s))] += 1
    return met


if __name__ == "__main__":
    print(kill_often(Path(sys.argv[1]), int(sys.argv[2])))
