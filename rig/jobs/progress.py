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
    """Steps done of all that there are, and what is being done, a sentence without a full stop.

    Attributes:
        counts_rows: the steps are the rows of a list, not views.
    """

    done: int | None = None
    total: int | None = None
    what: str = "Getting ready"
    counts_rows: bool = False

    def after(self, event: JobEvent) -> "Progress":
        """How far it is once `event` was told."""
        now = self
        match event:
            case CaptureStarted():
                now = Progress(0, event.plan.total, f"Capturing {event.plan.part}")
            case BatchStarted():
                batch = event.batch
                now = Progress(batch.done, len(batch.rows), "Capturing a list", counts_rows=True)
            case RowStarted():
                now = replace(self, what=f"Line {event.row.line}: capturing {event.plan.part}")
            case RowEnded():
                now = replace(self, done=(self.done or 0) + 1)
            case PoseStarted() | ViewTaken() if not self.counts_rows:
                now = replace(self, done=event.done, total=event.total)
            case ViewRejected():
                now = replace(self, what=f"{event.angle_deg:g} degrees: {event.flaw.value}; once more")
            case SortStarted():
                now = Progress(0, None, f"Sorting with {event.model}")
            case PartSorted():
                taken_for = event.decision.part or f"{event.decision.doubt}"
                now = Progress(event.done, event.count, f"{taken_for} -> {event.bin_name}")
            case TablePicture() | MoveWatched() | CameraPicture():
                now = Progress(event.done, event.total, event.purpose)
        return now
