"""From Keras to TFLite: the same network at four precisions."""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.card import Precision
from rig.chatter import native_chatter_hidden
from rig.errors import BadInput, ModelError
from rig.vision.classifier import Network
from training.backend import ConverterError, freeze, tf

_REPRESENTATIVES = 200


def convert(
    model: Any, inputs: NDArray[np.uint8], precisions: Sequence[Precision], *, seed: int
) -> dict[Precision, bytes]:
    """Convert a network to some precisions.

    Args:
        model: keras.Model over raw values, 0 to 255.
        inputs: (n, height, width, channels) uint8, as the network meets them; the ranges of its activations
            are taken from some.
        seed: chooses these.

    Returns:
        The .tflite files. All give float32 logits but int8, whose input has scale 1 and zero point 0: a pixel
        is its own quantised value.

    Raises:
        ModelError: the conversion came out otherwise.
    """
    frozen = _freeze(model, inputs.shape[1:])
    chosen = inputs[np.random.default_rng(seed).permutation(len(inputs))[:_REPRESENTATIVES]]
    converted = {precision: _convert(frozen, precision, chosen) for precision in precisions}
    for precision, content in converted.items():
        shape = Network(content, f"the network converted to {precision}").input_shape
        if shape != inputs.shape[1:]:
            raise ModelError(
                f"the conversion to {precision} made an input of {shape}, not {inputs.shape[1:]}"
            )
    return converted


def require_convertible(model: Any, name: str, shape: tuple[int, ...]) -> None:
    """Try the most demanding conversion on a network that has learnt nothing yet: it takes seconds.

    Args:
        model: keras.Model over raw values, 0 to 255.
        name: of the architecture.
        shape: of its input, (height, width, channels).

    Raises:
        BadInput: it cannot be converted to int8.
    """
    noise = np.random.default_rng(0).integers(0, 256, (1, *shape), dtype=np.uint8)
    try:
        convert(model, noise, (Precision.INT8,), seed=0)
    except (ModelError, ConverterError, RuntimeError) as error:
        reason = (
            error.what
            if isinstance(error, ModelError)
            else str(error).partition("\n")[0].rpartition("error: ")[2]
        )
        raise BadInput(
            f"{name} cannot be converted to int8: {reason}", hint="choose another --network"
        ) from error


def _freeze(model: Any, shape: tuple[int, ...]) -> Any:
    """The network as one function whose weights are constants.

    A converter that is given variables saves and loads the model again for each precision, which takes five
    times as long.
    """
    pixels = tf.TensorSpec((1, *shape), tf.float32, name="pixels")
    traced = tf.function(lambda pixels: model(pixels, training=False), autograph=False)
    return freeze(traced.get_concrete_function(pixels))


def _convert(frozen: Any, precision: Precision, chosen: NDArray[np.uint8]) -> bytes:
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], tf.Module())
    if precision is not Precision.FLOAT32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision is Precision.FLOAT16:
        converter.target_spec.supported_types = [tf.float16]
    if precision is Precision.INT8:
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
