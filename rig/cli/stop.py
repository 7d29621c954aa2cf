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
    config = settings.read_config()
    from rig.stop import stop_rig

    stopped = stop_rig(config, emergency=emergency, anywhere=settings.any_rig_is_meant)
    settings.say_if_simulated(config, stopped.daemon)
    for owner in stopped.owners:
        settings.say(f"Stopped: {owner.command} (process {owner.pid}).")
    if stopped.daemon is not None:
        settings.say(
            f"Stopped: {stopped.job}, through {stopped.daemon}."
            if stopped.job is not None
            else f"No job ran; asked {stopped.daemon}."
        )
        if emergency:
            settings.say("The board is dead. Once all is well, reset it, or press Reconnect on the page.")
    elif not stopped.owners:
        settings.say(
            "Nothing runs the simulated rig in this folder."
            if config.sim.enabled
            else f"No other program runs the rig; the board on {config.serial.port} was stopped."
        )
    document = {"stopped": stopped.owners, "emergency": emergency, "job": stopped.job}
    daemon = stopped.daemon
    settings.print_json(document | {"daemon": None if daemon is None else daemon.pid})
