"""`rig capture`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from rig.cli.batch import batch_request, follow_batch, report_batch
from rig.cli.capturing import CaptureBar, capture_bars
from rig.cli.numbers import naming_options
from rig.cli.running import following
from rig.cli.settings import Settings, counted, settings_of

if TYPE_CHECKING:
    from rig.capture.session import CaptureEvent
    from rig.config import Config
    from rig.jobs.requests import CaptureRequest, JobRequest
    from rig.jobs.run import CaptureStarted


def capture(
    context: typer.Context,
    part: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="The part's mould number, such as 3001.")
    ] = None,
    steps: Annotated[
        str | None, typer.Option(metavar="N", help="Views a turn, evenly spread (default: 72).")
    ] = None,
    colour: Annotated[
        str | None, typer.Option(metavar="CODE|NAME", help="Its colour, in LDraw's numbering: 4 is red.")
    ] = None,
    pose: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,NAME]",
            help="What the side that it lies on is called, such as upright; with commas, that of each pose.",
        ),
    ] = None,
    poses: Annotated[
        str | None,
        typer.Option(metavar="N", help="Sides to lay the part on, one turn each (default: 1)."),
    ] = None,
    physical_part: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Your name for this very brick; sessions of one brick are never torn apart."
        ),
    ] = None,
    batch: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Capture a list of parts: a CSV file with the column part and, as you like, colour, pose,"
            " poses, physical_part, round and steps. Given again, it goes on where it was interrupted.",
        ),
    ] = None,
    sweep: Annotated[
        bool,
        typer.Option(
            "--sweep", help="Turn without stopping, and take the views as they pass by (not with a webcam)."
        ),
    ] = False,
    is_round: Annotated[
        bool,
        typer.Option("--round", help="It looks the same from all sides: do not expect to see it turn."),
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the unfinished session or list begun last.")
    ] = False,
) -> None:
    """Turn a part and take labelled pictures of it into captures/NUMBER/."""
    settings = settings_of(context)
    config = settings.read_config()
    from rig.errors import BadInput
    from rig.jobs.requests import ResumeRequest

    of_a_part = {"part": part, "colour": colour, "pose": pose, "physical_part": physical_part}
    of_a_part["round"] = "yes" if is_round else None
    of_many = {"steps": steps, "poses": poses}
    said = {name: text for name, text in (of_a_part | of_many).items() if text is not None}
    if resume and (said or sweep or batch is not None):
        raise BadInput("--resume goes on with its own part, steps, poses and sweep", hint="give it alone")
    if batch is not None and (alone := [name for name in of_a_part if name in said]):
        raise BadInput(
            f"--{alone[0].replace('_', '-')} is said of one part, and --batch lists many",
            hint=f"give {batch} a column {alone[0]}",
        )
    request: JobRequest
    if resume:
        request = ResumeRequest(attended=settings.somebody_is_there)
    elif batch is not None:
        request = batch_request(settings, batch, steps=steps or "", poses=poses or "", sweep=sweep)
    elif part is None:
        raise BadInput("--part is missing", hint="say what lies on the table: rig capture --part 3001")
    else:
        request = _request(settings, config, said, sweep=sweep)
    _capture(settings, config, request)


def _request(settings: Settings, config: "Config", said: dict[str, str], *, sweep: bool) -> "CaptureRequest":
    """What was said, checked by this rig, so that an option is named that cannot be used."""
    from rig.capture.order import read_order
    from rig.jobs.requests import CaptureRequest

    with naming_options():
        order = read_order(said)
        microsteps = config.turntable.microsteps_per_turn
        order.plan(microsteps_per_turn=microsteps, source="camera", seed=0, sweep=sweep)
    return CaptureRequest(
        attended=settings.somebody_is_there,
        part=order.part,
        steps=order.steps,
        poses=order.poses,
        colour=order.colour,
        pose_names=order.pose_names,
        physical_part=order.physical_part,
        is_round=order.is_round,
        sweep=sweep,
    )


def _capture(settings: Settings, config: "Config", request: "JobRequest") -> None:
    """Run a job of capturing and say what came of it."""
    from rig.jobs.known_table import EmptyTableUnfit
    from rig.jobs.run import BatchStarted, CaptureStarted

    bar: CaptureBar | None = None
    with capture_bars(settings) as bars, following(settings, config, request) as events:
        for event in events:
            match event:
                case BatchStarted():
                    batch_ended = follow_batch(settings, bars, event, events)
                case CaptureStarted():
                    started, bar = event, CaptureBar(settings, bars, event.plan)
                    if event.goes_on:
                        plan = event.plan
                        views = counted(plan.total, "view")
                        settings.say(f"Going on with session {plan.session}: part {plan.part}, {views}.")
                    else:
                        _tell_of_unfinished(settings, event)
                case EmptyTableUnfit():
                    settings.say(f"{event}.")
                case _:
                    assert bar is not None, "views come after the start of their session"
                    bar.follow(cast("CaptureEvent", event))
    if bar is None:
        report_batch(settings, batch_ended)
    else:
        _report(settings, started, bar)


def _tell_of_unfinished(settings: Settings, started: "CaptureStarted") -> None:
    """Whoever forgot --resume has begun another session: say so while few views are taken."""
    from rig.capture.plan import open_plans_of
    from rig.errors import DatasetError

    try:
        plans = open_plans_of(started.plan.part, started.folder.parent)
    except DatasetError as damaged:
        # That of another session: it is no reason to refuse this one.
        settings.say(f"{damaged}.")
        return
    earlier = [plan for plan in plans if plan.session != started.plan.session]
    if earlier:
        settings.say(
            f"An earlier session of {started.plan.part} is unfinished: this is a new one."
            " To complete the earlier one as well, say then: rig capture --resume"
        )


def _report(settings: Settings, started: "CaptureStarted", bar: CaptureBar) -> None:
    plan = started.plan
    if not settings.as_json:
        new = "" if bar.kept == plan.total else f" ({bar.kept} of them new)"
        again = f"; {counted(bar.retaken, 'was', 'were')} taken again" if bar.retaken else ""
        of = f"of {plan.part}{new}"
        typer.echo(f"{counted(plan.total, f'view {of} is', f'views {of} are')} in {started.folder}{again}")
    settings.print_json(
        {
            "part": plan.part,
            "session": plan.session,
            "views": plan.total,
            "taken": bar.kept,
            "retaken": bar.retaken,
            "folder": started.folder,
        }
    )
