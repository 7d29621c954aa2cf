"""From Keras to a full-integer TFLite network that takes raw uint8 pixels."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.chatter import native_chatter_hidden
from rig.errors import ModelError
from rig.files import storage_errors
from rig.vision.classifier import Network
from training.backend import keras, tf

_REPRESENTATIVES = 200


def to_integers(model: Any, inputs: NDArray[np.uint8], *, seed: int, scratch: Path) -> bytes:
    """Convert a network; weights and activations become int8, input and output uint8.

    Args:
        model: keras.Model over raw values, 0 to 255.
        inputs: (n, size, size, 2) uint8, as the network meets them; its ranges are taken from some.
        scratch: a folder that does not exist yet; left behind with the model as TensorFlow saves it.

    Returns:
        The .tflite file. Its input has scale 1 and zero point 0: a pixel is its own quantised value.

    Raises:
        ModelError: the conversion came out otherwise.
    """
    chosen = inputs[np.random.default_rng(seed).permutation(len(inputs))[:_REPRESENTATIVES]]
    pixels = keras.Input(inputs.shape[1:], batch_size=1)
    # By way of a saved model, because `from_keras_model` prints to standard output.
    with storage_errors(scratch):
        keras.Model(pixels, model(pixels)).export(str(scratch), verbose=False)
    content = _convert(tf.lite.TFLiteConverter.from_saved_model(str(scratch)), chosen)
    shape = Network(content, "the converted network").input_shape
    if shape != inputs.shape[1:]:
        raise ModelError(f"the conversion made an input of {shape}, not {inputs.shape[1:]}")
    return content


def _convert(converter: Any, chosen: NDArray[np.uint8]) -> bytes:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _representatives(chosen)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8
    with warnings.catch_warnings(), native_chatter_hidden():
        # "Statistics for quantized inputs were expected, but not specified": the representatives give them.
        warnings.simplefilter("ignore", UserWarning)
        return bytes(converter.convert())


def _representatives(chosen: NDArray[np.uint8]) -> Iterator[list[NDArray[np.float32]]]:
    """The first one holds 0 and 255: that makes the input's scale exactly 1 and its zero point 0."""
    extremes = chosen[0].copy()
    extremes[0, 0], extremes[0, 1] = 0, 255
    for picture in (extremes, *chosen):
        yield [picture[np.newaxis].astype(np.float32)]
