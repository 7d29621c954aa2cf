"""The job that was under way when the power went: said at the next start, and offered to be gone on with."""

import logging
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from rig.capture.plan import open_sessions
from rig.config import Config
from rig.dataset.store import DatasetStore
from rig.errors import BadInput
from rig.files import storage_errors, write_whole
from rig.jobs.requests import BatchRequest, CaptureRequest, JobRequest, ResumeRequest, SortRequest
from rig.jobs.run import Beginning, CaptureStarted
from rig.jobs.sort import SortStarted
from rig.sorting.ledger import Ledger, RunId

_FILE = "job.json"
_log = logging.getLogger(__name__)


class Interrupted(BaseModel):
    """A job that did not end.

    Attributes:
        run: of sorting mode, in the ledger; None of anything else, or before it had begun.
        session: of a capture of one part; None of anything else, or before it had begun.
    """

    model_config = ConfigDict(frozen=True)

    started_at: str
    request: JobRequest
    run: str | None = None
    session: str | None = None

    @property
    def what(self) -> str:
        """What was under way, a sentence without a full stop."""
        match self.request:
            case SortRequest():
                parts = "1 part" if self.request.count == 1 else f"{self.request.count} parts"
                return f"Sorting {parts} was cut short"
            case CaptureRequest(part=part):
                return f"The capture of {part} was cut short; what was taken is kept"
            case BatchRequest(source=source):
                return f"The capture of the list {source} was cut short; what was taken is kept"
            case ResumeRequest():
                return "A capture was cut short; what was taken is kept"
        return "A calibration was cut short"


class JobFile:
    """The file that holds the job under way.

    Args:
        folder: of the daemon.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE

    def begin(self, job: Interrupted) -> None:
        """Keep what is under way from now on.

        Raises:
            StorageError: it could not be written.
        """
        write_whole(self._path, job.model_dump_json(indent=1).encode())

    def note(self, job: Interrupted, begun: Beginning) -> Interrupted:
        """Keep what the job has begun with, as far as that is needed to go on."""
        match begun:
            case SortStarted():
                job = job.model_copy(update={"run": begun.run})
            case CaptureStarted():
                job = job.model_copy(update={"session": begun.plan.session})
            case _:
                return job
        self.begin(job)
        return job

    def end(self) -> None:
        """Nothing is under way any more.

        Raises:
            StorageError: the file could not be removed.
        """
        with storage_errors(self._path):
            self._path.unlink(missing_ok=True)

    def left_over(self) -> Interrupted | None:
        """What was under way when an earlier daemon died; a damaged file says only that there was one."""
        try:
            return Interrupted.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is damaged, or of another version"
            _log.warning("a job was cut short; %s does not say which: %s", self._path, why)
            return None


def request_to_go_on(left: Interrupted, config: Config) -> JobRequest:
    """What does the rest of a job that was cut short.

    Raises:
        BadInput: there is nothing left to do.
        StorageError, DatasetError: what was done cannot be read.
    """
    match left.request:
        case SortRequest():
            rest = left.request.count - _sorted(left.run, config)
            if rest <= 0:
                raise BadInput("all parts of it were sorted", hint="dismiss it")
            return left.request.model_copy(update={"count": rest, "emptied": ()})
        case CaptureRequest() | ResumeRequest() if left.session is not None:
            captures = config.paths.captures
            if left.session in open_sessions(captures):
                return ResumeRequest(attended=left.request.attended, session=left.session)
            # Its plan goes with the last view, while the rig has still to be put at rest.
            if any(row.session == left.session for row in DatasetStore(captures).rows()):
                raise BadInput("all views of it were taken", hint="dismiss it")
            return left.request
        case request:
            # Of a list, and of what is resumed, that is the rest; all else begins anew.
            return request


def _sorted(run: str | None, config: Config) -> int:
    if run is None:
        return 0
    with Ledger(config.ledger) as ledger:
        return sum(row.outcome == "dropped" and bool(row.candidates) for row in ledger.rows(RunId(run)))
