"""Captures a list of parts one after the other; what has become of each is on disk, so that it can go on.

The file of a batch stands beside the class folders like the plan of a session, and is deleted when every part
of the list was captured or skipped.
"""

import json
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from rig.capture.order import Order
from rig.capture.parts_list import ListedPart
from rig.capture.plan import CapturePlan, new_id, open_plan, open_sessions
from rig.capture.session import CaptureEvent
from rig.dataset.folders import refuse_a_file
from rig.dataset.layout import BATCHES
from rig.dataset.store import DatasetStore
from rig.errors import BadInput, CaptureStopped, DatasetError
from rig.files import storage_errors, write_whole

_SUFFIX = ".batch.json"


@dataclass(frozen=True)
class BatchRow:
    """A row of the list.

    Attributes:
        line: of the file that it stands in.
        session: its capture session; None before it has begun.
        skipped: why it was skipped; empty where it was not.
        done: whether there is nothing more to do: it was captured, or skipped.
    """

    line: int
    order: Order
    session: str | None = None
    skipped: str = ""
    done: bool = False


@dataclass(frozen=True)
class Batch:
    """A list of parts that is being captured.

    Attributes:
        id: as of a session.
        source: the file that the list was read from.
        seed: what the simulated rig draws its light and camera from, and with the line each brick.
        sweep: the table turns on while each part is captured.
    """

    id: str
    source: str
    seed: int
    rows: tuple[BatchRow, ...]
    sweep: bool = False

    @property
    def done(self) -> int:
        """How many rows were captured or skipped."""
        return sum(row.done for row in self.rows)

    @property
    def is_begun(self) -> bool:
        """Whether there is something to go on with."""
        return any(row.session or row.done for row in self.rows)

    @property
    def latest(self) -> str:
        """The id of what was begun last: a session, or the batch itself."""
        return max([self.id, *(row.session for row in self.rows if row.session)])

    def path(self, captures: Path) -> Path:
        """Where it is kept."""
        return captures / f".{self.id}{_SUFFIX}"


@dataclass(frozen=True)
class RowStarted:
    """A row is captured from now on."""

    row: BatchRow
    plan: CapturePlan


@dataclass(frozen=True)
class RowEnded:
    """A row was captured or skipped."""

    row: BatchRow


@dataclass(frozen=True)
class BatchEnded:
    """Every row was captured or skipped."""

    batch: Batch


BatchEvent = RowStarted | CaptureEvent | RowEnded | BatchEnded


class Choice(Enum):
    """What to do about a part that cannot be captured."""

    RETRY = "retry"
    SKIP = "skip"
    STOP = "quit"


Decide = Callable[[BatchRow, CaptureStopped], Choice]


def begin_batch(
    source: str, parts: Sequence[ListedPart], captures: Path, seed: int, *, sweep: bool = False
) -> Batch:
    """Start on a list; or go on, if a batch of the same name was interrupted.

    The list may have been changed meanwhile: what was captured or skipped is known by what was ordered.

    Args:
        source: what the list is called: the absolute path of its file, where it has one.

    Raises:
        BadInput: it was begun with `sweep` and goes on without, or the other way round.
        DatasetError: a batch's file is damaged.
    """
    earlier = [batch for batch in open_batches(captures) if batch.source == source]
    begun = [row for row in earlier[-1].rows if row.session or row.done] if earlier else []
    left = Counter(row.order for row in begun)
    rows = []
    for part in parts:
        row = BatchRow(part.line, part.order)
        if left[part.order]:
            known = [earlier_row for earlier_row in begun if earlier_row.order == part.order]
            row = replace(known[-left[part.order]], line=part.line)
            left[part.order] -= 1
        rows.append(row)
    if not earlier:
        return Batch(new_id(), source, seed, tuple(rows), sweep)
    if earlier[-1].sweep != sweep:
        raise BadInput(
            f"{source} was begun {'without' if sweep else 'with'} --sweep",
            hint=f"go on as it was begun; or, to begin anew, delete {earlier[-1].path(captures)}",
        )
    return replace(earlier[-1], rows=tuple(rows))


def open_batches(captures: Path) -> list[Batch]:
    """The batches that were interrupted, the latest last.

    Raises:
        BadInput: `captures` is not a folder.
        DatasetError: a batch's file is damaged.
    """
    refuse_a_file(captures)
    return [_load(path) for path in sorted(captures.glob(BATCHES))]


def latest_open_batch(captures: Path) -> Batch | None:
    """The batch to go on with; None where there is none, or where a single session was begun after it."""
    batches = open_batches(captures)
    if not batches:
        return None
    latest = max(batches, key=lambda batch: batch.latest)
    own = {row.session for batch in batches for row in batch.rows}
    single = [session for session in open_sessions(captures) if session not in own]
    return None if single and single[-1] > latest.latest else latest


def run_batch(
    batch: Batch,
    store: DatasetStore,
    plan: Callable[[BatchRow], CapturePlan],
    capture: Callable[[CapturePlan], Generator[CaptureEvent, None, None]],
    decide: Decide,
) -> Generator[BatchEvent, None, None]:
    """Capture every row that is not done yet.

    Closing the iterator early, or an error, leaves the batch as it is on disk: begun again, it goes on.

    Args:
        plan: makes the plan of a row's session.
        capture: takes the views of a plan that are missing.
        decide: says what to do about a part that cannot be captured.

    Raises:
        CaptureStopped: a part cannot be captured, and `decide` says to stop.
        RigError: whatever else `capture` raises.
    """
    _save(batch, store.root)
    for place, row in enumerate(batch.rows):
        if row.done:
            continue
        if not _is_captured(row, store):
            planned = _open_plan_of(row, store) or plan(row)
            row = replace(row, session=planned.session)
            batch = _with(batch, place, row)
            # On disk before the session is: no session of a batch is ever taken for a single one.
            _save(batch, store.root)
            yield RowStarted(row, planned)
            row = yield from _capture(row, planned, capture, decide)
        batch = _with(batch, place, replace(row, done=True))
        _save(batch, store.root)
        yield RowEnded(batch.rows[place])
    with storage_errors(batch.path(store.root)):
        batch.path(store.root).unlink(missing_ok=True)
    yield BatchEnded(batch)


def _capture(
    row: BatchRow,
    plan: CapturePlan,
    capture: Callable[[CapturePlan], Generator[CaptureEvent, None, None]],
    decide: Decide,
) -> Generator[CaptureEvent, None, BatchRow]:
    while True:
        try:
            yield from capture(plan)
        except CaptureStopped as stop:
            match decide(row, stop):
                case Choice.STOP:
                    raise
                case Choice.SKIP:
                    return replace(row, skipped=stop.what)
                case Choice.RETRY:
                    continue
        return row


def _open_plan_of(row: BatchRow, store: DatasetStore) -> CapturePlan | None:
    if row.session is None or row.session not in open_sessions(store.root):
        return None
    return open_plan(row.session, store.root)


def _is_captured(row: BatchRow, store: DatasetStore) -> bool:
    """Whether a session was completed by a process that could not say so any more."""
    if row.session is None or row.session in open_sessions(store.root):
        return False
    return any(image.session == row.session for image in store.rows())


def _with(batch: Batch, place: int, row: BatchRow) -> Batch:
    return replace(batch, rows=(*batch.rows[:place], row, *batch.rows[place + 1 :]))


def _save(batch: Batch, captures: Path) -> None:
    write_whole(batch.path(captures), json.dumps(asdict(batch), indent=1).encode() + b"\n")


def _load(path: Path) -> Batch:
    try:
        return TypeAdapter(Batch).validate_json(path.read_bytes(), strict=True)
    except ValidationError as error:
        raise DatasetError(
            f"{path} is damaged", hint="delete it; what was captured is kept, and the list begins anew"
        ) from error
