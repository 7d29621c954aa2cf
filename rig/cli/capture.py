"""`rig capture`"""

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from rig.cli.numbers import whole_number
from rig.cli.settings import Settings, settings_of

if TYPE_CHECKING:
    from rig.capture.plan import CapturePlan
    from rig.config import Config


def capture(
    context: typer.Context,
    part: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="The part's mould number, such as 3001.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            metavar="N", parser=whole_number("--steps"), help="Views a turn, evenly spread (default: 72)."
        ),
    ] = None,
    poses: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole_number("--poses"),
            help="Sides to lay the part on, one turn each (default: 1).",
        ),
    ] = None,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Turn without stopping, and take the views as they pass by.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Complete the latest unfinished session.")] = False,
) -> None:
    """Turn a part and take labelled pictures of it into captures/NUMBER/."""
    settings = settings_of(context)
    config = settings.load_config()
    from rig.capture.plan import is_open, latest_open_plan, new_plan
    from rig.errors import BadInput, Interrupted, RigError

    if resume and (part, steps, poses, sweep) != (None, None, None, False):
        raise BadInput("--resume goes on with its own part, steps, poses and sweep", hint="give it alone")
    if resume:
        plan = latest_open_plan(config.paths.captures)
        settings.say(f"Going on with session {plan.session}: part {plan.part}, {plan.total} views.")
    elif part is None:
        raise BadInput("--part is missing", hint="say what lies on the table: rig capture --part 3001")
    else:
        plan = new_plan(
            part,
            steps=72 if steps is None else steps,
            poses=1 if poses is None else poses,
            microsteps_per_turn=config.turntable.microsteps_per_turn,
            source="simulated" if config.sim.enabled else "camera",
            seed=config.sim.seed,
            sweep=sweep,
        )
    try:
        taken, retaken = _run(settings, config, plan)
    except (RigError, Interrupted) as stop:
        if is_open(plan, config.paths.captures):
            stop.add_note("what was taken is kept; complete the session with: rig capture --resume")
        raise
    folder = config.paths.captures / plan.part
    if not settings.as_json:
        new = "" if taken == plan.total else f" ({taken} of them new)"
        again = f"; {retaken} were taken again" if retaken else ""
        typer.echo(f"{plan.total} views of {plan.part}{new} are in {folder}{again}")
    settings.print_json(
        {
            "part": plan.part,
            "session": plan.session,
            "views": plan.total,
            "taken": taken,
            "retaken": retaken,
            "folder": folder,
        }
    )


def _run(settings: Settings, config: "Config", plan: "CapturePlan") -> tuple[int, int]:
    """Run the plan under a progress bar; returns how many views were kept, and how many taken again."""
    from rig.capture.session import PoseStarted, TurnEnded, ViewRejected, ViewTaken
    from rig.jobs import capture_job

    taken = retaken = 0
    pose = str(plan.part)
    with settings.progress() as bars, closing(capture_job(config, plan, settings.ask)) as events:
        bar = bars.add_task(f"Capturing {plan.part}", total=plan.total)
        for event in events:
            match event:
                case PoseStarted():
                    pose = f"{plan.part}, pose {event.pose + 1} of {plan.poses}"
                    bars.update(bar, description=f"Capturing {pose}", completed=event.done)
                case ViewTaken():
                    taken += 1
                    verdict = f"{event.row.angle_deg:g} degrees good"
                    described = f"Capturing {pose}: {event.done} of {event.total}, {verdict}"
                    bars.update(bar, description=described, completed=event.done)
                case ViewRejected():
                    retaken += 1
                    settings.say(f"{event.angle_deg:g} degrees: {event.flaw.value}; once more.")
                case TurnEnded():
                    if event.missing:
                        settings.say(f"Views missing after this turn: {event.missing}; turning once more.")
    return taken, retaken
