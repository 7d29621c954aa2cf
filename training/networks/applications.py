"""Networks of keras.applications, fitted to the rig's input: a grey value or colours, and the part's size.

They know pictures of three channels, each scaled in its own way, and ImageNet taught them what to make of
colour. So the grey value becomes three equal planes, or the colours are brought into their order; both are
scaled as Keras scales pictures for that network, and the network file still takes raw pixels. The size is no
picture: as one more plane it would be a tint. It joins the features at the head, as one number.
"""

import inspect
import math
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rig.errors import BadInput
from training.backend import keras

_COLOURS = 3
_EFFICIENT_NET = keras.applications.EfficientNetB0.__module__


@dataclass(frozen=True)
class Application:
    """One of them.

    Attributes:
        name: as Keras has it, with what is special about it.
        construct: a function of keras.applications.
        options: of this function.
    """

    name: str
    construct: Any
    options: Mapping[str, Any] = field(default_factory=dict)

    def base(self, size_px: int, planes: int) -> Any:
        """From raw values (batch, size_px, size_px, planes) to features (batch, features + 1): keras.Model.

        Raises:
            BadInput: it does not take pictures of this size.
        """
        layers = keras.layers
        pixels = keras.Input((size_px, size_px, planes))
        scaled = _Channels(*self._from(planes))(pixels)
        network = self.construct_with(weights=None, input_tensor=scaled, pooling="avg", size_px=size_px)
        size = layers.Rescaling(1 / 255)(layers.GlobalAveragePooling2D()(pixels)[:, -1:])
        return self._as_trained(keras.Model(pixels, layers.Concatenate()([network.output, size])))

    def _as_trained(self, base: Any) -> Any:
        """The network that ImageNet's weights belong to.

        Keras divides the normalised input of EfficientNet once more, by the roots of the deviations, but only
        where it loads ImageNet's weights itself (https://github.com/tensorflow/tensorflow/issues/49930).
        """
        if self.construct.__module__ != _EFFICIENT_NET:
            return base
        again = [1 / math.sqrt(deviation) for deviation in sys.modules[_EFFICIENT_NET].IMAGENET_STDDEV_RGB]

        def call(layer: Any, *arguments: Any, **options: Any) -> Any:
            outputs = layer(*arguments, **options)
            normalises = isinstance(layer, keras.layers.Normalization)
            return keras.layers.Rescaling(again)(outputs) if normalises else outputs

        return keras.models.clone_model(base, call_function=call)

    def _from(self, planes: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What makes the network's channels of raw planes: (planes, 3) of each in each, and (3,) to add."""
        scale, offset = self.scaling()
        mixture = np.zeros((planes, _COLOURS), np.float32)
        sources = (2, 1, 0) if planes > _COLOURS else (0, 0, 0)  # blue, green and red, or grey; then the size
        mixture[sources, range(_COLOURS)] = scale
        return mixture, np.array(offset, np.float32)

    def scaling(self) -> tuple[list[float], list[float]]:
        """Scale and offset of each channel, of the `preprocess_input` that stands beside the network.

        All of them are linear in the pixel; where the network scales its input itself, they do nothing.
        """
        preprocess = sys.modules[self.construct.__module__].preprocess_input
        black, white = (preprocess(np.full((1, 1, 1, 3), value, np.float32)).ravel() for value in (0, 255))
        return ((white - black) / 255).tolist(), black.tolist()

    def construct_with(self, *, size_px: int, **options: Any) -> Any:
        """The bare network without its top.

        Raises:
            BadInput: it does not take pictures of this size.
        """
        shape = (size_px, size_px, 3)
        try:
            with warnings.catch_warnings():
                # Some say that their ImageNet weights were made at another size: they were, and work.
                warnings.simplefilter("ignore", UserWarning)
                return self.construct(include_top=False, input_shape=shape, **options, **self.options)
        except ValueError as error:
            problem = str(error).splitlines()[0]
            raise BadInput(
                f"{self.name} cannot be built for {size_px} pixels: {problem}", hint="try another --size"
            ) from error


class _Channels(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Red, green and blue as a network knows them: a convolution of 1 x 1 that learns nothing.

    Its numbers are no weights, so files of weights need not know of it. Planes that are cut out, joined and
    scaled would be the same, but TFLite counts an offset that is added to joined planes into their range, and
    so into that of the input: in int8 it would no longer take raw pixels.

    Args:
        mixture: (planes, channels), how much of each plane is in each channel.
        offset: (channels,).
    """

    def __init__(self, mixture: ArrayLike, offset: ArrayLike, **options: Any) -> None:
        super().__init__(**options)
        self._mixture = np.array(mixture, np.float32)
        self._offset = np.array(offset, np.float32)

    def get_config(self) -> dict[str, Any]:
        """What makes another like it."""
        return {
            **super().get_config(),
            "mixture": self._mixture.tolist(),
            "offset": self._offset.tolist(),
        }

    def call(self, planes: Any) -> Any:
        """From (batch, height, width, planes) to (batch, height, width, channels)."""
        return keras.ops.conv(planes, self._mixture[np.newaxis, np.newaxis]) + self._offset


@cache
def applications() -> Mapping[str, Application]:
    """All of them, by name."""
    constructs = {
        name: construct
        for name, construct in vars(keras.applications).items()
        if inspect.isfunction(construct)
    }
    plain = {name: Application(name, construct) for name, construct in constructs.items()}
    minimalistic = {
        f"{name}-minimalistic": Application(f"{name}-minimalistic", construct, {"minimalistic": True})
        for name, construct in constructs.items()
        if "minimalistic" in inspect.signature(construct).parameters
    }
    return plain | minimalistic


def application_named(name: str) -> Application:
    """By its proper name."""
    return applications()[name]
