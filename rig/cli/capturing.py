"""How far a capture is, for the eye: a bar a session with the time left, the count and the last verdict."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rig.cli.settings import Settings

if TYPE_CHECKING:
    from rich.progress import Progress

    from rig.capture.plan import CapturePlan
    from rig.capture.session import CaptureEvent


class CaptureBar:
    """A bar that follows the events of a capture session, and counts what came of them.

    Attributes:
        kept: views that are on disk.
        retaken: views that were not good enough and were taken again.
    """

    def __init__(self, settings: Settings, bars: "Progress", plan: "CapturePlan") -> None:
        self.kept = 0
        self.retaken = 0
        self._settings = settings
        self._bars = bars
        self._plan = plan
        self._bar = bars.add_task(str(plan.part), total=plan.total, verdict="")

    def follow(self, event: "CaptureEvent") -> None:
        """Show an event."""
        from rig.capture.session import PoseStarted, TurnEnded, ViewRejected, ViewTaken

        match event:
            case PoseStarted():
                title = f"{self._plan.part}, pose {event.pose + 1} of {self._plan.poses}"
                # What a person needed to lay the part is no measure of the time that is left.
                self._bars.reset(self._bar, completed=event.done, description=title)
            case ViewTaken():
                self.kept += 1
                verdict = f"{event.row.angle_deg:g}° good"
                self._bars.update(self._bar, completed=event.done, verdict=verdict)
            case ViewRejected():
                self.retaken += 1
                self._bars.update(self._bar, verdict=f"{event.angle_deg:g}° again")
                self._settings.say(f"{event.angle_deg:g} degrees: {event.flaw.value}; once more.")
            case TurnEnded() if event.missing:
                self._settings.say(f"Views missing after this turn: {event.missing}; turning once more.")

    def close(self) -> None:
        """Take the bar away."""
        self._bars.remove_task(self._bar)


@contextmanager
def capture_bars(settings: Settings) -> Iterator["Progress"]:
    """Bars for `CaptureBar`; on a narrow terminal the bar itself is what gives way."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.table import Column

    with settings.progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None, table_column=Column(ratio=1)),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[verdict]}", markup=False),
    ) as bars:
        yield bars
