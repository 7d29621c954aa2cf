"""`rig sweep` and `rig train --distribute`, as far as they get without training."""

from io import StringIO

from rich.console import Console
from rich.progress import Progress

from rig.cli.sweep import show_sweep_on
from tests.acceptance.conftest import Shell
from tests.training.conftest import ignore, write_shapes
from training.choices.names import SMALL_CNN
from training.choices.recipe import Phase, Recipe
from training.choices.request import TrainRequest
from training.events import Fitting
from training.sweep.run import SweepRequest, Trying, sweep
from training.sweep.search import Choice
from training.sweep.studies import database_url


def test_the_bar_numbers_trials_as_the_table_does() -> None:
    bars = Progress(console=Console(file=StringIO()))
    fitting = Fitting("trial 1", 2, 8, 1, 10, 0.5, share_done=0.1, seconds_left=None)
    show_sweep_on(bars)(Trying(1, fitting, trials=40, share_done=0.1, seconds_left=None))
    assert bars.tasks[-1].description == "Trial 1, epoch 2 of 8"


def test_what_cannot_be_searched_is_named(shell: Shell) -> None:
    said = shell.fails("sweep", "--search", "learning-rate,colour")
    assert "--search learning-rate,colour is not a list of what can be searched" in said
    assert "label-smoothing" in said
    assert "there is no sweep named bricks" in shell.fails("sweep", "--show", "--name", "bricks")


def test_nothing_is_said_to_be_kept_where_nothing_was_tried(shell: Shell) -> None:
    said = shell.fails("sweep", "--storage", "postgresql://rig@127.0.0.1:1/sweeps", "--data", ".")
    assert "cannot be used" in said
    assert "what was tried is kept" not in said


def test_who_only_looks_is_told_the_command_for_the_pictures_that_were_searched_on(shell: Shell) -> None:
    data = write_shapes(shell.folder / "shapes", parts=("a", "b"), views=1)
    recipe = Recipe(network=SMALL_CNN, phases=(Phase(16, 1),), least_images=32)
    models = shell.folder / "models"
    base = TrainRequest(data=data, model=models / "s", folds=0, recipe=recipe, allow_mixed=True)
    sweep(SweepRequest(base, database_url("", models), (Choice.BATCH,), trials=1), ignore)
    command = shell.json("sweep", "--show", "--name", "s")["command"]
    assert f"--data {data} " in command
    assert command.endswith(" --allow-mixed")
    assert (
        "--data elsewhere " in shell.json("sweep", "--show", "--name", "s", "--data", "elsewhere")["command"]
    )


def test_work_is_shared_with_somebody(shell: Shell) -> None:
    said = shell.fails("train", "--distribute")
    assert "there is nobody to share the work with: TensorFlow sees one " in said
    assert "TF_CONFIG" in said
    assert "takes no --distribute" in shell.fails("train", "--resume", "--distribute")
