"""`rig capture --batch`: a list of parts, one after the other, each asked for in its turn."""

import secrets
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rig.cli.capturing import CaptureBar, capture_bars
from rig.cli.numbers import naming_options
from rig.cli.settings import Settings, counted

if TYPE_CHECKING:
    from rig.capture.batch import Batch, BatchRow, Choice
    from rig.config import Config
    from rig.errors import CaptureStopped


def read_batch(config: "Config", path: Path, *, steps: str, poses: str, sweep: bool) -> "Batch":
    """Read a list, all of it checked, and go on with its batch if that was interrupted.

    Args:
        steps, poses: for rows that do not say.
        sweep: whether the table turns on while they are captured.

    Raises:
        BadInput: the file or one of its lines cannot be used.
        DatasetError: what is known of an interrupted batch is damaged.
    """
    from rig.capture.batch import begin_batch
    from rig.capture.order import Order
    from rig.capture.parts_list import read_parts_list

    def check(order: Order) -> None:
        microsteps = config.turntable.microsteps_per_turn
        order.plan(microsteps_per_turn=microsteps, source="camera", seed=0, sweep=sweep)

    with naming_options():
        parts = read_parts_list(path, check, steps=steps, poses=poses)
    seed = secrets.randbits(62) if config.sim.seed is None else config.sim.seed
    return begin_batch(path, parts, config.paths.captures, seed, sweep=sweep)


def capture_batch(settings: Settings, config: "Config", batch: "Batch") -> None:
    """Capture what is missing of a batch, and say what became of every row.

    Raises:
        typer.Exit: 1, if a row was skipped.
        RigError, Interrupted: as the job does; with a note that says how to go on.
    """
    from rig.errors import Interrupted, RigError

    if batch.is_begun:
        rows = counted(len(batch.rows), "row is", "rows are")
        settings.say(
            f"Going on with {batch.source}: {batch.done} of {rows} done."
            f" (To begin anew, delete {batch.path(config.paths.captures)}.)"
        )
    try:
        ended = _run(settings, config, batch)
    except (RigError, Interrupted) as stop:
        if batch.path(config.paths.captures).exists():
            stop.add_note("what was taken is kept; go on with the list with: rig capture --resume")
        raise
    _report(settings, ended, config.paths.captures)
    if any(row.skipped for row in ended.rows):
        raise typer.Exit(1)


def _run(settings: Settings, config: "Config", batch: "Batch") -> "Batch":
    from rig.capture.batch import BatchEnded, RowEnded, RowStarted
    from rig.jobs.capture import batch_job
    from rig.jobs.known_table import EmptyTableUnfit

    with capture_bars(settings) as bars:
        rows = bars.add_task("list", total=len(batch.rows), verdict="")
        done = batch.done
        bar: CaptureBar | None = None
        with closing(batch_job(config, batch, settings.ask, partial(_decide, settings))) as events:
            for event in events:
                match event:
                    case RowStarted():
                        bars.update(rows, completed=done)
                        bar = CaptureBar(settings, bars, event.plan)
                    case RowEnded():
                        done += 1
                        bars.update(rows, completed=done)
                        if bar is not None:
                            bar.close()
                            bar = None
                    case EmptyTableUnfit():
                        settings.say(f"{event}.")
                    case BatchEnded():
                        return event.batch
                    case _:
                        assert bar is not None, "views come after the start of their row"
                        bar.follow(event)
    raise AssertionError("the job ends with BatchEnded or an error")


def _decide(settings: Settings, row: "BatchRow", stop: "CaptureStopped") -> "Choice":
    """Ask the person; where there is nobody, a part that cannot be captured does not hold up the rest."""
    from rig.capture.batch import Choice
    from rig.errors import TableStalled

    settings.say(f"Line {row.line}, part {row.order.part}: {stop.what}")
    if not settings.somebody_is_there and isinstance(stop, TableStalled):
        settings.say("Nobody can be asked, and no other part would turn: the list stops here.")
        return Choice.STOP
    if not settings.somebody_is_there:
        settings.say("Nobody can be asked: it is skipped.")
        return Choice.SKIP
    settings.say(f"     {stop.hint}")
    return Choice(settings.choose("What now?", [choice.value for choice in Choice]))


def _report(settings: Settings, batch: "Batch", captures: Path) -> None:
    from rig.capture.plan import open_sessions

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
    unfinished = open_sessions(captures)
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
