"""A column of progress bars that believes the task, where the task knows how long it will take."""

from datetime import timedelta

from rich.progress import Task, TimeRemainingColumn
from rich.text import Text


class TimeLeftColumn(TimeRemainingColumn):
    """The task's field `seconds_left` where it has one, else what its speed so far makes rich expect."""

    def render(self, task: Task) -> Text:
        """As hours, minutes and seconds."""
        if "seconds_left" not in task.fields:
            return super().render(task)
        seconds = task.fields["seconds_left"]
        left = "-:--:--" if seconds is None else str(timedelta(seconds=round(seconds)))
        return Text(left, style="progress.remaining")
