"""`rig stop`"""

from typing import Annotated

import typer

from rig.cli.settings import settings_of


def stop(
    context: typer.Context,
    emergency: Annotated[
        bool,
        typer.Option("--emergency", help="Kill the board (M112): it answers nothing more until a reset."),
    ] = False,
) -> None:
    """Stop the table at once and end whatever runs the rig, which puts it at rest."""
    settings = settings_of(context)
    config = settings.load_config()
    from rig.stop import stop_rig

    stopped = stop_rig(config, emergency=emergency)
    for owner in stopped:
        settings.say(f"Stopped: {owner.command} (process {owner.pid}).")
    if not stopped:
        settings.say(
            "Nothing runs the simulated rig in this folder."
            if config.sim.enabled
            else f"No other program runs the rig; the board on {config.serial.port} was stopped."
        )
    settings.print_json({"stopped": stopped, "emergency": emergency})
