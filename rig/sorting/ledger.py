"""Every decision, in SQLite, the moment it is made."""

import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NewType, Self

from rig.catalog import PartNumber
from rig.devices.operator import PieceKind, Truth
from rig.errors import StorageError
from rig.sorting.evidence import Decision
from rig.vision.classifier import Candidate

RunId = NewType("RunId", str)
RowId = NewType("RowId", int)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS parts (
    id INTEGER PRIMARY KEY,
    run TEXT NOT NULL,                -- one start of sorting mode
    decided_at TEXT NOT NULL,         -- UTC, ISO 8601
    model TEXT NOT NULL,              -- name of the model bundle
    part TEXT,                        -- NULL: no candidate was sure enough
    probability REAL NOT NULL,        -- calibrated, of the best candidate
    candidates TEXT NOT NULL,         -- JSON, [[label, probability], ...], the best three
    bin TEXT NOT NULL,
    picture TEXT,                     -- path below the ledger's folder
    outcome TEXT NOT NULL CHECK (outcome IN ('decided', 'dropped')),
    true_part TEXT,                   -- what the simulator says it was; NULL on a real rig
    true_kind TEXT                    -- sound, damaged, foreign or stuck; NULL where nobody knows
);
CREATE INDEX IF NOT EXISTS parts_by_run ON parts (run);
"""


@dataclass(frozen=True)
class LedgerRow:
    """One part that passed the rig; see the comments of the table."""

    id: RowId
    run: RunId
    decided_at: str
    model: str
    part: PartNumber | None
    probability: float
    candidates: tuple[Candidate, ...]
    bin: str
    picture: str | None
    outcome: str
    true_part: str | None
    true_kind: PieceKind | None


def new_run() -> RunId:
    """An id for one start of sorting mode."""
    return RunId(f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}")


class Ledger:
    """The ledger's file, `ledger.sqlite3` in `folder`, in write-ahead mode: others may read meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "ledger.sqlite3"
        with self._storage_errors():
            folder.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(self._path, isolation_level=None)
            try:
                self._prepare()
            except sqlite3.Error:
                self._database.close()
                raise

    def record(
        self,
        run: RunId,
        model: str,
        decision: Decision,
        *,
        bin_name: str,
        picture: str | None,
        truth: Truth | None,
    ) -> RowId:
        """Store a decision before the actuator moves; it is durable when this returns.

        Raises:
            StorageError: it could not be written.
        """
        candidates = json.dumps([(c.label, round(c.probability, 6)) for c in decision.candidates])
        with self._storage_errors():
            cursor = self._database.execute(
                "INSERT INTO parts (run, decided_at, model, part, probability, candidates, bin, picture,"
                " outcome, true_part, true_kind) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'decided', ?, ?)",
                (
                    run,
                    datetime.now(UTC).isoformat(timespec="milliseconds"),
                    model,
                    decision.part,
                    decision.probability,
                    candidates,
                    bin_name,
                    picture,
                    truth and truth.part,
                    truth and truth.kind,
                ),
            )
        return RowId(cursor.lastrowid or 0)

    def dropped(self, row: RowId) -> None:
        """The actuator has moved the part of `row` to its bin.

        Raises:
            StorageError: it could not be written.
        """
        with self._storage_errors():
            self._database.execute("UPDATE parts SET outcome = 'dropped' WHERE id = ?", (row,))

    def rows(self, run: RunId) -> list[LedgerRow]:
        """What a run decided, in order."""
        with self._storage_errors():
            found = self._database.execute(
                "SELECT id, run, decided_at, model, part, probability, candidates, bin, picture, outcome,"
                " true_part, true_kind FROM parts WHERE run = ? ORDER BY id",
                (run,),
            ).fetchall()
        return [_row(dict(columns)) for columns in found]

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _prepare(self) -> None:
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode = WAL")
        # Each decision must survive a power cut, not only the end of the process.
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(_SCHEMA)
        columns = {column["name"] for column in self._database.execute("PRAGMA table_info(parts)")}
        if "true_kind" not in columns:
            # A ledger of a version that knew of sound parts alone.
            self._database.execute("ALTER TABLE parts ADD COLUMN true_kind TEXT")

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"the ledger {self._path} cannot be used: {error}",
                hint="check the disk's space and permissions; if the file is damaged, move it away",
            ) from error


def _row(columns: dict[str, Any]) -> LedgerRow:
    named = json.loads(columns["candidates"])
    candidates = tuple(Candidate(label, probability) for label, probability in named)
    return LedgerRow(**(columns | {"candidates": candidates}))
