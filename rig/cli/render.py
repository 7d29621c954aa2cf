"""`rig sim render`"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rig.cli.numbers import whole_number
from rig.cli.settings import Settings, counted, settings_of

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from rig.dataset.progress import Progress
    from rig.sim.sitting import Sitting
    from rig.sim.training_set import Rendered, TrainingSet


class QualityChoice(StrEnum):
    """How finely a picture is computed."""

    FAST = "fast"
    GOOD = "good"


def render(
    context: typer.Context,
    parts: Annotated[
        str,
        typer.Option(
            metavar="LIST",
            help="Part numbers between commas, a file with one a line, or all that the simulator has.",
        ),
    ],
    placements: Annotated[
        int,
        typer.Option(
            metavar="N",
            parser=whole_number("--placements", least=1),
            help="How often each part is laid, in another colour, on another side, under another light.",
        ),
    ] = 20,
    views: Annotated[
        int,
        typer.Option(
            metavar="N", parser=whole_number("--views", least=1), help="Pictures of each, spread over a turn."
        ),
    ] = 12,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole_number("--workers", least=1),
            help="Processes that share the work (default: one a core).",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="The dataset; masks go beside it, into FOLDER.truth.")
    ] = Path("renders"),
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", parser=whole_number("--seed", least=0), help="Another number shows other pictures."
        ),
    ] = 1,
    shard: Annotated[
        str,
        typer.Option(
            metavar="K/N",
            help="Render the K-th of N shares; the others may go into this folder too, or be copied into it.",
        ),
    ] = "1/1",
    quality: Annotated[
        QualityChoice, typer.Option("--quality", help="How finely light and edges are computed.")
    ] = QualityChoice.GOOD,
    ldraw: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="An LDraw library that has the parts (default: [sim] ldraw in rig.toml)."
        ),
    ] = None,
    width: Annotated[
        int, typer.Option(metavar="PX", parser=whole_number("--width"), help="Of each picture.")
    ] = 640,
    height: Annotated[
        int, typer.Option(metavar="PX", parser=whole_number("--height"), help="Of each picture.")
    ] = 480,
) -> None:
    """Render pictures of parts to train on: a dataset, with a mask for each picture beside it.

    Interrupted, or killed, the same command goes on with what is missing. The pictures depend on the part,
    the seed and their number alone, and neither on how many workers render them nor in which shares. Light,
    camera and table of each placement are drawn from the ranges of [sim.scene] in rig.toml.
    """
    settings = settings_of(context)
    config = settings.load_config()
    from rig.sim.part_library import library_of
    from rig.sim.recipe import Recipe, current_versions
    from rig.sim.shares import listed_parts, share_of, sittings_of
    from rig.sim.training_set import TrainingSet

    share = share_of(shard)
    ldraw = ldraw or config.sim.ldraw
    library = library_of(ldraw)
    sittings = list(sittings_of(seed, listed_parts(parts, library), placements, share))
    versions = current_versions(library)
    recipe = Recipe(seed, views, width, height, quality.value, config.sim.scene, versions)
    training_set = TrainingSet(out, recipe, ldraw)
    rendered = _render(settings, training_set, sittings, workers)
    if not settings.as_json:
        whose = "" if share.of == 1 else f" of share {share}"
        pictures = counted(rendered.pictures, "picture")
        typer.echo(f"{pictures}{whose} ({rendered.new} new) in {out}, masks in {training_set.truth}")
    settings.print_json({"data": out, "truth": training_set.truth, "share": str(share), "rendered": rendered})


def _render(
    settings: Settings, training_set: "TrainingSet", sittings: "list[Sitting]", workers: int | None
) -> "Rendered":
    from rig.sim.training_set import render_missing
    from rig.workers import cores

    with settings.progress() as bars, what_is_rendered_is_kept():
        return render_missing(training_set, sittings, workers or cores(), rendering_on(bars))


@contextmanager
def what_is_rendered_is_kept() -> Iterator[None]:
    """Say so of whatever ends the block."""
    from rig.errors import Interrupted, RigError

    try:
        yield
    except (RigError, Interrupted) as stop:
        stop.add_note("what was rendered is kept; the same command goes on with the rest")
        raise


def rendering_on(bars: "Bars") -> Callable[["Progress"], None]:
    """Shows how far the rendering is, a bar for each stage."""
    shown: dict[str, TaskID] = {}

    def show(progress: "Progress") -> None:
        if progress.stage not in shown:
            # What was there before counts as done, and not for the time that is left.
            shown[progress.stage] = bars.add_task(
                progress.stage, total=progress.total, completed=progress.done
            )
        bars.update(shown[progress.stage], completed=progress.done)

    return show
