"""`rig sim`"""

from typing import TYPE_CHECKING, Annotated

import typer

from rig.cli.settings import settings_of

if TYPE_CHECKING:
    from rig.sim.port import PortKind

app = typer.Typer()


@app.callback(invoke_without_command=True)
def board(
    context: typer.Context,
    pty: Annotated[
        bool, typer.Option("--pty", help="Offer a pseudo-terminal (the default where there are any).")
    ] = False,
    socket: Annotated[bool, typer.Option("--socket", help="Offer a TCP socket of this machine.")] = False,
    faults: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Faults that strike: a scenario or a TOML file with one."),
    ] = None,
) -> None:
    """Run the simulated Marlin board alone, in real time, for any Marlin client, until Ctrl-C.

    With a command, do that instead.
    """
    if context.invoked_subcommand is not None:
        return
    settings = settings_of(context)
    config = settings.load_config()
    from rig.clock import SystemClock
    from rig.sim.port import SimulatedPort
    from rig.sim.wiring import build_board, build_world

    kind = _port_kind(pty, socket)
    if faults is not None:
        config = config.model_copy(update={"sim": config.sim.model_copy(update={"faults": faults})})
    world = build_world(config, SystemClock())
    board = build_board(config, world, on_strike=lambda strike: settings.say(f"Fault: {strike}"))
    with SimulatedPort(world, board=board, kind=kind) as port:
        settings.print_json(
            {"port": port.url, "stable_port": port.stable_url, "baud": config.serial.baud, "kind": kind.value}
        )
        if not settings.as_json:
            typer.echo(f"A simulated Marlin board listens on {port.url} (any baud rate).")
            if port.stable_url != port.url:
                typer.echo(f"By a name that stays when it is unplugged: {port.stable_url}")
            typer.echo("Stop it with Ctrl-C.")
        port.wait()
    settings.say("The board was unplugged for good.")


def _port_kind(pty: bool, socket: bool) -> "PortKind":
    from rig.errors import BadInput
    from rig.sim.port import PortKind

    if pty and socket:
        raise BadInput("a board has one port, not both --pty and --socket", hint="leave one of them out")
    if socket:
        return PortKind.SOCKET
    kind = PortKind.available()
    if pty and kind is not PortKind.PTY:
        raise BadInput("this system has no pseudo-terminals that a board could use", hint="use --socket")
    return kind
