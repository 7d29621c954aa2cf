"""From weights to another task: in two phases that survive a kill, or by a logistic head alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rig.card import Preprocess
from rig.cli.train_options import beginning
from rig.contrast import Contrast
from rig.errors import BadInput, Interrupted, NotLearning
from rig.vision.classifier import Classifier, Network
from rig.vision.preprocess import prepare
from tests.training.conftest import QUICK, crops_of, fit_to_red, ignore, write_shapes, write_weights
from tests.vision.pictures import Scene, draw
from training.backend import keras
from training.choices.names import RESIDUAL_CNN, SMALL_CNN
from training.choices.origin import Weights
from training.choices.recipe import Balance, Phase, Recipe
from training.choices.request import TrainRequest
from training.events import EpochDone, TrainEvent
from training.fitting.snapshot import Arrays, values_of
from training.networks.begin import HEAD, begin, features_of
from training.networks.logistic import balancing_weights, regress
from training.networks.weights import load_weights
from training.pictures.data import Crops
from training.pipeline import train

SMALL = Recipe(network=SMALL_CNN, phases=(Phase(16, 3),), batch=8, least_images=24)


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Crops:
    """Three shapes, each as two parts."""
    data = write_shapes(tmp_path_factory.mktemp("transfer"), parts=("red", "dark"), views=3)
    return crops_of(data, 16)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """Of a network for five other parts."""
    path = tmp_path_factory.mktemp("weights") / "best.weights.h5"
    keras.utils.set_random_seed(9)
    return Weights.named(str(write_weights(begin(SMALL, 5).model, path)))


def _kernels(model: Any) -> Arrays:
    return values_of([layer.kernel for layer in model.layers if isinstance(layer, keras.layers.Conv2D)])


def test_a_recipe_suits_its_network_and_its_weights() -> None:
    usual, weights = Recipe(), Weights("imagenet")
    assert usual.with_size(160).phases == (Phase(104, 5), Phase(160, 3))
    assert usual.with_network("Small_CNN").phases == usual.phases
    assert usual.with_size(160).with_network("MobileNetV2").phases == (Phase(160, 8),)
    with pytest.raises(ValueError, match="one size"):
        replace(usual, network="plain-cnn")
    assert usual.with_transfer(weights).phases == (
        Phase(96, 3, thawed=0.0),
        Phase(96, 5, thawed=0.3, rate=0.1),
    )
    assert usual.with_transfer(weights, frozen_epochs=0, thawed=1.0).phases == (
        Phase(96, 8, thawed=1.0, rate=0.1),
    )
    assert usual.with_transfer(weights, thawed=0.0).phases == (Phase(96, 8, thawed=0.0),)
    assert usual.with_epochs(1).with_transfer(weights).phases == (Phase(96, 1, thawed=0.3, rate=0.1),)
    assert [usual.phase_of(epoch).size_px for epoch in (1, 5, 6, 8)] == [64, 64, 96, 96]


@pytest.mark.parametrize(
    ("weights", "freeze_epochs", "thaw", "features", "said"),
    [
        ("", 2, None, False, "--freeze-epochs is of use with pretrained weights only"),
        ("", None, 0.5, False, "--thaw is of use with pretrained weights only"),
        ("", None, None, True, "--features is of use with pretrained weights only"),
        ("imagenet", 9, None, False, "--freeze-epochs 9 is more than the 8 epochs that there are"),
        ("imagenet", 8, 0.5, False, "--freeze-epochs 8 leaves no epoch for what --thaw names"),
    ],
)
def test_options_that_do_not_go_together_are_named(
    weights: str, freeze_epochs: int | None, thaw: float | None, features: bool, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        beginning(Recipe(), weights, freeze_epochs, thaw, features=features)


def test_transfer_fits_the_head_first_then_the_last_layers_and_goes_on_after_a_break(
    crops: Crops, weights: Weights, tmp_path: Path
) -> None:
    """Broken off at the end of the frozen epoch, and again among the thawed ones: bit for bit the same."""
    recipe = SMALL.with_transfer(weights, thawed=0.5)
    assert [phase.epochs for phase in recipe.phases] == [1, 2]
    events: list[TrainEvent] = []
    straight = fit_to_red(crops, recipe, tmp_path / "straight", events.append)
    rates = [event.learning_rate for event in events if isinstance(event, EpochDone)]
    assert rates[1] < rates[0] / 5
    began = _kernels(begin(recipe, 3).model)
    unchanged = [np.array_equal(one, other) for one, other in zip(began, _kernels(straight), strict=True)]
    assert unchanged == [True, True, False, False]

    for last in (1, 2):

        def interrupt(event: TrainEvent, last: int = last) -> None:
            if isinstance(event, EpochDone) and event.epoch == last:
                raise Interrupted

        with pytest.raises(Interrupted):
            fit_to_red(crops, recipe, tmp_path / "broken", interrupt)
    resumed = fit_to_red(crops, recipe, tmp_path / "broken")
    for one, other in zip(values_of(straight.variables), values_of(resumed.variables), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_frozen_base_keeps_its_statistics(crops: Crops, weights: Weights, tmp_path: Path) -> None:
    recipe = SMALL.with_transfer(weights, thawed=0.0)
    fitted = fit_to_red(crops, recipe, tmp_path)
    began = begin(recipe, 3).model
    for one, other in zip(features_of(began).get_weights(), features_of(fitted).get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(began.get_layer(HEAD).kernel, fitted.get_layer(HEAD).kernel)


def test_a_logistic_head_is_found_in_one_go(crops: Crops, weights: Weights, tmp_path: Path) -> None:
    recipe = SMALL.with_logistic_head(weights)
    events: list[TrainEvent] = []
    fitted = fit_to_red(crops, recipe, tmp_path, events.append)
    (epoch,) = [event for event in events if isinstance(event, EpochDone)]
    assert epoch.top1 > 0.9
    assert epoch.validation_top1 is not None
    assert (tmp_path / "final.weights.h5").exists()
    np.testing.assert_array_equal(
        features_of(fitted).get_weights()[0], features_of(begin(recipe, 3).model).get_weights()[0]
    )


def test_features_that_are_no_numbers_end_it_in_one_line(crops: Crops, tmp_path: Path) -> None:
    recipe = replace(SMALL, network=RESIDUAL_CNN)
    network = begin(recipe, 5).model
    network.set_weights([values * np.nan for values in network.get_weights()])
    path = write_weights(network, tmp_path / "nan.weights.h5")
    with pytest.raises(NotLearning, match="the features of final are no numbers") as caught:
        fit_to_red(crops, recipe.with_logistic_head(Weights.named(str(path))), tmp_path)
    assert "--weights" in caught.value.hint


def test_regression_finds_the_least_of_its_objective() -> None:
    """Of two classes on one feature, x = -1 and 1, each once the other: the slope is known."""
    features = np.array([[-1.0], [-1.0], [-1.0], [1.0], [1.0], [1.0]])
    targets = np.array([0, 0, 1, 1, 1, 0])
    head = regress(features, targets, np.ones(6), penalty=1e-9)
    odds = head.logits(np.array([[1.0]]))[0] @ np.array([-1, 1])
    assert odds == pytest.approx(np.log(2), abs=1e-3)
    shrunk = regress(features, targets, np.ones(6), penalty=1.0)
    assert abs(shrunk.kernel).max() < abs(head.kernel).max() / 2
    rare = regress(features, targets, np.array([1.0, 1, 1, 1, 1, 1]) * [0.5, 0.5, 2, 1, 1, 1], penalty=1e-9)
    assert rare.logits(np.array([[-1.0]]))[0].argmax() == 1


def test_classes_of_a_logistic_head_are_balanced_as_asked() -> None:
    targets = np.array([0, 0, 0, 1])
    shares = {balance: balancing_weights(targets, 2, Recipe(balance=balance))[3] / 4 for balance in Balance}
    assert shares == pytest.approx({"sampler": 1 / 2, "loss": 1 / 2, "both": 3 / 4, "none": 1 / 4})


def test_a_bundle_says_what_it_was_made_of_and_is_that_network(tmp_path: Path) -> None:
    """Of another network, with weights from a file, a logistic head, and whole pictures in colour."""
    data = write_shapes(tmp_path / "data", parts=("red", "dark"), views=2)
    path = tmp_path / "mine.weights.h5"
    keras.utils.set_random_seed(2)
    in_colour = replace(QUICK, contrast=Contrast.COLOUR, crops=False)
    recipe = in_colour.with_network("mobilenet_v3_small_minimalistic")
    write_weights(begin(recipe, 2).model, path)
    weights = Weights.named(str(path))
    request = TrainRequest(
        data=data, model=tmp_path / "models" / "m", folds=0, recipe=recipe.with_logistic_head(weights)
    )
    bundle = train(request, ignore).bundle
    card = bundle.card
    assert card.network == "MobileNetV3Small-minimalistic"
    assert card.preprocess == Preprocess(size_px=32, margin=None, contrast=Contrast.COLOUR)
    assert card.pretrained is not None
    assert (card.pretrained.source, card.pretrained.sha256) == (str(path), weights.sha256)
    assert "mine.weights.h5" in (bundle.folder / "report" / "index.html").read_text()
    pixels, _ = prepare(draw(Scene("bar")), card.preprocess)
    float32 = Network((bundle.folder / "variants" / "float32.tflite").read_bytes(), "float32")
    again = begin(recipe, 3).model
    load_weights(again, bundle.folder / "checkpoints" / "best.weights.h5", card.network)
    np.testing.assert_allclose(
        float32.logits(pixels), again(pixels[np.newaxis].astype(np.float32)).numpy()[0], rtol=1e-3, atol=1e-3
    )
    assert Classifier(bundle).classify(draw(Scene("bar"))).probabilities.sum() == pytest.approx(1, abs=1e-5)
