"""Networks of keras.applications, fitted to the rig's input: a grey value or colours, and the part's size.

They know pictures of three channels, each scaled in its own way, and ImageNet taught them what to make of
colour. So the grey value becomes three equal planes, or the colours are brought into their order; both are
scaled as Keras scales pictures for that network, and the network file still takes raw pixels. The size is no
picture: as one more plane it would be a tint. It joins the features at the head, as one number.
"""

import inspect
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from rig.errors import BadInput
from training.backend import keras

_COLOURS = 3


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
        *colours, size = (pixels[..., plane : plane + 1] for plane in range(planes))
        red_green_blue = colours[::-1] if len(colours) == _COLOURS else colours * _COLOURS
        scale, offset = self.scaling()
        scaled = layers.Rescaling(scale, offset)(layers.Concatenate()(red_green_blue))
        network = self.construct_with(weights=None, input_tensor=scaled, pooling="avg", size_px=size_px)
        size = layers.Rescaling(1 / 255)(layers.GlobalAveragePooling2D()(size))
        return keras.Model(pixels, layers.Concatenate()([network.output, size]))

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
