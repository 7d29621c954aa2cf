"""The range test: what is suggested, and that it is drawn."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.errors import NotLearning
from tests.training.conftest import ignore, write_shapes, write_weights
from training.choices.names import SMALL_CNN
from training.choices.origin import Weights
from training.choices.recipe import Phase, Recipe
from training.choices.request import TrainRequest
from training.events import Fitting, TrainEvent
from training.fitting.rate_test import find_rate, judge
from training.networks.begin import begin

RATES = np.geomspace(1e-5, 1, 121)


def test_a_tenth_of_the_rate_with_the_lowest_loss_is_suggested() -> None:
    """Noise of single batches does not matter: the running mean is judged."""
    valley = np.minimum(2.0, 1 + np.abs(np.log10(RATES) + 2))  # lowest at 0.01
    noise = np.random.default_rng(0).normal(0, 0.02, len(RATES))
    for losses in (valley, valley + noise):
        test = judge(RATES, losses)
        assert 1e-3 <= test.suggested <= 4e-3  # the running mean lags behind
        assert len(test.smoothed) == len(test.rates) == len(test.losses) == 121


def test_a_loss_that_never_falls_suggests_nothing() -> None:
    with pytest.raises(NotLearning, match="falls at no learning rate from 1e-05 to 1"):
        judge(RATES, np.linspace(1, 3, 121))


def test_weights_that_are_no_numbers_end_it_in_one_line(tmp_path: Path) -> None:
    recipe = Recipe(network=SMALL_CNN, phases=(Phase(24, 1),), batch=16)
    network = begin(recipe, 3).model
    network.set_weights([values * np.nan for values in network.get_weights()])
    path = write_weights(network, tmp_path / "nan.weights.h5")
    request = TrainRequest(
        data=write_shapes(tmp_path / "data", parts=("red",), views=2),
        model=tmp_path / "models" / "m",
        recipe=recipe.with_transfer(Weights.named(str(path))),
    )
    with pytest.raises(NotLearning, match="the loss is no number before a step is taken") as caught:
        find_rate(request, tmp_path / "models" / "rates.png", ignore)
    assert "--weights" in caught.value.hint


def test_rates_are_tried_and_drawn_and_nothing_is_trained(tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "data", parts=("red", "dark"), views=3)
    recipe = Recipe(network=SMALL_CNN, phases=(Phase(16, 1), Phase(24, 1)), batch=16)
    request = TrainRequest(data=data, model=tmp_path / "models" / "m", recipe=recipe)
    events: list[TrainEvent] = []
    test = find_rate(request, tmp_path / "models" / "rates.png", events.append)
    assert 1e-5 < test.suggested < 0.1
    assert len([event for event in events if isinstance(event, Fitting)]) == len(test.losses)
    assert test.smoothed.min() < 0.9 * test.smoothed[0]
    assert cv2.imread(str(tmp_path / "models" / "rates.png")) is not None
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["rates.png"]
