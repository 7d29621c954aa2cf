"""What a rig tells those who watch over several: documents for its broker."""

import logging
import time
from collections import Counter, deque
from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from rig.capture.batch import RowStarted
from rig.daemon.board import BoardStatus
from rig.daemon.daemon import Daemon
from rig.daemon.job import Job, JobState, JobView
from rig.errors import RigError
from rig.inventory.colours import colour_name
from rig.jobs.run import CaptureStarted, JobEvent
from rig.jobs.sort import SortStarted
from rig.sorting.bin_levels import bin_levels
from rig.sorting.events import PartAstray, PartReturned, PartSorted
from rig.sorting.ledger import Ledger, LedgerRow, RowId, RunId
from rig.sorting.trouble import Trouble, TroubleOver

Document = dict[str, Any]

_RATE_OVER_S = 60.0
# Read once: it stands in a file.
_VERSION = version("brickrig")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Begun:
    """A run of sorting mode began, or a part is captured now."""

    run: RunId | None = None
    part: str | None = None


@dataclass(frozen=True)
class PartEnded:
    """A part has left the table, or stays on it.

    Attributes:
        at_s: when, on the clock that never turns back.
        part: what it was taken for, or why for nothing; None where it is in no bin.
    """

    job: str
    row: RowId
    at_s: float
    part: str | None


Note = Begun | PartEnded | Trouble | TroubleOver
"""What of a job's events matters here: no pictures."""


def note_of(job: Job, event: JobEvent) -> Note | None:
    """What is to be told of an event; None where nothing is."""
    match event:
        case SortStarted():
            return Begun(run=event.run)
        case CaptureStarted() | RowStarted():
            return Begun(part=event.plan.part)
        case PartSorted():
            taken_for = event.decision.part or f"{event.decision.doubt}"
            return PartEnded(job.id, event.row, time.monotonic(), taken_for)
        case PartReturned() | PartAstray():
            return PartEnded(job.id, event.row, time.monotonic(), None)
        case Trouble() | TroubleOver():
            return event
    return None


class Bulletin:
    """How a rig is, put together anew whenever somebody asks. For one thread."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._run: RunId | None = None
        self._part: str | None = None
        self._sorted = 0
        self._sorted_at_s: deque[float] = deque(maxlen=10_000)
        self._troubles: dict[str, str] = {}
        self._said = ""

    def note(self, note: Note) -> None:
        """Take note of what a job told."""
        match note:
            case Begun():
                self._run = note.run or self._run
                self._part = note.part
                self._troubles.clear()
            case PartEnded() if note.part is not None:
                self._part = note.part
                self._sorted += 1
                self._sorted_at_s.append(note.at_s)
                self._troubles.clear()
            case Trouble():
                self._troubles[note.kind.value] = f"{note.what}: {note.hint}"
            case TroubleOver():
                self._troubles.pop(note.kind.value, None)

    @property
    def changes_by_itself(self) -> bool:
        """Whether the state becomes another one though nothing is told."""
        return bool(self._sorted_at_s)

    def state(self) -> Document:
        """How the rig is and what it does; see docs/fleet.md."""
        daemon, board = self._daemon, self._daemon.keeper.board.view
        running = daemon.running
        job = None if running is None else running.view()
        last = next((each.view() for each in daemon.jobs if each.state.is_over), None)
        left, model = daemon.left_over, daemon.recogniser.model
        is_ready = board.status is BoardStatus.READY
        return {
            "state": (job.state.value if job else "idle") if is_ready or job else board.status.value,
            "problem": self._problem(job, last, "" if is_ready else board.reason or board.status.value),
            "board": {"status": board.status.value, "reason": board.reason, "hint": board.hint},
            "job": _job(job),
            "last_job": _job(last),
            "part": self._part if job else None,
            "parts_sorted": self._sorted,
            "parts_a_minute": self._parts_a_minute(),
            "interrupted": None if left is None else left.what,
            "model": None if model is None else model[0],
            "source": "simulated" if daemon.config.sim.enabled else "camera",
            "version": _VERSION,
            "started_at": daemon.started_at.isoformat(timespec="milliseconds"),
        }

    def question(self) -> Document | None:
        """What the job that runs asks; None where it asks nothing."""
        running = self._daemon.running
        question = None if running is None else running.view().question
        if running is None or question is None:
            return None
        return {"job": running.id, "sentence": question.sentence, "answers": list(question.answers)}

    def counts(self) -> tuple[Document, Document] | None:
        """Parts in each bin, and of each kind that the latest run sorted; None where it cannot be read."""
        config = self._daemon.config
        parts: Counter[str] = Counter()
        try:
            levels = bin_levels(config)
            if (config.ledger / Ledger.FILE_NAME).exists():
                with Ledger(config.ledger) as ledger:
                    self._run = self._run or next(reversed(ledger.runs()), None)
                    for lot in ledger.counts(self._run, reject_bin="") if self._run else ():
                        parts[lot.part] += lot.quantity
        except RigError as error:
            self._say(error)
            return None
        bins = {level.name: {"level": level.level, "capacity": level.capacity} for level in levels}
        return bins, {"run": self._run, "parts": dict(parts)}

    def decisions(self, ended: Collection[PartEnded]) -> list[Document]:
        """Parts as they stand on record; what cannot be read is left out."""
        jobs = {each.row: each.job for each in ended}
        try:
            with Ledger(self._daemon.config.ledger) as ledger:
                return [_decision(row, jobs[row.id]) for row in ledger.these_rows(jobs)]
        except RigError as error:
            self._say(error)
            return []

    def _parts_a_minute(self) -> float:
        since_s = time.monotonic() - _RATE_OVER_S
        while self._sorted_at_s and self._sorted_at_s[0] < since_s:
            self._sorted_at_s.popleft()
        return round(len(self._sorted_at_s) * 60.0 / _RATE_OVER_S, 1)

    def _problem(self, job: JobView | None, last: JobView | None, of_board: str) -> str:
        """What is the matter, a sentence; empty where nothing is."""
        if of_board:
            return of_board
        if job is not None:
            return next(reversed(self._troubles.values()), "")
        if last is not None and last.state is JobState.FAILED and last.problem is not None:
            return last.problem.detail
        return ""

    def _say(self, error: RigError) -> None:
        if str(error) != self._said:
            self._said = str(error)
            _log.warning("what was sorted cannot be told: %s", error)


def trouble_document(job: str, trouble: Trouble | TroubleOver) -> Document:
    """A trouble that sorting met with, or its end."""
    what = trouble.what if isinstance(trouble, Trouble) else f"{trouble}"
    hint = trouble.hint if isinstance(trouble, Trouble) else ""
    wants = isinstance(trouble, Trouble) and trouble.wants_a_person
    return {
        "job": job,
        "kind": trouble.kind.value,
        "is_over": isinstance(trouble, TroubleOver),
        "what": what,
        "hint": hint,
        "wants_a_person": wants,
    }


def _job(view: JobView | None) -> Document | None:
    if view is None:
        return None
    shown = {"id", "kind", "state", "started_at", "ended_at", "done", "total", "what"}
    problem = None if view.problem is None else view.problem.detail
    return view.model_dump(mode="json", include=shown) | {"problem": problem}


def _decision(row: LedgerRow, job: str) -> Document:
    return {
        "job": job,
        "run": row.run,
        "number": row.number,
        "decided_at": row.decided_at,
        "part": row.part,
        "confidence": round(row.probability, 4),
        "doubt": None if row.doubt is None else row.doubt.value,
        "colour": None if row.colour is None else colour_name(row.colour),
        "colour_confidence": None if row.colour_probability is None else round(row.colour_probability, 4),
        "bin": row.bin,
        "outcome": row.outcome,
    }
