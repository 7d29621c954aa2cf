"""A network that int8 ruins is good again after it has rehearsed for it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rig.card import Precision
from rig.vision.classifier import Network
from training.backend import keras
from training.choices.recipe import Recipe
from training.conversion.quantize import convert
from training.conversion.rehearsal import rehearse
from training.fitting.compile import compile_by

SIZE_PX = 16
PICTURES = 200


@pytest.fixture(scope="module")
def pictures() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The first plane is a little brighter in the second class; the second plane is always white."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, PICTURES)
    pictures = rng.integers(0, 20, (PICTURES, SIZE_PX, SIZE_PX, 2), dtype=np.uint8)
    pictures[..., 0] += (100 + 30 * targets[:, np.newaxis, np.newaxis]).astype(np.uint8)
    pictures[..., 1] = 255
    return pictures, targets


class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """Fifty pictures a step."""

    def __init__(self, inputs: NDArray[np.uint8], targets: NDArray[np.int64]) -> None:
        super().__init__()
        self._inputs = inputs.astype(np.float32)
        self._targets = np.eye(2, dtype=np.float32)[targets]

    def __len__(self) -> int:
        return len(self._inputs) // 50

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rows = slice(50 * index, 50 * index + 50)
        return self._inputs[rows], self._targets[rows]


def _fragile() -> keras.Model:
    """Its useful weights are so small beside the useless ones that 127 levels do not tell them from 0.

    The useless ones weigh the white plane, and a bias takes away again what they add.
    """
    pixels = keras.Input((None, None, 2))
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(pixels))
    model = keras.Model(pixels, keras.layers.Dense(2, name="head")(features))
    middle = 124.5 / 255
    model.get_layer("head").set_weights(
        [np.array([[-20, 20], [9000, 9000]], float), np.array([20 * middle - 9000, -20 * middle - 9000])]
    )
    return model


def _right(network: bytes, pictures: NDArray[np.uint8], targets: NDArray[np.int64]) -> float:
    asked = Network(network, "a test's network")
    named = [int(asked.logits(picture).argmax()) for picture in pictures]
    return float(np.mean(np.array(named) == targets))


def test_rehearsal_mends_what_rounding_breaks(
    pictures: tuple[NDArray[np.uint8], NDArray[np.int64]],
) -> None:
    keras.utils.set_random_seed(0)
    inputs, targets = pictures
    model = _fragile()
    plain = convert(model, inputs, (Precision.FLOAT32, Precision.INT8), seed=0)
    assert _right(plain[Precision.FLOAT32], inputs, targets) > 0.95
    assert _right(plain[Precision.INT8], inputs, targets) < 0.7
    compile_by(Recipe(), model)  # As it comes from its training.
    before = model.get_weights()
    fine_tuned = rehearse(
        model,
        Batches(inputs, targets),
        epochs=30,
        learning_rate=10.0,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
    )
    assert (
        _right(convert(fine_tuned, inputs, (Precision.INT8,), seed=0)[Precision.INT8], inputs, targets) > 0.95
    )
    for weights, left_alone in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weights, left_alone)
