"""`rig sim`"""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rig.cli.address import host_and_port
from rig.cli.render import render
from rig.cli.settings import Settings, counted, settings_of

if TYPE_CHECKING:
    from rig.clock import Clock
    from rig.config import Config
    from rig.devices.operator import Subject
    from rig.sim.camera import SimulatedCamera
    from rig.sim.port import PortKind, SimulatedPort
    from rig.sim.survey import Measures, Twins
    from rig.sim.survey_report import SurveyReport

app = typer.Typer()
app.command("render", short_help="Render pictures to train on.")(render)


@app.callback(invoke_without_command=True)
def board(
    context: typer.Context,
    pty: Annotated[
        bool, typer.Option("--pty", help="Offer a pseudo-terminal (the default where there are any).")
    ] = False,
    socket: Annotated[bool, typer.Option("--socket", help="Offer a TCP socket of this machine.")] = False,
    mjpeg: Annotated[
        str | None,
        typer.Option(metavar="[HOST:]PORT", help="Show what the camera sees, as an MJPEG stream over HTTP."),
    ] = None,
    part: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="With --mjpeg: the part that lies on the table.")
    ] = None,
    colour: Annotated[
        str | None, typer.Option(metavar="CODE|NAME", help="Its colour, in LDraw's numbering: 4 is red.")
    ] = None,
    faults: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Faults that strike: a scenario or a TOML file with one."),
    ] = None,
) -> None:
    """Run the simulated Marlin board alone, in real time, for any Marlin client, until Ctrl-C.

    With --mjpeg, run the camera beside it, for any webcam client. With a command, do that instead.
    """
    if context.invoked_subcommand is not None:
        return
    settings = settings_of(context)
    config = settings.load_config()
    from rig.errors import Interrupted
    from rig.sim.bench import SimulatedBench

    kind = _port_kind(pty, socket)
    subject = _subject(part, colour, mjpeg)
    address = None if mjpeg is None else host_and_port("--mjpeg", mjpeg)
    changes: dict[str, object] = {"real_time": True} | ({} if faults is None else {"faults": faults})
    config = config.model_copy(update={"sim": config.sim.model_copy(update=changes)})
    seed = secrets.randbits(62) if config.sim.seed is None else config.sim.seed
    bench = SimulatedBench(config, kind=kind, on_strike=lambda strike: settings.say(f"Fault: {strike}"))
    camera, hand = bench.begin(config, seed)
    if subject is not None:
        hand.place(replace(subject, seed=seed), pose=0)
    # Its ordinary end is Ctrl-C.
    with suppress(Interrupted), ExitStack() as stack:
        page = None if address is None else stack.enter_context(_stream(camera, bench.clock, *address))
        stack.enter_context(bench)
        _announce(settings, config, bench.port, kind, page)
        bench.port.wait()
        settings.say("The board was unplugged for good.")


@contextmanager
def _stream(camera: "SimulatedCamera", clock: "Clock", host: str, port: int) -> Iterator[str]:
    from rig.sim.stream import offer_stream

    camera.start()
    with offer_stream(camera, clock, host, port) as page:
        yield page


def _announce(
    settings: Settings, config: "Config", port: "SimulatedPort", kind: "PortKind", page: str | None
) -> None:
    settings.print_json(
        {
            "port": port.url,
            "stable_port": port.stable_url,
            "baud": config.serial.baud,
            "kind": kind.value,
            "page": page,
        }
    )
    if settings.as_json:
        return
    typer.echo(f"A simulated Marlin board listens on {port.url} (any baud rate).")
    if port.stable_url != port.url:
        typer.echo(f"By a name that stays when it is unplugged: {port.stable_url}")
    if page is not None:
        typer.echo(f"Its camera is seen at {page} (a page), {page}stream.mjpg and {page}snapshot.jpg.")
        if config.light.pin is not None:
            typer.echo(f"The lamp is off until the board is sent: M42 P{config.light.pin} S255")
    typer.echo("Stop it with Ctrl-C.")


def _subject(part: str | None, colour: str | None, mjpeg: str | None) -> "Subject | None":
    from rig.catalog import colour_code, part_number
    from rig.devices.operator import Subject
    from rig.errors import BadInput

    if colour is not None and part is None:
        raise BadInput("--colour is that of a part", hint="add --part NUMBER")
    if part is None:
        return None
    if mjpeg is None:
        raise BadInput("without a camera nobody sees the part", hint="add --mjpeg 127.0.0.1:8080")
    return Subject(part_number(part), None if colour is None else colour_code(colour))


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


@app.command("parts", short_help="Try the parts of an LDraw library.")
def parts(
    context: typer.Context,
    numbers: Annotated[
        list[str] | None, typer.Argument(metavar="[PART]...", help="Which parts (default: all of them).")
    ] = None,
    ldraw: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The library: a folder with parts, p and LDConfig.ldr (default: [sim] ldraw in rig.toml).",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where sheets and table go (default: simulated-parts).")
    ] = Path("simulated-parts"),
) -> None:
    """Load and render the parts of an LDraw library, and compare the ten built-in ones with their twins.

    A part that fails is named with what is wrong, and the exit code is 1 then. Sheets of all parts, a table
    of what was measured of each (parts.csv) and the twins side by side (twins.jpg) are written. To use the
    library, name it in rig.toml: ldraw in [sim].
    """
    settings = settings_of(context)
    config = settings.load_config()
    from rig.catalog import part_number
    from rig.errors import BadInput
    from rig.sim.ldraw.library import LDrawLibrary
    from rig.sim.survey import compare, survey, twin_parts
    from rig.sim.survey_report import SurveyReport

    folder = ldraw or config.sim.ldraw
    if folder is None:
        raise BadInput("no LDraw library is named", hint="name its folder: --ldraw DIR, or ldraw in [sim]")
    library = LDrawLibrary(folder)
    if not library.has_plastics:
        settings.say(f"{folder} has no LDConfig.ldr: the simulator's own colours and plastics are used.")
    wanted = [part_number(number) for number in numbers or ()] or library.part_numbers()
    report = SurveyReport(out)
    with settings.progress() as bars:
        for fared in bars.track(survey(library, wanted), total=len(wanted), description="Parts"):
            report.add(fared)
        failed = {failed.part for failed in report.failed}
        common = [part for part in twin_parts(library) if part in wanted and part not in failed]
        # A bar of nothing would stand there empty.
        waiting = bars.track(common, description="Twins") if common else ()
        pairs = [compare(library, part) for part in waiting]
    report.finish(pairs)
    _show(settings, report, pairs)
    if report.failed:
        raise typer.Exit(1)


@app.command("look", short_help="Write a sheet of simulated pictures to look at.")
def look(
    context: typer.Context,
    numbers: Annotated[
        list[str] | None, typer.Argument(metavar="[PART]...", help="Which parts (default: the ten built in).")
    ] = None,
    scenes: Annotated[int, typer.Option(min=1, max=100, help="How many sessions: a row for each.")] = 4,
    angles: Annotated[int, typer.Option(min=1, max=72, help="How many views of each part.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Another number, other scenes.")] = 0,
    fast: Annotated[
        bool, typer.Option("--fast", help="As the simulated camera sees it, less finely.")
    ] = False,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where the sheet goes: .jpg.")] = Path("look.jpg"),
) -> None:
    """Write a sheet of parts in scenes, drawn from the ranges of [sim.scene] in rig.toml."""
    settings = settings_of(context)
    config = settings.load_config()
    from rig.catalog import part_number
    from rig.errors import BadInput
    from rig.files import write_whole
    from rig.sim.look import TILE_PX, Look, captioned
    from rig.sim.part_library import library_of
    from rig.sim.parts import PARTS
    from rig.sim.quality import FAST, GOOD
    from rig.vision.contact_sheet import contact_sheet
    from rig.vision.jpeg import encode_jpeg

    if out.suffix.lower() not in (".jpg", ".jpeg"):
        raise BadInput(f"{out} is no JPEG file", hint="such as: --out look.jpg")
    asked = Look(
        parts=[part_number(number) for number in numbers or sorted(PARTS)],
        scenes=scenes,
        angles=angles,
        ranges=config.sim.scene,
        size_px=(config.camera.width_px, config.camera.height_px),
        quality=FAST if fast else GOOD,
        ldraw=config.sim.ldraw,
        seed=seed,
    )
    library = library_of(config.sim.ldraw)
    for part in asked.parts:
        library.require(part)
    with settings.progress() as bars:
        shots = bars.track(asked.shots(library), total=asked.pictures, description="Pictures")
        pictures = [captioned(shot) for shot in shots]
    images, captions = zip(*pictures, strict=True)
    write_whole(out, encode_jpeg(contact_sheet(images, captions, asked.columns, TILE_PX)))
    settings.print_json({"file": out, "pictures": len(images)})
    settings.say(f"Written: {out}, {counted(len(images), 'picture')}.")


def _show(settings: Settings, report: "SurveyReport", pairs: "list[Twins]") -> None:
    paces = report.paces()
    settings.print_json(
        {
            "rendered": report.figures,
            "renamed": report.renamed,
            "failed": report.failed,
            "paces": paces,
            "twins": [{"part": pair.part, "built": pair.built, "ldraw": pair.ldraw} for pair in pairs],
            "files": report.files,
        }
    )
    settings.print_table(
        f"Parts that load and render: {len(report.figures)}; that fail: {len(report.failed)}",
        ("step", "median", "slowest", "part", "all"),
        [
            (
                pace.step,
                f"{pace.median_s:.3f} s",
                f"{pace.slowest_s:.2f} s",
                pace.slowest,
                f"{pace.total_s:.1f} s",
            )
            for pace in paces
        ],
    )
    if report.failed:
        settings.print_table(
            "Failures", ("part", "why"), [(failed.part, failed.why) for failed in report.failed]
        )
    if pairs:
        settings.print_table(
            "Built in, and in LDraw",
            ("part", "built: mm", "LDraw: mm", "built: mm²", "LDraw: mm²", "ratio"),
            [
                (
                    pair.part,
                    _extents(pair.built),
                    _extents(pair.ldraw),
                    f"{pair.built.area_mm2:.0f}",
                    f"{pair.ldraw.area_mm2:.0f}",
                    f"{pair.built.area_mm2 / pair.ldraw.area_mm2:.2f}",
                )
                for pair in pairs
            ],
        )
    if report.renamed:
        settings.say(f"Numbers that were renamed, and load as well: {len(report.renamed)}.")
    textured = [figures.part for figures in report.figures if figures.textured]
    if textured:
        settings.say(f"Textures (TEXMAP) are left out, of: {', '.join(textured)}.")
    settings.say(f"Written: {', '.join(str(path) for path in report.files)}.")


def _extents(measures: "Measures") -> str:
    return " ".join(f"{length:.1f}" for length in measures.size_mm)
