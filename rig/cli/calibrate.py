"""`rig calibrate`"""

import secrets
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rig.cli.settings import Settings, settings_of

if TYPE_CHECKING:
    from rig.calibration.settle import SettleMeasured
    from rig.calibration.table import TableMeasured
    from rig.config import Config

app = typer.Typer(
    help="Measure the turntable with the camera. What lies on the table is the mark; an empty one has to be"
    " given something first.",
    no_args_is_help=True,
)

Out = Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the drawing of it goes.")]
Part = Annotated[
    str,
    typer.Option(
        "--part",
        metavar="NUMBER",
        help="What is laid on an empty table: by the simulated hand, or as an example for you.",
    ),
]
_OUT = Path("calibration")
_PART = "3001"


@app.command("table", short_help="How far does it really turn?")
def table(context: typer.Context, out: Out = _OUT, part: Part = _PART) -> None:
    """Measure how far the table turns for what it is commanded, over two full turns.

    It tells whether the driver steps as rig.toml says, and what to write into rig.toml and into the firmware
    if it does not. Lay any part on the table, off its middle, or a printed marker; a part in the very middle
    may look the same after half a turn. Nothing but the table may move meanwhile.

    The exit code is 0 when rig.toml is right, and 1 when it is not or when nothing could be measured.
    """
    settings = settings_of(context)
    config = settings.load_config()
    from rig.calibration.steps import explain

    measured = _measure_table(settings, config, out, part)
    verdict = measured.verdict
    if not settings.as_json:
        typer.echo(f"{explain(verdict, config.turntable)}\nSee {measured.picture}")
    settings.print_json(
        {
            "verdict": verdict,
            "full_turn_deg": measured.commanded_deg,
            "uncertainty_deg": measured.uncertainty_deg,
            "picture": measured.picture,
        }
    )
    if verdict.meaning != "right":
        raise typer.Exit(1)


@app.command("settle", short_help="How long does it swing after a stop?")
def settle(context: typer.Context, out: Out = _OUT, part: Part = _PART) -> None:
    """Measure how long the picture keeps moving after the firmware has reported the end of motion.

    The table is turned by 5, 45 and 90 degrees, three times each, and watched for a second after each move
    with every frame that the camera gives. Lay any part on the table, off its middle, or a printed marker.
    """
    settings = settings_of(context)
    config = settings.load_config()
    measured = _measure_settling(settings, config, out, part)
    settings.print_table(
        "When the picture was at rest after the reported end of motion",
        ("move", "moving until", "at rest from"),
        [
            (
                f"{move.size_deg:g} degrees",
                _milliseconds(move.moving_until_s),
                _milliseconds(move.still_from_s),
            )
            for move in measured.moves
        ],
    )
    if not settings.as_json:
        frame = _milliseconds(measured.frame_interval_s)
        typer.echo(f"A frame came every {frame}: nothing finer can be seen.")
        typer.echo(f"In [turntable] of rig.toml: settle_s = {measured.settle_s:g}\nSee {measured.picture}")
    settings.print_json(
        {
            "settle_s": measured.settle_s,
            "frame_interval_s": measured.frame_interval_s,
            "moves": [
                {
                    "size_deg": move.size_deg,
                    "moving_until_s": move.moving_until_s,
                    "still_from_s": move.still_from_s,
                }
                for move in measured.moves
            ],
            "picture": measured.picture,
        }
    )


def _measure_table(settings: Settings, config: "Config", out: Path, part: str) -> "TableMeasured":
    from rig.calibration.table import TableMeasured, TablePicture
    from rig.catalog import part_number
    from rig.jobs import calibrate_table_job

    measured: TableMeasured | None = None
    job = calibrate_table_job(config, out, part_number(part), _seed(config), settings.ask)
    with settings.progress() as bars, closing(job) as events:
        bar = bars.add_task("Looking at the start", total=None)
        for event in events:
            match event:
                case TablePicture():
                    total = event.done + event.left
                    bars.update(bar, description=event.purpose, completed=event.done, total=total)
                case TableMeasured():
                    measured = event
    assert measured is not None, "the job ends with TableMeasured or an error"
    return measured


def _measure_settling(settings: Settings, config: "Config", out: Path, part: str) -> "SettleMeasured":
    from rig.calibration.settle import MoveWatched, SettleMeasured
    from rig.catalog import part_number
    from rig.jobs import calibrate_settle_job

    measured: SettleMeasured | None = None
    job = calibrate_settle_job(config, out, part_number(part), _seed(config), settings.ask)
    with settings.progress() as bars, closing(job) as events:
        bar = bars.add_task("Watching the table come to rest", total=None)
        for event in events:
            match event:
                case MoveWatched():
                    bars.update(bar, completed=event.done, total=event.total)
                case SettleMeasured():
                    measured = event
    assert measured is not None, "the job ends with SettleMeasured or an error"
    return measured


def _seed(config: "Config") -> int:
    return secrets.randbits(62) if config.sim.seed is None else config.sim.seed


def _milliseconds(duration_s: float | None) -> str:
    return "-" if duration_s is None else f"{duration_s * 1e3:.0f} ms"
