"""What sorting mode was not sure of, and what people said of it: the ledger's table `reviews`."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

from rig.catalog import PartNumber
from rig.dataset.layout import Source
from rig.sorting.evidence import Doubt
from rig.sorting.ledger import Ledger, RowId, RunId
from rig.vision.classifier import Candidate

_SCHEMA = """
CREATE TABLE IF NOT EXISTS reviews (
    id INTEGER PRIMARY KEY,           -- in the order of the answers
    part_id INTEGER NOT NULL UNIQUE REFERENCES parts (id),
    verdict TEXT NOT NULL CHECK (verdict IN ('named', 'skipped', 'unusable', 'taken_back')),
    label TEXT CHECK ((label IS NULL) = (verdict <> 'named')),     -- part number
    reviewed_at TEXT NOT NULL,        -- UTC, ISO 8601
    settled INTEGER NOT NULL DEFAULT 0 CHECK (settled IN (0, 1))   -- 1: the dataset is as it says
);
"""

# A run is of the simulated rig where the truth of any of its parts is known.
_DOUBTFUL = """
SELECT id, run, decided_at, model, part, doubt, probability, candidates, picture,
    run IN (SELECT run FROM parts WHERE true_part IS NOT NULL) AS is_simulated
FROM parts
"""
# What was never classified has no candidates; what was not dropped was looked at again, or taken away.
_WAITING = """
WHERE outcome = 'dropped' AND candidates <> '[]' AND (part IS NULL OR probability < ?)
    AND id NOT IN (SELECT part_id FROM reviews WHERE verdict <> 'taken_back')
"""


@dataclass(frozen=True)
class Look:
    """One picture of a part that passed the rig.

    Attributes:
        picture: the file.
        angle_deg: of the table, 0 to 360; None where nobody wrote it down.
    """

    picture: Path
    angle_deg: float | None


@dataclass(frozen=True)
class Doubtful:
    """A part that sorting mode rejected, or was not very sure of.

    Attributes:
        id: its row in the ledger.
        part: what it was sorted as; None: rejected.
        doubt: why it was rejected; None where it was not.
        probability: calibrated, of the best candidate.
        candidates: the best three, most probable first.
        looks: its pictures that are still there.
    """

    id: RowId
    run: RunId
    decided_at: str
    model: str
    part: PartNumber | None
    doubt: Doubt | None
    probability: float
    candidates: tuple[Candidate, ...]
    source: Source
    looks: tuple[Look, ...]

    @property
    def session(self) -> str:
        """What it is called in the dataset, as a session and as a brick: one passage is both."""
        return f"sorted-{self.run}-{self.id:05d}"


class Verdict(StrEnum):
    """What a person said of a part."""

    NAMED = "named"
    SKIPPED = "skipped"
    """Nobody can tell; it is not asked about again."""
    UNUSABLE = "unusable"
    """No part, or several: nothing to learn from."""


@dataclass(frozen=True)
class Answer:
    """A verdict, and the part number of what was named."""

    verdict: Verdict
    label: PartNumber | None = None


@dataclass(frozen=True)
class Unsettled:
    """An answer that the dataset does not follow yet; without a label it shall hold nothing of the part."""

    part: Doubtful
    label: PartNumber | None


class Reviews:
    """The answers in a ledger. Each is durable when the call that records it returns.

    All methods raise StorageError where the ledger cannot be used.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        with ledger.database() as database:
            database.executescript(_SCHEMA)

    def waiting(self, below: float, *, after: int = 0, most: int | None = None) -> list[Doubtful]:
        """The parts that were rejected, or sorted with a probability lower than `below`, oldest first.

        Those that were answered are left out, and those of which no picture is left.

        Args:
            after: only parts whose row comes later.
            most: no more than these; None for all.
        """
        return self._first(_WAITING + "AND id > ? ORDER BY id", (below, after), most)

    def least_sure(self, below: float, most: int) -> list[Doubtful]:
        """Of the parts that are waiting, those that were named with the lowest probability, lowest first."""
        return self._first(_WAITING + "ORDER BY probability, id", (below,), most)

    def count_waiting(self, below: float) -> int:
        """How many are waiting; those of which no picture is left are counted as well."""
        with self._ledger.database() as database:
            (count,) = database.execute("SELECT count(*) FROM parts" + _WAITING, (below,)).fetchone()
        return int(count)

    def find(self, part: RowId) -> Doubtful | None:
        """A part by its row, however sure anybody was of it; None where the ledger has no such row."""
        with self._ledger.database() as database:
            found = database.execute(_DOUBTFUL + "WHERE id = ?", (part,)).fetchone()
            return None if found is None else self._doubtful(database, dict(found))

    def answer_to(self, part: RowId) -> Answer | None:
        """What was said of a part; None where nobody was asked, or it was taken back."""
        with self._ledger.database() as database:
            found = database.execute(
                "SELECT verdict, label FROM reviews WHERE part_id = ? AND verdict <> 'taken_back'", (part,)
            ).fetchone()
        return None if found is None else Answer(Verdict(found["verdict"]), found["label"])

    def record(self, part: RowId, answer: Answer) -> None:
        """Keep an answer, in place of an earlier one."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._ledger.database() as database:
            database.execute(
                "INSERT OR REPLACE INTO reviews (part_id, verdict, label, reviewed_at) VALUES (?, ?, ?, ?)",
                (part, answer.verdict, answer.label, now),
            )

    def latest(self) -> RowId | None:
        """The part that was answered last; None where there is no answer."""
        with self._ledger.database() as database:
            found = database.execute(
                "SELECT part_id FROM reviews WHERE verdict <> 'taken_back' ORDER BY id DESC LIMIT 1"
            ).fetchone()
        return None if found is None else RowId(found["part_id"])

    def take_back(self, part: RowId) -> None:
        """Void the answer to a part, which is waiting again."""
        with self._ledger.database() as database:
            database.execute(
                "UPDATE reviews SET verdict = 'taken_back', label = NULL, settled = 0 WHERE part_id = ?",
                (part,),
            )

    def unsettled(self) -> Iterator[Unsettled]:
        """The answers that the dataset does not follow yet, in their order."""
        with self._ledger.database() as database:
            rows = database.execute(
                "SELECT part_id, label FROM reviews WHERE settled = 0 ORDER BY id"
            ).fetchall()
        for part_id, label in rows:
            part = self.find(part_id)
            assert part is not None, "the ledger deletes no row"
            yield Unsettled(part, label)

    def settle(self, part: RowId) -> None:
        """The dataset follows the answer now; one that was taken back is forgotten."""
        with self._ledger.database() as database:
            database.execute("DELETE FROM reviews WHERE part_id = ? AND verdict = 'taken_back'", (part,))
            database.execute("UPDATE reviews SET settled = 1 WHERE part_id = ?", (part,))

    def _first(self, condition: str, values: tuple[float, ...], most: int | None) -> list[Doubtful]:
        """The first parts that meet a condition and have a picture; no more of them are looked at."""
        with self._ledger.database() as database:
            found = database.execute(_DOUBTFUL + condition, values)
            parts = (self._doubtful(database, dict(columns)) for columns in found)
            return list(islice((part for part in parts if part.looks), most))

    def _doubtful(self, database: sqlite3.Connection, columns: dict[str, Any]) -> Doubtful:
        first_picture, is_simulated = columns.pop("picture"), columns.pop("is_simulated")
        candidates = tuple(Candidate(*said) for said in json.loads(columns.pop("candidates")))
        doubt = columns.pop("doubt")
        looks = pictures_of(database, self._ledger.folder, columns["id"], first_picture)
        source: Source = "simulated" if is_simulated else "camera"
        return Doubtful(
            **columns,
            doubt=Doubt(doubt) if doubt else None,
            candidates=candidates,
            source=source,
            looks=tuple(looks),
        )


def pictures_of(
    database: sqlite3.Connection, folder: Path, part: RowId, first_picture: str | None
) -> Iterator[Look]:
    """The pictures of a part that are still there, in the order in which they were taken.

    Args:
        database: of a ledger; one that was made before sorting took several looks has no table `views`.
        folder: of that ledger.
        first_picture: what the part's own row says.
    """
    found: list[tuple[str | None, float | None]] = [(first_picture, None)]
    if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'views'").fetchone():
        query = "SELECT picture, angle_deg FROM views WHERE part_id = ? ORDER BY number"
        found = [(view["picture"], view["angle_deg"]) for view in database.execute(query, (part,))] or found
    for picture, angle_deg in found:
        if picture is not None and (folder / picture).is_file():
            yield Look(folder / picture, angle_deg)
