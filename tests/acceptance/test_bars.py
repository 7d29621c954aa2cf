"""The time left is the one that a task knows, where it knows it."""

from io import StringIO
from typing import TypedDict, Unpack

from rich.console import Console
from rich.progress import Progress

from rig.cli.bars import TimeLeftColumn


class Fields(TypedDict, total=False):
    """What a task may say of itself."""

    seconds_left: float | None


def _shown(**fields: Unpack[Fields]) -> str:
    bars = Progress(console=Console(file=StringIO()))
    bars.add_task("Training", total=1000, completed=10, **fields)
    return TimeLeftColumn().render(bars.tasks[0]).plain


def test_the_time_left_is_the_one_that_the_task_knows() -> None:
    assert _shown(seconds_left=3723.4) == "1:02:03"
    assert _shown(seconds_left=None) == "-:--:--"


def test_a_task_that_does_not_know_is_left_to_rich() -> None:
    assert _shown() == "-:--:--"
