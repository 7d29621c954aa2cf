"""`rig sweep` and `rig train --distribute`, as far as they get without training."""

from io import StringIO

from rich.console import Console
from rich.progress import Progress

from rig.cli.sweep import show_sweep_on
from tests.acceptance.conftest import Shell
from training.events import Fitting
from training.sweep.run import Trying


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


def test_work_is_shared_with_somebody(shell: Shell) -> None:
    said = shell.fails("train", "--distribute")
    assert "there is nobody to share the work with: TensorFlow sees one " in said
    assert "TF_CONFIG" in said
    assert "takes no --distribute" in shell.fails("train", "--resume", "--distribute")
