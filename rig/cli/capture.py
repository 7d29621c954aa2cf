"""`rig capture`"""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rig.cli.batch import capture_batch, read_batch
from rig.cli.capturing import CaptureBar, capture_bars
from rig.cli.numbers import naming_options
from rig.cli.settings import Settings, counted, settings_of

if TYPE_CHECKING:
    from rig.capture.plan import CapturePlan
    from rig.config import Config


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
    config = settings.load_config()
    from rig.capture.batch import latest_open_batch
    from rig.capture.plan import latest_open_plan
    from rig.errors import BadInput

    of_a_part = {"part": part, "colour": colour, "pose": pose, "physical_part": physical_part}
    of_a_part["round"] = "yes" if is_round else None
    of_many = {"steps": steps, "poses": poses}
    said = {name: text for name, text in (of_a_part | of_many).items() if text is not None}
    if resume and (said or sweep or batch is not None):
        raise BadInput("--resume goes on with its own part, steps, poses and sweep", hint="give it alone")
    if resume and (begun := latest_open_batch(config.paths.captures)):
        capture_batch(settings, config, begun)
    elif resume:
        plan = latest_open_plan(config.paths.captures)
        settings.say(
            f"Going on with session {plan.session}: part {plan.part}, {counted(plan.total, 'view')}."
        )
        _capture(settings, config, plan)
    elif batch is not None:
        if alone := [name for name in of_a_part if name in said]:
            raise BadInput(
                f"--{alone[0].replace('_', '-')} is said of one part, and --batch lists many",
                hint=f"give {batch} a column {alone[0]}",
            )
        listed = read_batch(config, batch, steps=steps or "", poses=poses or "", sweep=sweep)
        capture_batch(settings, config, listed)
    elif part is None:
        raise BadInput("--part is missing", hint="say what lies on the table: rig capture --part 3001")
    else:
        _capture(settings, config, _new_plan(config, said, sweep=sweep))


def _new_plan(config: "Config", said: dict[str, str], *, sweep: bool) -> "CapturePlan":
    from rig.capture.order import read_order

    with naming_options():
        return read_order(said).plan(
            microsteps_per_turn=config.turntable.microsteps_per_turn,
            source="simulated" if config.sim.enabled else "camera",
            seed=config.sim.seed,
            sweep=sweep,
        )


def _capture(settings: Settings, config: "Config", plan: "CapturePlan") -> None:
    """Run a plan and say what came of it."""
    from rig.capture.plan import is_open
    from rig.errors import Interrupted, RigError

    try:
        bar = _run(settings, config, plan)
    except (RigError, Interrupted) as stop:
        if is_open(plan, config.paths.captures):
            stop.add_note("what was taken is kept; complete the session with: rig capture --resume")
        raise
    folder = config.paths.captures / plan.part
    if not settings.as_json:
        new = "" if bar.kept == plan.total else f" ({bar.kept} of them new)"
        again = f"; {counted(bar.retaken, 'was', 'were')} taken again" if bar.retaken else ""
        of = f"of {plan.part}{new}"
        typer.echo(f"{counted(plan.total, f'view {of} is', f'views {of} are')} in {folder}{again}")
    settings.print_json(
        {
            "part": plan.part,
            "session": plan.session,
            "views": plan.total,
            "taken": bar.kept,
            "retaken": bar.retaken,
            "folder": folder,
        }
    )


def _run(settings: Settings, config: "Config", plan: "CapturePlan") -> CaptureBar:
    from rig.jobs.capture import capture_job
    from rig.jobs.known_table import EmptyTableUnfit

    with capture_bars(settings) as bars:
        bar = CaptureBar(settings, bars, plan)
        with closing(capture_job(config, plan, settings.ask)) as events:
            for event in events:
                if isinstance(event, EmptyTableUnfit):
                    settings.say(f"{event}.")
                else:
                    bar.follow(event)
    return bar
