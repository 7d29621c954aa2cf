"""Networks by name: a base that makes features of raw pixels, and a head that makes logits of them."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rig.card import Pretrained
from rig.errors import BadInput
from training.backend import keras
from training.choices.names import OWN, PLAIN_CNN, RESIDUAL_CNN, SMALL_CNN, key
from training.choices.origin import Weights, digest_of
from training.choices.recipe import Recipe
from training.networks.applications import application_named, applications
from training.networks.weights import imagenet_file, load_weights

HEAD = "head"
"""Name of the last layer."""

Base = Callable[[int, int], Any]
"""From the side of the input and its planes to a keras.Model: (batch, side, side, planes) float32, 0 to 255,
to features. The last plane is the part's size."""


@dataclass(frozen=True)
class Start:
    """A network that has learnt nothing of the task yet.

    Attributes:
        name: of the architecture, properly spelt.
        model: keras.Model from raw values, (batch, side, side, planes) float32, to logits, (batch, classes).
        pretrained: what its base was filled with; None: it begins with random numbers.
    """

    name: str
    model: Any
    pretrained: Pretrained | None


def begin(recipe: Recipe, classes: int) -> Start:
    """Build the network of a recipe, with the weights that it begins with.

    Raises:
        BadInput: there is no network of this name, it does not take pictures of this size, or its weights are
            absent, changed, or those of another network.
    """
    name = network_name(recipe.network)
    base_of = _OWN[name] if name in _OWN else application_named(name).base
    base = base_of(recipe.size_px, recipe.contrast.planes)
    pretrained = None
    if recipe.weights is None:
        _quicken_statistics(base)
    else:
        path = _weights_file(recipe.weights, name, recipe.size_px)
        load_weights(base, path, name)
        pretrained = Pretrained(source=recipe.weights.source, sha256=digest_of(path))
    features = keras.layers.Dropout(0.2)(base.output)
    logits = keras.layers.Dense(classes, name=HEAD)(features)
    return Start(name, keras.Model(base.input, logits, name="part_network"), pretrained)


def network_name(name: str) -> str:
    """The proper name of a network, however it is spelt.

    Raises:
        BadInput: there is none of this name.
    """
    names = {key(known): known for known in (*OWN, *applications())}
    if key(name) not in names:
        near = difflib.get_close_matches(key(name), names, n=3)
        hint = (
            f"did you mean {' or '.join(names[spelt] for spelt in near)}?" if near else "see docs/training.md"
        )
        raise BadInput(f"there is no network {name}", hint=hint)
    return names[key(name)]


def features_of(model: Any) -> Any:
    """The part of a network (keras.Model) that comes before its head: raw values to features."""
    return keras.Model(model.input, model.get_layer(HEAD).input)


def _weights_file(weights: Weights, name: str, size_px: int) -> Path:
    if not weights.are_imagenets:
        return weights.unchanged_file()
    if name in _OWN:
        raise BadInput(
            f"there are no ImageNet weights of {name}", hint="choose another --network, such as MobileNetV2"
        )
    return imagenet_file(application_named(name), size_px)


def _quicken_statistics(base: Any) -> None:
    """Have running means follow within some hundreds of steps, which is all there are."""
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = _MOMENTUM


_MOMENTUM = 0.95


def _residual_cnn(size_px: int, planes: int) -> Any:
    """A small residual network (He et al., 2015), sized for a Raspberry Pi.

    It averages over the whole plane at its end, so the same weights work at any picture size: training can
    begin with small pictures and end with large ones.
    """
    layers = keras.layers
    pixels = keras.Input((None, None, planes))
    plane = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    plane = _convolution(plane, 16, kernel=5, stride=2)
    for filters in (32, 64, 128):
        plane = _convolution(plane, filters, stride=2)
        detour = _convolution(plane, filters)
        detour = _convolution(detour, filters, activate=False)
        plane = layers.ReLU()(layers.Add()([plane, detour]))
    return keras.Model(pixels, layers.GlobalAveragePooling2D()(plane))


def _small_cnn(size_px: int, planes: int) -> Any:
    """Four convolutions, each on half of the plane before: as few parts as a good network can have."""
    layers = keras.layers
    pixels = keras.Input((None, None, planes))
    plane = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    for filters in (32, 64, 128, 192):
        plane = layers.MaxPooling2D()(_convolution(plane, filters))
    return keras.Model(pixels, layers.GlobalAveragePooling2D()(plane))


_PLAIN_CNN_MOST_PX = 512
"""Its dense layer has weights in proportion to the picture: here a gigabyte, and several more to fit it."""


def _plain_cnn(size_px: int, planes: int) -> Any:
    """Three blocks and a dense layer, as tutorials have it: a reference, large and slow.

    Raises:
        BadInput: pictures of this size would take more memory than computers have.
    """
    if size_px > _PLAIN_CNN_MOST_PX:
        raise BadInput(
            f"{PLAIN_CNN} takes pictures of at most {_PLAIN_CNN_MOST_PX} pixels: of {size_px} its dense layer"
            " would fill the memory",
            hint="give a smaller --size, or another --network",
        )
    layers = keras.layers
    pixels = keras.Input((size_px, size_px, planes))
    plane = layers.Rescaling(1 / 255)(pixels)
    for filters in (32, 64, 128):
        plane = layers.MaxPooling2D()(layers.Conv2D(filters, 3, padding="same", activation="relu")(plane))
    dense = layers.Dense(512, activation="relu")(layers.Flatten()(plane))
    return keras.Model(pixels, layers.Dropout(0.3)(dense))


def _convolution(plane: Any, filters: int, *, kernel: int = 3, stride: int = 1, activate: bool = True) -> Any:
    layers = keras.layers
    plane = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False)(plane)
    plane = layers.BatchNormalization(momentum=_MOMENTUM)(plane)
    return layers.ReLU()(plane) if activate else plane


_OWN: dict[str, Base] = {RESIDUAL_CNN: _residual_cnn, SMALL_CNN: _small_cnn, PLAIN_CNN: _plain_cnn}
