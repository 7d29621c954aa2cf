"""The architecture, sized for a Raspberry Pi: trained from scratch, no weights are downloaded."""

from typing import Any

from training.backend import keras

NAME = "residual-cnn-16-32-64-128"


def build(classes: int) -> Any:
    """A small residual network (He et al., 2015) from raw values, 0 to 255, to logits.

    It averages over the whole plane at its end, so the same weights work at any picture size: training can
    begin with small pictures and end with large ones.

    Returns:
        keras.Model: (batch, height, width, 2) float32 to (batch, classes) float32.
    """
    layers = keras.layers
    pixels = keras.Input((None, None, 2))
    plane = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    plane = _convolution(plane, 16, kernel=5, stride=2)
    for filters in (32, 64, 128):
        plane = _convolution(plane, filters, stride=2)
        detour = _convolution(plane, filters)
        detour = _convolution(detour, filters, activate=False)
        plane = layers.ReLU()(layers.Add()([plane, detour]))
    features = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(plane))
    return keras.Model(pixels, layers.Dense(classes)(features), name="part_network")


def _convolution(plane: Any, filters: int, *, kernel: int = 3, stride: int = 1, activate: bool = True) -> Any:
    layers = keras.layers
    plane = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False)(plane)
    plane = layers.BatchNormalization(momentum=0.95)(plane)
    return layers.ReLU()(plane) if activate else plane
