"""`rig train`"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rig.cli.numbers import whole_number
from rig.cli.settings import counted, percent, settings_of

if TYPE_CHECKING:
    from rich.progress import Progress

    from rig.model import Bundle
    from training.events import TrainEvent


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
) -> None:
    """Make a model of captured pictures, and measure it on parts that it has never seen."""
    settings = settings_of(context)
    config = settings.load_config()
    from rig.catalog import part_number

    model = config.paths.models / (part_number(name) if name else f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    with settings.progress() as bars:
        _load_tensorflow(bars)
        from training.pipeline import TrainRequest
        from training.pipeline import train as run
        from training.recipe import Recipe

        request = TrainRequest(
            data=data or config.paths.captures,
            model=model,
            folds=folds,
            recipe=Recipe() if epochs is None else Recipe.of_epochs(epochs),
            seed=seed,
            allow_mixed=allow_mixed,
        )
        result = run(request, progress_on(bars))
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
    if result.not_located:
        settings.say(
            f"In {counted(result.not_located, 'picture')} no part was found; the whole picture was used."
        )
    if not settings.as_json:
        typer.echo(f"Model:  {model}\nReport: {model / 'report' / 'index.html'}")
    settings.print_json(
        {
            "model": model,
            "folds": result.folds,
            "not_located": result.not_located,
            "scores": card.scores.model_dump(),
        }
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
