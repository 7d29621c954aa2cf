"""`rig sim`"""

import secrets
import threading

import typer

from rig.cli.settings import settings_of


def sim(context: typer.Context) -> None:
    """Run the simulated Marlin board alone, for any other Marlin client, until Ctrl-C."""
    settings = settings_of(context)
    config = settings.load_config()
    from rig.sim.bench import SimulatedBench

    real_time = config.model_copy(update={"sim": config.sim.model_copy(update={"real_time": True})})
    seed = secrets.randbits(62) if config.sim.seed is None else config.sim.seed
    with SimulatedBench(real_time, seed) as bench:
        settings.print_json({"port": bench.port, "baud": config.serial.baud})
        if not settings.as_json:
            typer.echo(
                f"A simulated Marlin board listens on {bench.port} (any baud rate). Stop it with Ctrl-C."
            )
        threading.Event().wait()
