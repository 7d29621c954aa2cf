"""`rig capture --batch`: a list of parts, one after the other, each asked for in its turn."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import typer

from rig.cli.capturing import CaptureBar
from rig.cli.numbers import naming_options
from rig.cli.settings import Settings, counted

if TYPE_CHECKING:
    from rich.progress import Progress

    from rig.capture.batch import Batch
    from rig.capture.session import CaptureEvent
    from rig.jobs.requests import BatchRequest
    from rig.jobs.run import BatchStarted, JobEvent


@dataclass(frozen=True)
class EndedBatch:
    """A list that is through, and the folder of all class folders."""

    batch: "Batch"
    captures: Path


def batch_request(settings: Settings, path: Path, *, steps: str, poses: str, sweep: bool) -> "BatchRequest":
    """A list of parts from a file.

    Args:
        steps, poses: for rows that do not say.
        sweep: whether the table turns on while they are captured.

    Raises:
        BadInput: the file cannot be read; or `steps` or `poses` cannot be used.
    """
    from rig.capture.parts_list import read_parts_list
    from rig.jobs.requests import BatchRequest
    from rig.spreadsheet import read_text

    # Read before the job does, so that an option is named that cannot be used.
    with naming_options():
        read_parts_list(path, lambda order: None, steps=steps, poses=poses)
    return BatchRequest(
        attended=settings.somebody_is_there,
        source=str(path.resolve()),
        table=read_text(path),
        steps=steps,
        poses=poses,
        sweep=sweep,
    )


def follow_batch(
    settings: Settings, bars: "Progress", started: "BatchStarted", events: "Iterator[JobEvent]"
) -> EndedBatch:
    """Show how far a list is, until it is through."""
    from rig.capture.batch import BatchEnded, RowEnded, RowStarted
    from rig.jobs.known_table import EmptyTableUnfit

    batch = started.batch
    if batch.is_begun:
        rows_are = counted(len(batch.rows), "row is", "rows are")
        settings.say(
            f"Going on with {batch.source}: {batch.done} of {rows_are} done."
            f" (To begin anew, delete {batch.path(started.captures)}.)"
        )
    rows = bars.add_task("list", total=len(batch.rows), verdict="")
    done = batch.done
    bar: CaptureBar | None = None
    for event in events:
        match event:
            case RowStarted():
                bars.update(rows, completed=done)
                bar = CaptureBar(settings, bars, event.plan)
            case RowEnded():
                done += 1
                bars.update(rows, completed=done)
                if event.row.skipped:
                    settings.say(f"Line {event.row.line} is skipped: {event.row.skipped}")
                if bar is not None:
                    bar.close()
                    bar = None
            case EmptyTableUnfit():
                settings.say(f"{event}.")
            case BatchEnded():
                return EndedBatch(event.batch, started.captures)
            case _:
                assert bar is not None, "views come after the start of their row"
                bar.follow(cast("CaptureEvent", event))
    raise AssertionError("the job ends with BatchEnded or an error")


def report_batch(settings: Settings, ended: EndedBatch) -> None:
    """Say what became of every row.

    Raises:
        typer.Exit: 1, if a row was skipped.
    """
    from rig.capture.plan import open_sessions

    batch = ended.batch
    skipped = [row for row in batch.rows if row.skipped]
    captured = [row for row in batch.rows if not row.skipped]
    settings.print_table(
        f"{len(captured)} of {counted(len(batch.rows), 'row')} captured",
        ("line", "part", "views", "what became of it"),
        [
            (str(row.line), row.order.part, str(row.order.steps * row.order.poses), row.skipped or "captured")
            for row in batch.rows
        ],
    )
    unfinished = open_sessions(ended.captures)
    for row in skipped:
        how = "rig capture --resume" if row.session in unfinished else row.order.command(sweep=batch.sweep)
        settings.say(f"Line {row.line} was skipped; capture it with: {how}")
    settings.print_json(
        {
            "captured": len(captured),
            "skipped": len(skipped),
            "rows": [
                {
                    "line": row.line,
                    "part": row.order.part,
                    "session": row.session,
                    "views": row.order.steps * row.order.poses,
                    "captured": not row.skipped,
                    "why": row.skipped,
                }
                for row in batch.rows
            ],
        }
    )
    if skipped:
        raise typer.Exit(1)
