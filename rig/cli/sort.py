"""`rig sort`"""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rig.cli.numbers import whole_number
from rig.cli.running import following
from rig.cli.settings import Settings, counted, percent, settings_of

if TYPE_CHECKING:
    from rig.config import Config
    from rig.jobs.requests import PassRequest, SortRequest
    from rig.jobs.sort import SortFinished, SortStarted
    from rig.sorting.events import PartSorted
    from rig.sorting.following import FollowedPass
    from rig.sorting.summary import SortSummary


def sort(
    context: typer.Context,
    count: Annotated[
        int,
        typer.Option(metavar="N", parser=whole_number("--count", least=1), help="How many parts to sort."),
    ] = 20,
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="By its name or folder (default: the one in use).")
    ] = "",
    plan: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Sort into the bins of this plan (rig plan makes one)."),
    ] = None,
    pass_number: Annotated[
        int | None,
        typer.Option(
            "--pass",
            metavar="K",
            parser=whole_number("--pass", least=1),
            help="Which pass of the plan (default: 1).",
        ),
    ] = None,
    emptied: Annotated[
        list[str] | None,
        typer.Option(metavar="BIN", help="A bin that you have emptied; may be given again and again."),
    ] = None,
) -> None:
    """Recognise parts one by one and drop each into its bin.

    One that the model is not sure of is turned and looked at again, and goes to the reject bin if that does
    not help. What a wrong bin, a reject and a look cost stands in [sorting] of rig.toml.
    """
    settings = settings_of(context)
    config = settings.read_config()
    from rig.errors import BadInput
    from rig.jobs.requests import SortRequest

    if plan is None and pass_number is not None:
        raise BadInput("--pass belongs to a plan", hint=f"such as: --plan plan.toml --pass {pass_number}")
    followed, follow = (None, None) if plan is None else _followed(plan, pass_number or 1)
    request = SortRequest(
        attended=settings.somebody_is_there,
        count=count,
        model=_found(model),
        follow=follow,
        emptied=tuple(emptied or ()),
    )
    finished = _run(settings, config, request)
    print_summary(settings, "Sorted", finished.summary)
    if not settings.as_json:
        typer.echo(f"Report: {finished.report}\nLedger: {finished.ledger / 'ledger.sqlite3'}")
        if rejects := finished.summary.rejects:
            waiting = counted(rejects, "part")
            typer.echo(
                f"Of this run {waiting} may wait for a name, which the next rig train learns: rig review"
            )
    document = {"run": finished.run, "summary": finished.summary, "report": finished.report}
    if followed is not None:
        _print_what_comes_next(settings, config, followed)
        document |= {"pass": followed.this, "next_pass": followed.next}
    settings.print_json(document)


def _found(model: str) -> str:
    """A folder by its whole path, since a daemon may work in another one; a name as it is."""
    return str(Path(model).absolute()) if "/" in model and Path(model).is_dir() else model


def _followed(path: Path, number: int) -> "tuple[FollowedPass, PassRequest]":
    from rig.jobs.requests import PassRequest
    from rig.sorting.following import follow
    from rig.sorting.plan_file import parse_plan, read_plan_text

    text = read_plan_text(path)
    followed = follow(path, parse_plan(text, str(path)), number)
    return followed, PassRequest(name=str(path), plan=text, number=number)


def _print_what_comes_next(settings: Settings, config: "Config", followed: "FollowedPass") -> None:
    """Print where the content of each bin goes once the heap is through, and how to go on."""
    from rig.sorting.planning import shortened

    settings.print_table(
        f"When the heap of pass {followed.this.number} is through, empty the bins",
        ("bin", "classes", "goes"),
        [(content.bin_name, shortened(content.classes), content.goes) for content in followed.this.bins],
    )
    if settings.as_json:
        return
    after = followed.next
    if after is None:
        typer.echo("That is the last pass.")
    else:
        # The rig counts on what it was not told to have been emptied.
        bounded = {bin_.name for bin_ in config.bins if bin_.capacity is not None}
        names = [content.bin_name for content in followed.this.bins if content.bin_name in bounded]
        emptied = "".join(f" --emptied {shlex.quote(name)}" for name in names)
        typer.echo(f"Then feed {after.heap}: rig sort --plan {followed.path} --pass {after.number}{emptied}")


def print_summary(settings: Settings, title: str, summary: "SortSummary") -> None:
    """Print what a run of sorting mode came to as a table."""
    settings.print_table(
        title,
        ("", ""),
        [
            ("parts sorted", str(summary.parts)),
            *_against_the_truth(summary),
            ("rejects", str(summary.rejects)),
            *_astray(summary),
            *_odd(summary),
            *_ends(summary),
            ("parts a minute (the rig's own time)", f"{summary.parts_per_min:.1f}"),
        ],
    )


def _against_the_truth(summary: "SortSummary") -> list[tuple[str, str]]:
    """How well the parts were named, where a simulator knows it."""
    if not summary.known:
        return []
    return [
        ("top-1: known parts right at first guess", percent(summary.top1)),
        ("named rightly, of all not rejected", percent(summary.accepted_top1)),
    ]


def _astray(summary: "SortSummary") -> list[tuple[str, str]]:
    """What went another way than into its bin, where anything did."""
    named = {
        "to be fed again": summary.returned,
        "did not leave the table": summary.stayed,
        "lost": summary.lost,
        "unfinished": summary.unfinished,
    }
    rows = [(name, str(count)) for name, count in named.items() if count]
    if summary.troubles:
        waits = ", ".join(f"{kind} {count}" for kind, count in summary.troubles.items())
        rows.append(("had to wait for", waits))
    return rows


def _odd(summary: "SortSummary") -> list[tuple[str, str]]:
    """What became of pieces that were no sound parts, in words: bare numbers do not say which is which."""
    rows = []
    for kind, odd in summary.odd.items():
        became = {
            "rejected": odd.rejected,
            "named rightly": odd.named_rightly,
            "named wrongly": odd.named_wrongly,
        }
        rows.append(
            (f"{kind} pieces", ", ".join(f"{count} {what}" for what, count in became.items() if count))
        )
    return rows


def _ends(summary: "SortSummary") -> list[tuple[str, str]]:
    """Where the pieces really lie, where a simulator knows it; of mishaps those that happened."""
    ends = summary.ends
    if ends is None:
        return []
    mishaps = {
        "in another bin, good rejects included": ends.other_bin,
        "sprung out of a bin": ends.bounced,
        "beside the bins": ends.missed,
        "still on the table": ends.stayed,
        "pushes that moved nothing": ends.vain_pushes,
    }
    rows = [(what, str(count)) for what, count in mishaps.items() if count]
    return [("really in the right bin", str(ends.right_bin)), *rows]


def _run(settings: Settings, config: "Config", request: "SortRequest") -> "SortFinished":
    """Run the job under a progress bar."""
    from rig.jobs.sort import SortFinished, SortStarted
    from rig.sorting.events import PartSorted

    finished: SortFinished | None = None
    with settings.progress() as bars, following(settings, config, request) as events:
        bar = bars.add_task("Getting ready", total=request.count)
        for event in events:
            match event:
                case SortStarted():
                    bars.update(bar, description=f"Sorting with {event.model}")
                    _say_how_it_begins(settings, config, event)
                case PartSorted():
                    bars.update(bar, completed=event.done, description=f"{_seen(event)} -> {event.bin_name}")
                case SortFinished():
                    finished = event
                case _:
                    settings.say(f"{event}.")
    assert finished is not None, "a sort job ends with SortFinished or an error"
    return finished


def _say_how_it_begins(settings: Settings, config: "Config", started: "SortStarted") -> None:
    settings.say(started.policy.in_words)
    for remark in started.remarks:
        settings.say(remark)
    if config.feeder.kind == "none" and not config.sim.enabled:
        settings.say("One part at a time belongs on the table: lay the next once the last one is gone.")


def _seen(event: "PartSorted") -> str:
    decision = event.decision
    return decision.part or f"{decision.doubt} ({decision.candidates[0].label}?)"
