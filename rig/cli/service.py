"""`rig service`"""

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rig.cli.settings import Settings, settings_of

if TYPE_CHECKING:
    from rig.daemon.service.layout import Layout
    from rig.daemon.service.steps import Plan
    from rig.daemon.service.udev import Board

app = typer.Typer(help="Have the computer run the rig as a service.", no_args_is_help=True)

Root = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Work on the tree of an image instead of on this computer."),
]
User = Annotated[str, typer.Option(metavar="NAME", help="Whom the daemon runs as.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


@app.command("install", short_help="Install or update the service.")
def install(
    context: typer.Context,
    root: Root = None,
    user: User = "brickrig",
    board: Annotated[
        str | None,
        typer.Option(
            metavar="PORT", help="Among several boards, the one to call /dev/brickrig-board; any: whichever."
        ),
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Make the rig a service of systemd: a user, a Python environment in /opt, a hardened unit, udev rules.

    It says what it is going to do before it does anything. A rig.toml that --config names, or that is in this
    folder, becomes the daemon's if it has none. Run it again to update, or to go on after it was cut short.
    """
    settings = settings_of(context)
    from rig.config import load_config
    from rig.daemon.service.install import Wishes, install_plan
    from rig.daemon.service.source import source_in_use

    layout = _layout(root, user, dry_run=dry_run)
    path = settings.config_file
    config = None if path is None else load_config(path)
    wishes = Wishes(source_in_use(), path, config, _board(board, layout))
    is_done = _carry_out(settings, install_plan(layout, wishes), yes=yes, dry_run=dry_run)
    if is_done and layout.is_booted:
        settings.say("The daemon runs. What it says is read with: journalctl -u brickrig")
        settings.say("Who is to use its rig joins the group: sudo usermod -aG brickrig NAME")


@app.command("uninstall", short_help="Remove the service.")
def uninstall(
    context: typer.Context,
    root: Root = None,
    user: User = "brickrig",
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove captures, models and ledger in /var/lib/brickrig too.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Stop the daemon and undo what the installation has done, however far it came; keep what it captured."""
    settings = settings_of(context)
    from rig.daemon.service.uninstall import uninstall_plan

    layout = _layout(root, user, dry_run=dry_run)
    _carry_out(settings, uninstall_plan(layout, purge=purge), yes=yes, dry_run=dry_run)


def _layout(root: Path | None, user: str, *, dry_run: bool) -> "Layout":
    from rig.daemon.service.layout import Layout
    from rig.errors import BadInput

    if sys.platform != "linux":
        raise BadInput("a service needs systemd, which is for Linux", hint="run it yourself: rig serve")
    if root is not None:
        if not root.is_dir():
            raise BadInput(f"--root {root} is not a folder", hint="make it first")
        return Layout(root.resolve(), user)
    if not dry_run and os.geteuid() != 0:
        # Root's PATH has no virtual environment in it.
        command = [str(Path(sys.argv[0]).resolve()), *sys.argv[1:]]
        raise BadInput("only root may install or remove a service", hint=f"run: sudo {shlex.join(command)}")
    return Layout(user=user)


def _board(port: str | None, layout: "Layout") -> "Board | None":
    from rig.daemon.service.layout import UDEV_RULES
    from rig.daemon.service.udev import board_at, board_so_far

    if port is None:
        return board_so_far(layout.at(UDEV_RULES))
    return None if port == "any" else board_at(port)


def _carry_out(settings: Settings, plan: "Plan", *, yes: bool, dry_run: bool) -> bool:
    """Say what will be done, ask, and do it; whether it was done."""
    from rig.errors import BadInput

    needed = plan.needed()
    if not settings.as_json:
        for number, (move, is_needed) in enumerate(zip(plan.moves, needed, strict=True), start=1):
            typer.echo(f"{number:3}. {move.does}{'' if is_needed else ' (as it is)'}")
        for remark in plan.remarks:
            typer.echo(f"     {remark}")
    if not dry_run:
        if not yes:
            if not settings.somebody_is_there:
                raise BadInput("nobody can be asked whether to do this", hint="say so with --yes")
            if settings.choose("Shall all of this be done?", ("yes", "no")) == "no":
                settings.say("Nothing was changed.")
                raise typer.Exit(1)
        for number, move in enumerate(plan.moves, start=1):
            if move.is_needed():
                settings.say(f"{number:3}. {move.does} ...")
                move.carry_out()
    settings.print_json(
        {
            "moves": [
                {"does": move.does, "needed": is_needed}
                for move, is_needed in zip(plan.moves, needed, strict=True)
            ],
            "remarks": plan.remarks,
            "done": not dry_run,
        }
    )
    return not dry_run
