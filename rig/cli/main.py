"""`rig`: the options that all commands share, and where an error becomes a line and an exit code."""

import json
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from rig.at_rest import CANCEL_SIGNALS, KILL_SIGNALS, STOP_SIGNALS, is_stoppable
from rig.cli import (
    calibrate,
    capture,
    classify,
    dataset,
    demo,
    doctor,
    evaluate,
    init,
    inventory,
    model,
    plan,
    review,
    serve,
    service,
    sim,
    sort,
    stop,
    sweep,
    train,
)
from rig.cli.settings import Settings
from rig.errors import Interrupted, RigError, in_plain_words

_INTERRUPTED = 130

app = typer.Typer(
    name="rig",
    help="Capture, train and sort LEGO parts with a turntable and a camera - or with a simulated rig.",
    no_args_is_help=True,
    # Plain help keeps `rig --help` quick: importing the decorated one doubles its time.
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="The options above work before or after a command. Start with: rig demo",
)


def _version(wanted: bool) -> None:
    if wanted:
        from rig import __version__

        typer.echo(f"brickrig {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The rig's configuration (default: rig.toml, if there is one)."),
    ] = None,
    sim: Annotated[
        bool, typer.Option("--sim", help="Use the simulated rig, whatever rig.toml says.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    context.obj = Settings(config_path=config, force_sim=sim, as_json=as_json, debug=debug)


for _name, _command, _summary in (
    ("demo", demo.demo, "See the whole loop on the simulated rig."),
    ("capture", capture.capture, "Take labelled pictures of a part."),
    ("train", train.train, "Make a model of captured pictures."),
    ("sweep", sweep.sweep, "Search for better ways to train."),
    ("sort", sort.sort, "Recognise parts, drop each into its bin."),
    ("review", review.review, "Name what sorting was not sure of."),
    ("plan", plan.plan, "Sort more parts than there are bins."),
    ("serve", serve.serve, "Own the rig for all, and show a page."),
    ("stop", stop.stop, "Stop the table at once, whoever runs it."),
    ("classify", classify.classify, "Say which part a picture shows."),
    ("evaluate", evaluate.evaluate, "Measure a model on labelled pictures."),
    ("doctor", doctor.doctor, "See what is missing and what to do."),
    ("init", init.init, "Write a commented rig.toml."),
):
    app.command(_name, short_help=_summary)(_command)
app.add_typer(calibrate.app, name="calibrate", short_help="Set up camera and turntable.")
app.add_typer(dataset.app, name="dataset", short_help="Look after captured pictures.")
app.add_typer(inventory.app, name="inventory", short_help="Count what was sorted, and what is missing.")
app.add_typer(model.app, name="model", short_help="Look after trained models.")
app.add_typer(service.app, name="service", short_help="Have the computer run the rig as a service.")
app.add_typer(sim.app, name="sim", short_help="Run the simulated board, see what is simulated.")


def main() -> None:
    """Entry point of the `rig` command."""
    for number in CANCEL_SIGNALS:
        # `nohup` has SIGHUP ignored, and means it.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    for number in (*STOP_SIGNALS, *KILL_SIGNALS):
        signal.signal(number, _stop)
    arguments = hoist_global_options(sys.argv[1:])
    as_json = "--json" in arguments
    try:
        code = app(arguments, standalone_mode=False)
    except Interrupted as stop:
        _report("Interrupted", "stopped", "", getattr(stop, "__notes__", []), as_json)
        sys.exit(_INTERRUPTED)
    except typer.TyperException as error:
        what = in_plain_words(error.format_message())
        if what.startswith("Usage: ") and not as_json:
            # Of a command that has others: its help, which needs no hint at itself.
            typer.echo(what, err=True)
        else:
            hint = " ".join(["see: rig", *_command_in(arguments), "--help"])
            _report("BadInput", what.rstrip("."), hint, [], as_json)
        sys.exit(error.exit_code)
    except RigError as error:
        if "--debug" in arguments:
            raise
        _report(type(error).__name__, error.what, error.hint, getattr(error, "__notes__", []), as_json)
        sys.exit(error.exit_code)
    sys.exit(code or 0)


def hoist_global_options(arguments: list[str]) -> list[str]:
    """Move the global options to the front, so that they work behind a command as well."""
    front: list[str] = []
    rest: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--":
            rest += [argument, *remaining]
        elif argument in ("--sim", "--json", "--debug") or argument.startswith("--config="):
            front.append(argument)
        elif argument == "--config":
            front += [argument, *[value for value in [next(remaining, None)] if value is not None]]
        else:
            rest.append(argument)
    return front + rest


def _command_in(arguments: list[str]) -> list[str]:
    """The command that was asked for, as far as there is one, such as `dataset export`."""
    level: typer.Typer | None = app
    command: list[str] = []
    for argument in arguments:
        if level is None:
            break
        groups = {group.name: group.typer_instance for group in level.registered_groups}
        if argument in {*groups, *(known.name for known in level.registered_commands)}:
            command.append(argument)
            level = groups.get(argument)
    return command


def _interrupt(signum: int, frame: FrameType | None) -> None:
    if is_stoppable():
        typer.echo("Stopping once the rig can be left at rest; Ctrl-C again stops it at once.", err=True)
    # Not KeyboardInterrupt, which typer turns into an exit of its own: this passes through every `finally`
    # that puts the rig at rest, and reaches `main` with the notes that were added on its way.
    raise Interrupted


def _stop(signum: int, frame: FrameType | None) -> None:
    """What `rig stop` sends to the process that runs the rig; whatever moves has been stopped already."""
    raise Interrupted


def _report(kind: str, what: str, hint: str, notes: list[str], as_json: bool) -> None:
    if as_json:
        typer.echo(
            json.dumps({"error": {"kind": kind, "what": what, "hint": hint, "notes": notes}}, indent=2)
        )
    typer.echo(f"rig: {what}", err=True)
    for note in notes:
        typer.echo(f"     {note}", err=True)
    if hint:
        typer.echo(f"     {hint}", err=True)
