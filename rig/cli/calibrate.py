"""`rig calibrate`"""

import secrets
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar, cast

import typer

from rig.cli.settings import Settings, settings_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from rig.config import Config

app = typer.Typer(
    help="Find the settings of the camera, and measure the turntable with it. What lies on the table is the"
    " mark for that; an empty one has to be given something first.",
    no_args_is_help=True,
)

Out = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FOLDER", help="Where the drawing of it goes (default: calibration, as in [paths])."
    ),
]
Part = Annotated[
    str,
    typer.Option(
        "--part",
        metavar="NUMBER",
        help="What is laid on an empty table: by the simulated hand, or as an example for you.",
    ),
]
_PART = "3001"


@app.command("table", short_help="How far does it really turn?")
def table(context: typer.Context, out: Out = None, part: Part = _PART) -> None:
    """Measure how far the table turns for what it is commanded, over two full turns.

    It tells whether the driver steps as rig.toml says, and what to write into rig.toml and into the firmware
    if it does not. Lay any part on the table, off its middle, or a printed marker; a part in the very middle
    may look the same after half a turn. Nothing but the table may move meanwhile.

    The exit code is 0 when rig.toml is right, and 1 when it is not or when nothing could be measured.
    """
    settings = settings_of(context)
    config = settings.load_config()
    from rig.calibration.steps import explain
    from rig.calibration.table import TableMeasured
    from rig.catalog import part_number
    from rig.jobs.calibrate import calibrate_table_job

    job = calibrate_table_job(
        config, out or config.paths.calibration, part_number(part), _seed(config), settings.ask
    )
    measured = _measure(settings, job, TableMeasured)
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
def settle(context: typer.Context, out: Out = None, part: Part = _PART) -> None:
    """Measure how long the picture keeps moving after the firmware has reported the end of motion.

    The table is turned by 5, 45 and 90 degrees, three times each, and watched for a second after each move
    with every frame that the camera gives; then by a degree to either side, to see what so little does to the
    picture. Lay any part on the table, off its middle, or a printed marker.
    """
    settings = settings_of(context)
    config = settings.load_config()
    from rig.calibration.settle import AT_REST_DEG, SettleMeasured
    from rig.catalog import part_number
    from rig.jobs.calibrate import calibrate_settle_job

    job = calibrate_settle_job(
        config, out or config.paths.calibration, part_number(part), _seed(config), settings.ask
    )
    measured = _measure(settings, job, SettleMeasured)
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
        typer.echo(f"Within {AT_REST_DEG:g} degrees of where it stops, the table counts as at rest.")
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


class _Sheet(StrEnum):
    """What is laid on the table as the reference."""

    WHITE = "white"
    GREY = "grey"


class _Mains(StrEnum):
    """What the lamp flickers with."""

    HZ_50 = "50"
    HZ_60 = "60"
    NONE = "none"


@app.command("camera", short_help="Which exposure, colours and focus?")
def camera(
    context: typer.Context,
    reference: Annotated[
        _Sheet, typer.Option(help="The sheet you lay on the table: white paper, or a grey card of 18 %.")
    ] = _Sheet.WHITE,
    mains: Annotated[
        _Mains, typer.Option(help="Frequency of the mains in Hz, or none for a lamp on direct current.")
    ] = _Mains.HZ_50,
    longest_ms: Annotated[
        float,
        typer.Option(min=0.1, max=1000, help="The longest exposure; a sweep at full speed needs 3 or less."),
    ] = 33.0,
    part: Part = _PART,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what was found; write nothing into rig.toml.")
    ] = False,
) -> None:
    """Find exposure, white balance and focus once, and write them into [camera] of rig.toml.

    You are asked to lay a plain sheet on the empty table, then a part if the lens can be focused, then to
    clear the table. White paper comes to level 215 of 255, with the least gain. A picture of the empty table
    is kept: it helps to find parts, as long as camera, lamp and settings stay as they are.
    """
    settings = settings_of(context)
    config = settings.load_config()
    from rig.calibration.camera import CameraMeasured, CameraWish
    from rig.calibration.light import Shutter
    from rig.catalog import part_number
    from rig.config_file import set_values
    from rig.jobs.calibrate import calibrate_camera_job

    flicker_us = None if mains is _Mains.NONE else 1e6 / (2 * int(mains.value))
    wish = CameraWish(reference.value, Shutter(longest_ms * 1000, flicker_us), part_number(part))
    job = calibrate_camera_job(config, wish, _seed(config), settings.ask)
    measured = _measure(settings, job, CameraMeasured)
    settings.print_table(
        "[camera]",
        ("key", "before", "found"),
        [
            (key, _as_toml(getattr(config.camera, key)), _as_toml(value))
            for key, value in measured.settings.items()
        ],
    )
    # Shown before they are written: what was found is not lost to a file that cannot be written.
    # What was found on the simulated rig has no place in the rig.toml of a real one.
    path = None if dry_run or settings.force_sim else settings.config_file
    if path is not None:
        set_values(path, "camera", measured.settings)
    if not settings.as_json:
        sheet = measured.sheet
        levels = f"{sheet.red:.0f}, {sheet.green:.0f}, {sheet.blue:.0f} (red, green, blue)"
        typer.echo(f"With them, the sheet is at {levels}.")
        typer.echo("Nothing was written into rig.toml." if path is None else f"Wrote {path}.")
        typer.echo(f"See {measured.picture} and {measured.empty_table}")
    settings.print_json(
        {
            "settings": measured.settings,
            "sheet": measured.sheet,
            "written": path,
            "picture": measured.picture,
            "empty_table": measured.empty_table,
        }
    )


def _as_toml(value: Any) -> str:
    return "-" if value is None else str(list(value) if isinstance(value, tuple) else value)


class _Step(Protocol):
    """How far a measurement has come: `done` of about `total` steps; `purpose` says what for."""

    @property
    def purpose(self) -> str: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...


_Result = TypeVar("_Result")


def _measure(
    settings: Settings, job: "Generator[_Step | _Result, None, None]", result: type[_Result]
) -> _Result:
    """Run a job of calibration under a progress bar to its result, with which it ends."""
    measured: _Result | None = None
    with settings.progress() as bars, closing(job) as events:
        bar = bars.add_task("Getting ready", total=None)
        for event in events:
            if isinstance(event, result):
                measured = event
            else:
                step = cast("_Step", event)
                bars.update(bar, description=step.purpose, completed=step.done, total=step.total)
        bars.update(bar, total=1, completed=1)
    assert measured is not None, "a job of calibration ends with its result or an error"
    return measured


def _seed(config: "Config") -> int:
    return secrets.randbits(62) if config.sim.seed is None else config.sim.seed


def _milliseconds(duration_s: float | None) -> str:
    return "-" if duration_s is None else f"{duration_s * 1e3:.0f} ms"
