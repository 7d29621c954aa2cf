"""Bars: the time left is the one that a task knows; lines and questions keep clear of them."""

import os
import pty
import subprocess
import sys
from contextlib import closing
from io import StringIO
from typing import TypedDict, Unpack

import pytest
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


_LINE_AND_QUESTION = """
from rig.cli.settings import Settings
settings = Settings(None, False, False, False)
with settings.progress() as bars:
    bars.add_task("Sorting", total=2)
    bars.refresh()
    settings.say("A line.")
    settings.ask("Empty the bin")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs pseudo-terminals")
def test_lines_and_questions_stand_on_lines_of_their_own() -> None:
    keyboard, screen = pty.openpty()
    os.write(keyboard, b"\n")
    with os.fdopen(keyboard, "rb", buffering=0) as shown, closing(os.fdopen(screen, "wb")):
        done = subprocess.run(
            [sys.executable, "-c", _LINE_AND_QUESTION],
            stdin=screen,
            stdout=screen,
            stderr=screen,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "80"},
            timeout=60,
            check=False,
        )
        text = shown.read(65536).decode()
    assert done.returncode == 0, text
    cleared = "\r\x1b[2K"
    assert f"{cleared}A line.\r\n" in text
    # The bar has ended and the cursor is there again.
    assert "\r\n\x1b[?25hEmpty the bin, then press Enter. " in text
