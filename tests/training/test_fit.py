"""Fitting itself: choices by name, ends before the last epoch, and going on after a kill."""

import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from rig.errors import Interrupted, ModelError, NotLearning
from tests.training.conftest import crops_of, fit_to_red, ignore, write_shapes
from training.choices.names import SMALL_CNN
from training.choices.recipe import USUAL_RATES, Balance, OptimizerName, Phase, Recipe
from training.choices.schedules import ScheduleName
from training.events import EpochDone, Fitting, Noted, TrainEvent
from training.fitting.compile import compile_by
from training.fitting.fit import class_weights, fit
from training.fitting.snapshot import Arrays, values_of
from training.networks.begin import begin
from training.pictures.batches import training_batches
from training.pictures.data import Crops
from training.progress import Progress

SIZE_PX = 24
RECIPE = Recipe(
    network=SMALL_CNN,
    phases=(Phase(16, 2), Phase(16, 10)),
    batch=8,
    least_images=24,
    schedule=ScheduleName.ONE_CYCLE,
    patience=2,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shapes, each as two parts."""
    return write_shapes(tmp_path_factory.mktemp("fit"), parts=("red", "dark"), views=3)


@pytest.fixture(scope="module")
def crops(data: Path) -> Crops:
    """Cut out."""
    return crops_of(data, SIZE_PX)


@pytest.mark.parametrize("name", OptimizerName)
def test_every_optimizer_has_its_name_and_its_usual_rate(name: OptimizerName) -> None:
    model = begin(Recipe(), 2).model
    compile_by(Recipe(optimizer=name), model)
    assert type(model.optimizer).__name__.lower() == name
    assert float(model.optimizer.learning_rate) == pytest.approx(USUAL_RATES[name])
    compile_by(Recipe(optimizer=name, learning_rate=0.123), model)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.123)


def test_classes_are_balanced_as_asked(crops: Crops) -> None:
    """Of four pictures of one class and one of another, by what is drawn times what it counts for."""
    first, second = (np.flatnonzero(crops.targets == target) for target in (0, 1))
    two_classes = replace(crops, labels=crops.labels[:2])
    train = np.concatenate((first[:4], second[:1]))
    shares = {}
    for balance in Balance:
        recipe = Recipe(phases=(Phase(16, 1),), batch=400, balance=balance)
        _, one_hot = training_batches(two_classes, train, recipe, recipe.phases[0], seed=(0,))[0]
        weights = class_weights(two_classes, train, recipe) or {0: 1.0, 1: 1.0}
        counted = one_hot.sum(axis=0) * (weights[0], weights[1])
        shares[balance] = float(counted[1] / counted.sum())
    assert shares == pytest.approx({"sampler": 1 / 2, "loss": 1 / 2, "both": 4 / 5, "none": 1 / 5}, abs=0.1)


def test_a_network_that_names_one_class_only_ends_the_training(crops: Crops, tmp_path: Path) -> None:
    """A decay this strong leaves nothing of the weights."""
    recipe = replace(RECIPE, phases=(Phase(16, 6),), weight_decay=300.0, patience=None)
    events: list[TrainEvent] = []
    with pytest.raises(NotLearning, match=r"final has collapsed: for 3 epochs, up to epoch [45]") as caught:
        fit_to_red(crops, recipe, tmp_path, events.append)
    assert "--learning-rate" in caught.value.hint


def test_a_last_step_that_spoils_the_network_is_noticed_where_nothing_validates(
    crops: Crops, tmp_path: Path
) -> None:
    """The loss of a step is of before it: this one step is the first and the last."""
    recipe = replace(
        RECIPE,
        phases=(Phase(16, 1),),
        batch=24,
        optimizer=OptimizerName.SGD,
        schedule=ScheduleName.CONSTANT,
        learning_rate=1e30,
        patience=None,
    )
    with pytest.raises(NotLearning, match="training of final diverged in its last epoch") as caught:
        fit(
            crops,
            np.arange(len(crops)),
            np.empty(0, np.int64),
            recipe,
            stage="final",
            seed=0,
            state=tmp_path / "final.state",
            checkpoint=tmp_path / "final.weights.h5",
            progress=Progress(1.0),
            emit=ignore,
        )
    assert "--learning-rate" in caught.value.hint


@dataclass(frozen=True)
class Straight:
    """A fit without a break."""

    weights: Arrays
    events: list[TrainEvent]

    @property
    def epochs(self) -> list[EpochDone]:
        """As they were told."""
        return [event for event in self.events if isinstance(event, EpochDone)]


@pytest.fixture(scope="module")
def straight(crops: Crops, tmp_path_factory: pytest.TempPathFactory) -> Straight:
    """Ended by patience."""
    events: list[TrainEvent] = []
    model = fit_to_red(crops, RECIPE, tmp_path_factory.mktemp("straight"), events.append)
    return Straight(values_of(model.variables), events)


def test_patience_ends_the_last_phase(straight: Straight) -> None:
    epochs = straight.epochs
    assert 5 <= len(epochs) < 12
    assert [epoch.kept for epoch in epochs[:3]] == [False, False, True]
    assert [epoch.kept for epoch in epochs[-3:]] == [True, False, False]
    (note,) = [event.text for event in straight.events if isinstance(event, Noted)]
    assert note.startswith(f"Training of final ends after epoch {len(epochs)} of 12")


def test_the_last_epoch_is_taken_for_the_best_where_few_pictures_validate(
    crops: Crops, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(RECIPE, patience=None, phases=(Phase(16, 1), Phase(16, 6)))

    def kept(folder: str) -> list[bool]:
        events: list[TrainEvent] = []
        (tmp_path / folder).mkdir()
        fit_to_red(crops, recipe, tmp_path / folder, events.append)
        epochs = [event for event in events if isinstance(event, EpochDone)]
        losses = [epoch.validation_loss for epoch in epochs if epoch.validation_loss is not None]
        falls = [k > 0 and loss < min([np.inf, *losses[1:k]]) for k, loss in enumerate(losses)]
        assert falls.count(True) < 6  # or both rules would keep the same
        assert [epoch.kept for epoch in epochs] in (falls, [False, *[True] * 6])
        return [epoch.kept for epoch in epochs]

    assert kept("few") == [False, *[True] * 6]
    monkeypatch.setattr("training.fitting.fit.LEAST_TO_CHOOSE", 9)
    assert not all(kept("enough")[1:])


_KILLED = """
import os, signal, sys
from pathlib import Path
from tests.training import test_fit
from tests.training.conftest import crops_of, fit_to_red
from training.events import Fitting

def kill(event):
    if isinstance(event, Fitting) and (event.epoch, event.batch) == (2, 2):
        os.kill(os.getpid(), signal.SIGKILL)

fit_to_red(crops_of(Path(sys.argv[1]), test_fit.SIZE_PX), test_fit.RECIPE, Path(sys.argv[2]), kill)
"""


def test_a_fit_that_is_killed_ends_with_the_same_weights(
    straight: Straight, data: Path, crops: Crops, tmp_path: Path
) -> None:
    """Killed within epoch 2 of the first phase, interrupted after epoch 3 in the second: bit for bit."""
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(data), str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL

    def interrupt(event: TrainEvent) -> None:
        if isinstance(event, EpochDone) and event.epoch == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        fit_to_red(crops, RECIPE, tmp_path, interrupt)
    events: list[TrainEvent] = []
    weights = values_of(fit_to_red(crops, RECIPE, tmp_path, events.append).variables)
    assert min(event.epoch for event in events if isinstance(event, Fitting)) == 4
    assert [event for event in events if isinstance(event, EpochDone)] == straight.epochs
    for one, other in zip(straight.weights, weights, strict=True):
        np.testing.assert_array_equal(one, other)

    events.clear()
    fit_to_red(crops, RECIPE, tmp_path, events.append)
    assert not [event for event in events if isinstance(event, Fitting)]  # what is over is not begun again

    state = tmp_path / "final.state"
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"the checkpoint .*final\.state is damaged"):
        fit_to_red(crops, RECIPE, tmp_path)
