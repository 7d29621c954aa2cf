"""`rig sort`"""

import secrets
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rig.cli.numbers import whole_number
from rig.cli.settings import Settings, percent, settings_of

if TYPE_CHECKING:
    from rig.config import Config
    from rig.jobs import SortFinished
    from rig.model import Bundle
    from rig.sorting.summary import SortSummary


def sort(
    context: typer.Context,
    count: Annotated[
        int,
        typer.Option(metavar="N", parser=whole_number("--count", least=1), help="How many parts to sort."),
    ] = 20,
    model: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The model bundle (default: the one in use).")
    ] = None,
) -> None:
    """Recognise parts one by one and drop each into its bin; unsure ones go to the reject bin."""
    settings = settings_of(context)
    config = settings.load_config()
    from rig.model import load_bundle
    from rig.shelf import default_bundle
    from rig.sorting.report import write_report

    bundle = load_bundle(model) if model else default_bundle(config.paths.models)
    finished = _run(settings, config, bundle, count)
    report = write_report(finished.ledger, finished.run)
    print_summary(settings, "Sorted", finished.summary)
    if not settings.as_json:
        typer.echo(f"Report: {report}\nLedger: {finished.ledger / 'ledger.sqlite3'}")
    settings.print_json({"run": finished.run, "summary": finished.summary, "report": report})


def print_summary(settings: Settings, title: str, summary: "SortSummary") -> None:
    """Print what a run of sorting mode came to as a table."""
    settings.print_table(
        title,
        ("", ""),
        [
            ("parts sorted", str(summary.parts)),
            ("top-1 against the simulator's truth", percent(summary.top1)),
            ("right bin, rejects left out", percent(summary.right_bin)),
            ("rejects", str(summary.rejects)),
            *(
                (
                    f"{kind}: rejected, own bin, other bin",
                    f"{odd.rejected}, {odd.right_bin}, {odd.mis_sorted}",
                )
                for kind, odd in summary.odd.items()
            ),
            *_ends(summary),
            ("parts a minute (the rig's own time)", f"{summary.parts_per_min:.1f}"),
        ],
    )


def _ends(summary: "SortSummary") -> list[tuple[str, str]]:
    ends = summary.ends
    if ends is None:
        return []
    return [
        ("really in the right bin, in another", f"{ends.right_bin}, {ends.other_bin}"),
        ("sprung out, beside the bins, still on the table", f"{ends.bounced}, {ends.missed}, {ends.stayed}"),
        ("pushes that moved nothing", str(ends.vain_pushes)),
    ]


def _run(settings: Settings, config: "Config", bundle: "Bundle", count: int) -> "SortFinished":
    """Run the job under a progress bar; whatever stops it, what was decided so far is on record."""
    from rig.errors import Interrupted, RigError
    from rig.jobs import EmptyTableUnfit, SortFinished, SortStarted, sort_job
    from rig.sorting.report import write_report
    from rig.sorting.sorter import BoardBack, BoardLost, PartSorted, PileEmpty

    seed = secrets.randbits(62) if config.sim.seed is None else config.sim.seed
    started: SortStarted | None = None
    finished: SortFinished | None = None
    try:
        with (
            settings.progress() as bars,
            closing(sort_job(config, bundle, count, seed, settings.ask)) as events,
        ):
            bar = bars.add_task(f"Sorting with {bundle.name}", total=count)
            for event in events:
                match event:
                    case EmptyTableUnfit():
                        settings.say(f"{event}.")
                    case SortStarted():
                        started = event
                        settings.say(f"Parts less than {event.reject_threshold:.0%} sure are rejected.")
                    case PartSorted():
                        seen = event.decision.part or f"unsure ({event.decision.candidates[0].label}?)"
                        bars.update(bar, completed=event.done, description=f"{seen} -> {event.bin_name}")
                    case BoardLost():
                        settings.say(f"Waiting for the board: {event.reason}. See to its cable and supply.")
                    case BoardBack():
                        settings.say("The board is back; sorting goes on.")
                    case PileEmpty():
                        settings.say(f"No part came for {event.waited_s:g} s: the pile seems to be empty.")
                    case SortFinished():
                        finished = event
    except (RigError, Interrupted) as stop:
        if started is not None:
            report = write_report(config.paths.ledger, started.run)
            stop.add_note(f"what was sorted is on record: {report}")
        raise
    assert finished is not None, "a sort job ends with SortFinished or an error"
    return finished
