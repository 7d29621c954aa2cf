"""How far a job is, for the eye, told by its events."""

from dataclasses import dataclass, replace

from rig.calibration.camera import CameraPicture
from rig.calibration.settle import MoveWatched
from rig.calibration.table import TablePicture
from rig.capture.batch import RowEnded, RowStarted
from rig.capture.session import PoseStarted, ViewRejected, ViewTaken
from rig.jobs.run import BatchStarted, CaptureStarted, JobEvent
from rig.jobs.sort import SortStarted
from rig.sorting.events import PartSorted


@dataclass(frozen=True)
class Progress:
    """Steps done of all that there are, and what is being done, a sentence without a full stop."""

    done: int | None = None
    total: int | None = None
    what: str = "Getting ready"

    def after(self, event: JobEvent) -> "Progress":
        """How far it is once `event` was told."""
        match event:
            case CaptureStarted():
                return Progress(0, event.plan.total, f"Capturing {event.plan.part}")
            case BatchStarted():
                batch = event.batch
                return Progress(batch.done, len(batch.rows), "Capturing a list")
            case RowStarted():
                return replace(self, what=f"Line {event.row.line}: capturing {event.plan.part}")
            case RowEnded():
                return replace(self, done=(self.done or 0) + 1)
            case PoseStarted():
                return self._counted(event.done, event.total)
            case ViewTaken():
                return self._counted(event.done, event.total)
            case ViewRejected():
                return replace(self, what=f"{event.angle_deg:g} degrees: {event.flaw.value}; once more")
            case SortStarted():
                return Progress(0, None, f"Sorting with {event.model}")
            case PartSorted():
                taken_for = event.decision.part or f"{event.decision.doubt}"
                return Progress(event.done, event.count, f"{taken_for} -> {event.bin_name}")
            case TablePicture() | MoveWatched() | CameraPicture():
                return Progress(event.done, event.total, event.purpose)
        return self

    def _counted(self, done: int, total: int) -> "Progress":
        """Views of a session; in a list, the rows are what counts."""
        if self.total is not None and self.what.startswith(("Line", "Capturing a list")):
            return self
        return replace(self, done=done, total=total)
