"""Every decision, in SQLite, the moment it is made."""

import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NewType, Self

from rig.catalog import ColourCode, PartNumber
from rig.devices.operator import Fate, Outcome, PieceKind, Truth
from rig.errors import StorageError
from rig.inventory.lots import Lot
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
    true_kind TEXT,                   -- sound, damaged, foreign or stuck; NULL where nobody knows
    colour INTEGER,                   -- LDraw colour code; NULL when nobody was sure
    colour_probability REAL           -- of that colour; NULL where it was not estimated
);
CREATE INDEX IF NOT EXISTS parts_by_run ON parts (run);
CREATE TABLE IF NOT EXISTS fates (    -- what really became of each piece; empty on a real rig
    run TEXT NOT NULL,
    number INTEGER NOT NULL,          -- its place in the pile, from 0
    true_part TEXT NOT NULL,
    true_kind TEXT NOT NULL,          -- sound, damaged, foreign or stuck
    colour INTEGER NOT NULL,          -- LDraw colour code
    laid_s REAL NOT NULL,             -- when it came to lie on the table, on the simulated clock
    pushes INTEGER NOT NULL,          -- how many sweeps or puffs of air it met
    left_s REAL,                      -- when it left the table; NULL when it stayed
    outcome TEXT NOT NULL CHECK (outcome IN ('in_bin', 'bounced', 'missed', 'stayed')),
    bin TEXT,                         -- that it lies in, or sprang out of
    right_bin TEXT NOT NULL,          -- that it belongs in
    PRIMARY KEY (run, number)
);
CREATE TABLE IF NOT EXISTS passes (   -- runs that followed a plan
    run TEXT PRIMARY KEY,
    plan TEXT NOT NULL,               -- path of its file
    pass INTEGER NOT NULL             -- from 1; the parts of a later one had passed the rig before
);
"""

# Columns of `parts` that ledgers of earlier versions lack.
_ADDED = {"true_kind": "TEXT", "colour": "INTEGER", "colour_probability": "REAL"}


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
    colour: ColourCode | None
    colour_probability: float | None


@dataclass(frozen=True)
class FateRow:
    """What really became of one piece of the pile; see the comments of the table."""

    run: RunId
    number: int
    true_part: str
    true_kind: PieceKind
    colour: ColourCode
    laid_s: float
    pushes: int
    left_s: float | None
    outcome: Outcome
    bin: str | None
    right_bin: str


def new_run() -> RunId:
    """An id for one start of sorting mode."""
    return RunId(f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}")


class Ledger:
    """The ledger's file, `ledger.sqlite3` in `folder`, in write-ahead mode: others may read meanwhile."""

    FILE_NAME = "ledger.sqlite3"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / self.FILE_NAME
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
        colour: ColourCode | None = None,
        colour_probability: float | None = None,
    ) -> RowId:
        """Store a decision before the actuator moves; it is durable when this returns.

        Args:
            colour: None when nobody was sure of it.
            colour_probability: from 0 to 1; None where no colour was estimated.

        Raises:
            StorageError: it could not be written.
        """
        candidates = json.dumps([(c.label, round(c.probability, 6)) for c in decision.candidates])
        with self._storage_errors():
            cursor = self._database.execute(
                "INSERT INTO parts (run, decided_at, model, part, probability, candidates, bin, picture,"
                " outcome, true_part, true_kind, colour, colour_probability)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'decided', ?, ?, ?, ?)",
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
                    colour,
                    colour_probability,
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
                " true_part, true_kind, colour, colour_probability FROM parts WHERE run = ? ORDER BY id",
                (run,),
            ).fetchall()
        return [_row(dict(columns)) for columns in found]

    def keep_pass(self, run: RunId, plan: Path, pass_number: int) -> None:
        """A run begins that follows a pass of a plan.

        Raises:
            StorageError: it could not be written.
        """
        with self._storage_errors():
            self._database.execute("INSERT INTO passes VALUES (?, ?, ?)", (run, str(plan), pass_number))

    def runs(self) -> list[RunId]:
        """The runs that have a part on record, the oldest first."""
        with self._storage_errors():
            found = self._database.execute("SELECT run FROM parts GROUP BY run ORDER BY min(id)").fetchall()
        return [RunId(run) for (run,) in found]

    def counts(self, run: RunId | None = None, *, reject_bin: str) -> list[Lot]:
        """What was dropped into a bin for parts, by part and colour, in one run or in all of them.

        Of all runs, those leave nothing to count in which a later pass of a plan fed parts again.
        """
        with self._storage_errors():
            found = self._database.execute(
                "SELECT part, colour, count(*) FROM parts WHERE part IS NOT NULL AND outcome = 'dropped'"
                " AND bin != :reject_bin AND (run = :run OR :run IS NULL"
                " AND run NOT IN (SELECT run FROM passes WHERE pass > 1))"
                " GROUP BY part, colour ORDER BY part, colour IS NULL, colour",
                {"reject_bin": reject_bin, "run": run},
            ).fetchall()
        return [Lot(part, colour, count) for part, colour, count in found]

    def keep_fate(self, run: RunId, fate: Fate, *, right_bin: str) -> None:
        """Store what became of a piece, in place of what was known of it before.

        Raises:
            StorageError: it could not be written.
        """
        row = FateRow(
            run,
            fate.number,
            fate.truth.part,
            fate.truth.kind,
            fate.colour,
            fate.laid_s,
            fate.pushes,
            fate.left_s,
            fate.outcome,
            fate.bin_name,
            right_bin,
        )
        with self._storage_errors():
            self._database.execute(
                "INSERT OR REPLACE INTO fates VALUES (:run, :number, :true_part, :true_kind, :colour,"
                " :laid_s, :pushes, :left_s, :outcome, :bin, :right_bin)",
                asdict(row),
            )

    def settled(self, run: RunId) -> int:
        """How many pieces of a run have left the table, as far as it is on record."""
        with self._storage_errors():
            (count,) = self._database.execute(
                "SELECT count(*) FROM fates WHERE run = ? AND outcome != 'stayed'", (run,)
            ).fetchone()
        return int(count)

    def fates(self, run: RunId) -> list[FateRow]:
        """What became of the pieces of a run, in order; empty where nobody can know."""
        with self._storage_errors():
            found = self._database.execute(
                "SELECT * FROM fates WHERE run = ? ORDER BY number", (run,)
            ).fetchall()
        return [FateRow(**dict(columns)) for columns in found]

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
        for name, kind in _ADDED.items():
            if name not in columns:
                self._database.execute(f"ALTER TABLE parts ADD COLUMN {name} {kind}")

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
