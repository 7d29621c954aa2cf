"""`rig train`"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rig.cli.numbers import whole_number
from rig.cli.render import rendering_on, what_is_rendered_is_kept
from rig.cli.settings import Settings, percent, settings_of

if TYPE_CHECKING:
    from rich.progress import Progress

    from rig.config import Config
    from rig.dataset.reader import Sample
    from rig.model import Bundle
    from training.baseline import Baseline
    from training.events import TrainEvent
    from training.recipe import Recipe

_RENDERS = ".renders"
_AUGMENTATION_SHEET = Path("augmentation.png")


class AugmentChoice(StrEnum):
    """How far pictures are varied: the names of `training.augment.Strength`, which loads OpenCV."""

    NONE = "none"
    LIGHT = "light"
    USUAL = "usual"
    STRONG = "strong"


def train(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Class folders of pictures (default: what was captured)."),
    ] = None,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="The model's name below models/ (default: the time).")
    ] = "",
    folds: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole_number("--folds", least=0),
            help="Extra models, each tested on parts it has not seen; 0 for none (default: 2, if possible).",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole_number("--epochs", least=1),
            help="How often each picture is shown (default: 8).",
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", parser=whole_number("--seed", least=0), help="The same seed makes the same model."
        ),
    ] = 0,
    allow_mixed: Annotated[
        bool, typer.Option("--allow-mixed", help="Train on simulated and real pictures together.")
    ] = False,
    with_renders: Annotated[
        int,
        typer.Option(
            metavar="N",
            parser=whole_number("--with-renders", least=0),
            help="Renders of each part that train beside the pictures, and judge nothing.",
        ),
    ] = 0,
    augment: Annotated[
        AugmentChoice, typer.Option("--augment", help="How far the training pictures are varied.")
    ] = AugmentChoice.USUAL,
    no_flip: Annotated[
        bool,
        typer.Option(
            "--no-flip", help="Never mirror a picture (never done where two parts are mirror images)."
        ),
    ] = False,
    show_augmentation: Annotated[
        bool,
        typer.Option(
            "--show-augmentation",
            help=f"Draw what the network would see into {_AUGMENTATION_SHEET}, and end.",
        ),
    ] = False,
) -> None:
    """Make a model of captured pictures, and measure it on parts that it has never seen."""
    settings = settings_of(context)
    config = settings.load_config()
    from rig.catalog import part_number
    from training.augment import Strength
    from training.recipe import Recipe

    captures = data or config.paths.captures
    recipe = Recipe() if epochs is None else Recipe.of_epochs(epochs)
    variety = Strength(augment.value).augmentation
    recipe = replace(recipe, augmentation=variety.without_flip() if no_flip else variety)
    if show_augmentation:
        _show_augmentation(settings, captures, recipe, seed, allow_mixed=allow_mixed)
        return
    model = config.paths.models / (part_number(name) if name else f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    if with_renders:
        check_tensorflow()
    added = _added_renders(settings, config, captures, with_renders, allow_mixed=allow_mixed)
    with settings.progress() as bars:
        _load_tensorflow(bars)
        from training.pipeline import TrainRequest
        from training.pipeline import train as run

        request = TrainRequest(
            data=captures,
            model=model,
            folds=folds,
            recipe=recipe,
            seed=seed,
            allow_mixed=allow_mixed,
            added=added,
        )
        result = run(request, progress_on(bars))
    _say_what_is_not_mirrored(settings, result.bundle.card.labels)
    card = result.bundle.card
    settings.print_table(
        f"Measured on {card.scores.how}: top-1 {percent(card.scores.top1)}",
        ("part", "precision", "recall", "F1", "pictures"),
        [
            (row.label, percent(row.precision), percent(row.recall), percent(row.f1), str(row.support))
            for row in card.scores.classes
            if row.support
        ],
    )
    if card.split.untestable:
        settings.say(
            f"Of these only one brick or session was captured, so nothing honest can be said of"
            f" them: {', '.join(card.split.untestable)}."
        )
    if result.baseline:
        _say_baseline(settings, result.baseline)
    if result.copies:
        settings.say(f"{result.copies} pictures are copies of others, byte for byte, and were left out.")
    if result.not_located:
        settings.say(f"In {result.not_located} pictures no part was found; the whole picture was used.")
    if not settings.as_json:
        typer.echo(f"Model:  {model}\nReport: {model / 'report' / 'index.html'}")
    settings.print_json(
        {
            "model": model,
            "folds": result.folds,
            "not_located": result.not_located,
            "copies": result.copies,
            "baseline": result.baseline,
            "scores": card.scores.model_dump(),
        }
    )


def _added_renders(
    settings: Settings, config: "Config", data: Path, a_class: int, *, allow_mixed: bool
) -> "tuple[Sample, ...]":
    """Of each part that the simulator has so many pictures, out of the cache beside the models."""
    if not a_class:
        return ()
    from rig.dataset.reader import read_dataset
    from rig.sim.added_renders import add_renders
    from rig.sim.workers import cores

    dataset = read_dataset(data, allow_mixed=allow_mixed)
    with settings.progress() as bars, what_is_rendered_is_kept():
        added = add_renders(
            dataset,
            a_class,
            config.sim,
            config.paths.models / _RENDERS,
            workers=cores(),
            emit=rendering_on(bars),
        )
    settings.say(f"{len(added.samples)} renders ({added.new} of them new) are in {added.folder}.")
    if added.missing:
        settings.say(f"The simulator has no part {', '.join(added.missing)}: of these, pictures alone train.")
    return added.samples


def _show_augmentation(
    settings: Settings, data: Path, recipe: "Recipe", seed: int, *, allow_mixed: bool
) -> None:
    """Draw the sheet; TensorFlow is not needed for it."""
    import cv2

    from rig.dataset.reader import read_dataset
    from rig.files import write_whole
    from rig.model import Preprocess
    from training.augmentation_sheet import augmentation_sheet
    from training.data import MARGIN

    dataset = read_dataset(data, allow_mixed=allow_mixed)
    spec = Preprocess(size_px=recipe.size_px, margin=MARGIN)
    with settings.progress() as bars:
        sheet = augmentation_sheet(dataset, spec, recipe.augmentation, seed=seed, emit=progress_on(bars))
    write_whole(_AUGMENTATION_SHEET, cv2.imencode(".png", sheet)[1].tobytes())
    _say_what_is_not_mirrored(settings, dataset.labels)
    settings.print_json({"file": _AUGMENTATION_SHEET, "classes": len(dataset.labels)})
    settings.say(f"Written: {_AUGMENTATION_SHEET}.")


def _say_what_is_not_mirrored(settings: Settings, labels: Sequence[str]) -> None:
    from training.mirrors import mirrored_pairs

    if pairs := mirrored_pairs(labels):
        named = ", ".join(f"{one} and {other}" for one, other in pairs)
        settings.say(f"No picture is mirrored, since some classes are each other's mirror image: {named}.")


def _say_baseline(settings: Settings, baseline: "Baseline") -> None:
    """What the score has to be compared with, and whether pictures leak between the sides of the split."""
    settings.say(
        f"A nearest neighbour names {percent(baseline.top1)} of these pictures, and"
        f" {percent(baseline.random_split_top1)} where they are split at random: by memory."
    )
    if not baseline.near_copies:
        settings.say("No picture that it was measured on is a near-copy of one that it was trained on.")
        return
    leak = baseline.near_copies[0]
    settings.say(
        f"{len(baseline.near_copies)} of {baseline.judged} pictures are near-copies of trained ones, such as"
        f" {leak.held_out} of {leak.trained}: what is said of them is memory."
    )


def check_tensorflow() -> None:
    """See that training is possible, before anything is done for it; does not load TensorFlow.

    Raises:
        MissingPackage: TensorFlow is not installed.
    """
    from importlib.util import find_spec

    from rig.errors import MissingPackage

    if find_spec("tensorflow") is None:
        raise MissingPackage(
            "training needs TensorFlow, which is not installed", hint="pip install 'brickrig[train]'"
        )


def train_for_demo(bars: "Progress") -> Callable[[Path, Path], "Bundle"]:
    """What the demo trains with: one network, and its progress on `bars`."""

    def run(data: Path, models: Path) -> "Bundle":
        _load_tensorflow(bars)
        from training.pipeline import TrainRequest
        from training.pipeline import train as run_training

        request = TrainRequest(data=data, model=models / "demo", folds=0)
        return run_training(request, progress_on(bars)).bundle

    return run


def _load_tensorflow(bars: "Progress") -> None:
    """Load it under a moving bar: it takes several seconds."""
    starting = bars.add_task("Starting TensorFlow", total=None)
    import training.backend  # noqa: F401

    bars.remove_task(starting)


def progress_on(bars: "Progress") -> Callable[["TrainEvent"], None]:
    """Shows training events as progress bars."""
    from training.events import Converting, Fitting, Preparing

    preparing = bars.add_task("Preparing pictures", total=None)
    fitting = bars.add_task("Training", total=None, visible=False)

    def show(event: "TrainEvent") -> None:
        match event:
            case Preparing():
                bars.update(preparing, completed=event.done, total=event.total)
            case Fitting():
                bars.update(
                    fitting,
                    visible=True,
                    completed=round(1000 * event.share_done),
                    total=1000,
                    description=f"Training {event.stage}, epoch {event.epoch} of {event.epochs}",
                )
            case Converting():
                bars.update(fitting, description=f"Converting {event.stage}")

    return show
