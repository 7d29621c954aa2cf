"""`rig calibrate`"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, TypeVar, cast

import typer

from rig.cli.running import following
from rig.cli.settings import Settings, settings_of

if TYPE_CHECKING:
    from rig.config import Config
    from rig.jobs.requests import CalibrateTurnRequest, JobRequest

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
    config = settings.read_config()
    from rig.calibration.steps import explain
    from rig.calibration.table import TableMeasured
    from rig.files import from_here

    measured, _ = _measure(
        settings, config, _turn_request(settings, "calibrate_table", out, part), TableMeasured
    )
    verdict = measured.verdict
    if not settings.as_json:
        typer.echo(f"{explain(verdict, config.turntable)}\nSee {from_here(measured.picture)}")
    settings.print_json(
        {
            "verdict": verdict,
            "full_turn_deg": measured.commanded_deg,
            "uncertainty_deg": measured.uncertainty_deg,
            "picture": from_here(measured.picture),
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
    config = settings.read_config()
    from rig.calibration.settle import AT_REST_DEG, SettleMeasured
    from rig.files import from_here

    measured, _ = _measure(
        settings, config, _turn_request(settings, "calibrate_settle", out, part), SettleMeasured
    )
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
        typer.echo(
            f"In [turntable] of rig.toml: settle_s = {measured.settle_s:g}\nSee {from_here(measured.picture)}"
        )
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
            "picture": from_here(measured.picture),
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
    config = settings.read_config()
    from rig.calibration.camera import CameraMeasured
    from rig.catalog import part_number
    from rig.jobs.known_table import table_stays
    from rig.jobs.requests import CalibrateCameraRequest

    request = CalibrateCameraRequest(
        attended=settings.somebody_is_there,
        reference=reference.value,
        mains_hz=None if mains is _Mains.NONE else 50 if mains is _Mains.HZ_50 else 60,
        longest_ms=longest_ms,
        example=part_number(part),
        write=not dry_run,
    )
    measured, path = _measure(settings, config, request, CameraMeasured)
    settings.print_table(
        "[camera]",
        ("key", "before", "found"),
        [
            (key, _as_toml(getattr(config.camera, key)), _as_toml(value))
            for key, value in measured.settings.items()
        ],
    )
    if not settings.as_json:
        sheet = measured.sheet
        levels = f"{sheet.red:.0f}, {sheet.green:.0f}, {sheet.blue:.0f} (red, green, blue)"
        typer.echo(f"With them, the sheet is at {levels}.")
        typer.echo("Nothing was written into rig.toml." if path is None else f"Wrote {path}.")
        typer.echo(f"See {measured.picture} and {measured.empty_table}")
    if not table_stays(config):
        settings.say(
            "A simulated rig without a seed has another lamp and camera each time:"
            " what was found holds for none of the next sessions."
        )
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


def _turn_request(
    settings: Settings, kind: "Literal['calibrate_table', 'calibrate_settle']", out: Path | None, part: str
) -> "CalibrateTurnRequest":
    from rig.catalog import part_number
    from rig.jobs.requests import CalibrateTurnRequest

    return CalibrateTurnRequest(
        attended=settings.somebody_is_there,
        kind=kind,
        example=part_number(part),
        folder="" if out is None else str(out.absolute()),
    )


def _measure(
    settings: Settings, config: "Config", request: "JobRequest", result: type[_Result]
) -> tuple[_Result, Path | None]:
    """Run a job of calibration under a progress bar to its result, and where that was written."""
    from rig.jobs.run import SettingsWritten

    measured: _Result | None = None
    written: Path | None = None
    with settings.progress() as bars, following(settings, config, request) as events:
        bar = bars.add_task("Getting ready", total=None)
        for event in events:
            if isinstance(event, result):
                measured = event
            elif isinstance(event, SettingsWritten):
                written = event.path
            else:
                step = cast("_Step", event)
                bars.update(bar, description=step.purpose, completed=step.done, total=step.total)
        bars.update(bar, total=1, completed=1)
    assert measured is not None, "a job of calibration ends with its result or an error"
    return measured, written


def _milliseconds(duration_s: float | None) -> str:
    return "-" if duration_s is None else f"{duration_s * 1e3:.0f} ms"
