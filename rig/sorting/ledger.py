"""Every decision, in SQLite, the moment it is made."""

import json
import secrets
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NewType, Self

from rig.catalog import ColourCode, PartNumber
from rig.devices.operator import PieceKind, Truth
from rig.errors import StorageError
from rig.inventory.lots import Lot
from rig.sorting.evidence import Decision, Doubt
from rig.sorting.ledger_schema import prepare
from rig.vision.classifier import Candidate

RunId = NewType("RunId", str)
RowId = NewType("RowId", int)

PartOutcome = Literal["decided", "dropped", "stayed", "lost", "unfinished"]
"""What became of a part, as far as the rig can tell; see the table `parts`."""


@dataclass(frozen=True)
class LedgerRow:
    """One part that passed the rig; see the comments of the table."""

    id: RowId
    run: RunId
    number: int
    seen_at: str | None
    decided_at: str
    dropped_at: str | None
    model: str
    part: PartNumber | None
    probability: float
    candidates: tuple[Candidate, ...]
    doubt: Doubt | None
    bin: str
    picture: str | None
    outcome: PartOutcome
    true_part: str | None
    true_kind: PieceKind | None
    colour: ColourCode | None
    colour_probability: float | None


@dataclass(frozen=True)
class ViewRow:
    """One look at a part; see the comments of the table."""

    number: int
    picture: str | None
    angle_deg: float | None = None
    label: str | None = None
    probability: float | None = None


@dataclass(frozen=True)
class TroubleRow:
    """What kept a run waiting; see the comments of the table."""

    began_at: str
    kind: str
    what: str
    picture: str | None


def now() -> str:
    """The time as the ledger has it: UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


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

    def next_number(self, run: RunId) -> int:
        """The number that the next part of a run will have, from 1."""
        with self._storage_errors():
            (last,) = self._database.execute(
                "SELECT coalesce(max(number), 0) FROM parts WHERE run = ?", (run,)
            ).fetchone()
        return int(last) + 1

    def record(
        self,
        run: RunId,
        model: str,
        decision: Decision,
        *,
        bin_name: str,
        picture: str | None,
        truth: Truth | None,
        views: Sequence[ViewRow] = (),
        seen_at: str | None = None,
        colour: ColourCode | None = None,
        colour_probability: float | None = None,
    ) -> RowId:
        """Store a decision before the actuator moves; it is durable when this returns.

        Args:
            seen_at: as `now` gave it when the part lay still.
            colour: None when nobody was sure of it.
            colour_probability: from 0 to 1; None where no colour was estimated.

        Raises:
            StorageError: it could not be written.
        """
        columns = {
            "run": run,
            "number": self.next_number(run),
            "seen_at": seen_at,
            "decided_at": now(),
            "model": model,
            "part": decision.part,
            "probability": decision.probability,
            "candidates": json.dumps([(c.label, round(c.probability, 6)) for c in decision.candidates]),
            "doubt": decision.doubt and decision.doubt.value,
            "bin": bin_name,
            "picture": picture,
            "outcome": "decided",
            "true_part": truth and truth.part,
            "true_kind": truth and truth.kind,
            "colour": colour,
            "colour_probability": colour_probability,
        }
        with self._transaction():
            cursor = self._database.execute(
                f"INSERT INTO parts ({', '.join(columns)}) VALUES (:{', :'.join(columns)})",
                columns,
            )
            row = RowId(cursor.lastrowid or 0)
            self._database.executemany(
                "INSERT INTO views (part_id, number, picture, angle_deg, label, probability)"
                " VALUES (:row, :number, :picture, :angle_deg, :label, :probability)",
                [asdict(view) | {"row": row} for view in views],
            )
        return row

    def dropped(self, row: RowId) -> None:
        """The part of `row` has left the table towards its bin.

        Raises:
            StorageError: it could not be written.
        """
        self._execute("UPDATE parts SET outcome = 'dropped', dropped_at = ? WHERE id = ?", (now(), row))

    def ended(self, row: RowId, outcome: PartOutcome) -> None:
        """Something else became of the part of `row`.

        Raises:
            StorageError: it could not be written.
        """
        self._execute("UPDATE parts SET outcome = ? WHERE id = ?", (outcome, row))

    def close_unfinished(self) -> list[LedgerRow]:
        """Of parts that were under way when the program was killed, say so from now on; returns them.

        Only whoever runs the rig may ask for it.

        Raises:
            StorageError: it could not be written.
        """
        rows = self._parts("outcome = 'decided'", {})
        self._execute("UPDATE parts SET outcome = 'unfinished' WHERE outcome = 'decided'", ())
        return [replace(row, outcome="unfinished") for row in rows]

    def rows(self, run: RunId) -> list[LedgerRow]:
        """What a run decided, in order."""
        return self._parts("run = :run", {"run": run})

    def some_rows(
        self, run: RunId, *, after: int = 0, most: int, newest_first: bool = False
    ) -> list[LedgerRow]:
        """Some of what a run decided, in order or the newest first.

        Args:
            after: the number of the part before them in that order; 0 where they are the first.
            most: no more than these.
        """
        values = {"run": run, "after": after, "most": most}
        if newest_first:
            condition, order = "run = :run AND (number < :after OR :after = 0)", "number DESC"
        else:
            condition, order = "run = :run AND number > :after", "number"
        return self._parts(condition, values, f"ORDER BY {order} LIMIT :most")

    def these_rows(self, rows: Collection[RowId]) -> list[LedgerRow]:
        """Those of some ids, in order."""
        return self._parts("id IN (SELECT value FROM json_each(:rows))", {"rows": json.dumps(list(rows))})

    def views(self, row: RowId) -> list[ViewRow]:
        """The looks at the part of `row`, in order."""
        with self._storage_errors():
            found = self._database.execute(
                "SELECT number, picture, angle_deg, label, probability FROM views"
                " WHERE part_id = ? ORDER BY number",
                (row,),
            ).fetchall()
        return [ViewRow(**dict(columns)) for columns in found]

    def keep_trouble(self, run: RunId, kind: str, what: str, picture: str | None) -> None:
        """A run has to wait.

        Raises:
            StorageError: it could not be written.
        """
        self._execute(
            "INSERT INTO troubles (run, began_at, kind, what, picture) VALUES (?, ?, ?, ?, ?)",
            (run, now(), kind, what, picture),
        )

    def troubles(self, run: RunId) -> list[TroubleRow]:
        """What kept a run waiting, in order."""
        with self._storage_errors():
            found = self._database.execute(
                "SELECT began_at, kind, what, picture FROM troubles WHERE run = ? ORDER BY id", (run,)
            ).fetchall()
        return [TroubleRow(**dict(columns)) for columns in found]

    def level(self, bin_name: str) -> int:
        """How many parts lie in a bin since it was emptied last, over all runs."""
        with self._storage_errors():
            (count,) = self._database.execute(
                "SELECT count(*) FROM parts WHERE bin = :bin AND outcome = 'dropped' AND id >"
                " (SELECT coalesce(max(last_part), 0) FROM emptied WHERE bin = :bin)",
                {"bin": bin_name},
            ).fetchone()
        return int(count)

    def emptied(self, bin_name: str) -> None:
        """Somebody has emptied a bin.

        Raises:
            StorageError: it could not be written.
        """
        self._execute(
            "INSERT INTO emptied SELECT ?, ?, coalesce(max(id), 0) FROM parts WHERE outcome != 'decided'",
            (bin_name, now()),
        )

    def keep_pass(self, run: RunId, plan: Path, pass_number: int) -> None:
        """A run begins that follows a pass of a plan.

        Raises:
            StorageError: it could not be written.
        """
        self._execute("INSERT INTO passes VALUES (?, ?, ?)", (run, str(plan), pass_number))

    def runs(self) -> list[RunId]:
        """The runs that have a part on record, the oldest first."""
        with self._storage_errors():
            found = self._database.execute("SELECT run FROM parts GROUP BY run ORDER BY min(id)").fetchall()
        return [RunId(run) for (run,) in found]

    def counts(
        self, run: RunId | None = None, *, reject_bin: str, left_out: Collection[str] = ()
    ) -> list[Lot]:
        """What was named and dropped into bins, by part and colour, in one run or in all.

        Of all runs, those leave nothing to count in which a later pass of a plan fed parts again.

        Args:
            reject_bin: while a plan is followed, what lies there is fed again, also what was named.
            left_out: further bins that are not counted.
        """
        with self._storage_errors():
            found = self._database.execute(
                "SELECT part, colour, count(*) FROM parts WHERE part IS NOT NULL AND outcome = 'dropped'"
                " AND bin NOT IN (SELECT value FROM json_each(:left_out))"
                " AND NOT (bin = :reject_bin AND run IN (SELECT run FROM passes))"
                " AND (run = :run OR :run IS NULL AND run NOT IN (SELECT run FROM passes WHERE pass > 1))"
                " GROUP BY part, colour ORDER BY part, colour IS NULL, colour",
                {"left_out": json.dumps(list(left_out)), "reject_bin": reject_bin, "run": run},
            ).fetchall()
        return [Lot(part, colour, count) for part, colour, count in found]

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """The database, for what is kept there beside what sorting decides.

        Raises:
            StorageError: whatever fails with it in the block.
        """
        with self._storage_errors():
            yield self._database

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
        prepare(self._database)

    def _parts(
        self, condition: str, values: Mapping[str, Any], order: str = "ORDER BY id"
    ) -> list[LedgerRow]:
        with self._storage_errors():
            found = self._database.execute(
                f"SELECT {_COLUMNS} FROM parts WHERE {condition} {order}", values
            ).fetchall()
        return [_row(dict(columns)) for columns in found]

    def _execute(self, statement: str, values: Sequence[Any] | Mapping[str, Any]) -> None:
        with self._storage_errors():
            self._database.execute(statement, values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it is written, or nothing."""
        with self._storage_errors():
            try:
                self._database.execute("BEGIN IMMEDIATE")
                yield
                self._database.execute("COMMIT")
            except BaseException:
                # A full disk may have ended it already, or a signal come before it began.
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StorageError(
                f"the ledger {self._path} cannot be used: {error}",
                hint="check the disk's space and permissions; if the file is damaged, move it away",
            ) from error


_COLUMNS = ", ".join(field.name for field in fields(LedgerRow))


def _row(columns: dict[str, Any]) -> LedgerRow:
    named = json.loads(columns["candidates"])
    candidates = tuple(Candidate(label, probability) for label, probability in named)
    doubt = columns["doubt"] and Doubt(columns["doubt"])
    return LedgerRow(**(columns | {"candidates": candidates, "doubt": doubt}))
