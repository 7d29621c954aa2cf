"""The training engine behind the commands: whether it is there, loading it, and how far it is."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rig.errors import MissingPackage

if TYPE_CHECKING:
    from rich.progress import Progress

    from rig.model import Bundle
    from training.choices.recipe import Recipe
    from training.events import TrainEvent


def check_tensorflow() -> None:
    """See that training is possible, before anything is done for it; does not load TensorFlow.

    Raises:
        MissingPackage: TensorFlow is not installed.
    """
    from importlib.util import find_spec

    if find_spec("tensorflow") is None:
        raise MissingPackage(
            "training needs TensorFlow, which is not installed", hint="pip install 'brickrig[train]'"
        )


def train_for_demo(bars: "Progress") -> Callable[[Path, Path], "Bundle"]:
    """What the demo trains with: one network, and its progress on `bars`."""

    def run(data: Path, models: Path) -> "Bundle":
        load_tensorflow(bars)
        from training.choices.request import TrainRequest
        from training.pipeline import train as run_training

        request = TrainRequest(data=data, model=models / "demo", folds=0)
        return run_training(request, progress_on(bars)).bundle

    return run


def load_tensorflow(bars: "Progress") -> None:
    """Load it under a moving bar: it takes several seconds."""
    starting = bars.add_task("Starting TensorFlow", total=None)
    import training.backend  # noqa: F401

    bars.remove_task(starting)


def require_beginning(bars: "Progress", recipe: "Recipe") -> None:
    """See that there is a recipe's network, and that its weights fit, before hours go into pictures for it.

    Raises:
        BadInput: there is none, or they do not.
    """
    load_tensorflow(bars)
    from training.networks.begin import begin

    begin(recipe, classes=2)


def progress_on(bars: "Progress") -> Callable[["TrainEvent"], None]:
    """Shows training events as progress bars."""
    from training.events import Converting, Fitting, Noted, Preparing

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
                    seconds_left=event.seconds_left,
                )
            case Converting():
                bars.update(fitting, description=f"Converting {event.stage}")
            case Noted():
                bars.console.print(event.text)

    return show
