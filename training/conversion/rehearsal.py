"""Quantization-aware training: fine-tune a network while its numbers are rounded as int8 will round them.

Keras 3 has no such training: tensorflow-model-optimization knows Keras 2 only, and `keras.Model.quantize`
rounds once, for Keras itself. Two things are rounded here, as Jacob et al. (2018) do: kernels, with a scale
for each output channel, and what comes out of activations and sums, with one scale a tensor. Gradients pass
the rounding unchanged (straight-through, Bengio et al., 2013): they are taken at the rounded kernels and
applied to the exact ones. Batch normalisation needs no care: it scales whole channels, which are rounded
the same then.
"""

from collections.abc import Iterator
from typing import Any

from training.backend import keras, tf

_LEVELS = 127  # of an int8 kernel on each side of 0, as TFLite has it

_ACTIVATIONS = (
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.Add,
    keras.layers.Concatenate,
    keras.layers.Multiply,
    keras.layers.GlobalAveragePooling2D,
)
"""Layers whose outputs are tensors of the converted network; convolutions are fused with what follows."""


def rehearse(model: Any, batches: Any, *, epochs: int, learning_rate: float, loss: Any) -> Any:
    """A copy of a network, fine-tuned under rounding.

    Args:
        model: keras.Model, functional; it is left alone.
        batches: what `keras.Model.fit` takes.
        learning_rate: of Adam, constant.
        loss: keras.losses.Loss of the logits.

    Returns:
        keras.Model of the same architecture, not rounded: conversion does that.
    """
    rounded = keras.models.clone_model(model, call_function=_call)
    rounded.set_weights(model.get_weights())
    _fit_all_but_statistics(rounded)
    trainer = _Rehearsal(rounded.inputs, rounded.outputs, name="rehearsal")
    trainer.compile(optimizer=keras.optimizers.Adam(learning_rate), loss=loss)
    trainer.fit(batches, epochs=epochs, shuffle=False, verbose=0)  # the batches are drawn at random already
    fine_tuned = keras.models.clone_model(model)
    fine_tuned.set_weights(rounded.get_weights())
    return fine_tuned


class _Rehearsal(keras.Model):  # type: ignore[misc]
    """Takes each gradient at the rounded kernels, and steps from the exact ones."""

    def train_step(self, data: tuple[Any, Any]) -> dict[str, Any]:
        inputs, targets = data
        kernels = list(_kernels(self))
        exact = [tf.identity(kernel.value) for kernel, _ in kernels]
        for kernel, axes in kernels:
            kernel.assign(_rounded_kernel(kernel.value, axes))
        variables = self.trainable_variables
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x=inputs, y=targets, y_pred=self(inputs, training=True))
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        for (kernel, _), value in zip(kernels, exact, strict=True):
            kernel.assign(value)
        self.optimizer.apply(gradients, variables)
        return {"loss": loss}


class _RoundedOutput(keras.layers.Layer):  # type: ignore[misc]
    """Eight bits between the least and the greatest value of the batch."""

    def call(self, values: Any) -> Any:
        least = tf.stop_gradient(tf.minimum(tf.reduce_min(values), 0.0))
        most = tf.stop_gradient(tf.maximum(tf.reduce_max(values), least + 1e-6))
        return tf.quantization.fake_quant_with_min_max_vars(values, least, most)


def _call(layer: Any, *arguments: Any, **options: Any) -> Any:
    """Call a layer of the copy, and round what comes out where the converted network has a tensor."""
    outputs = layer(*arguments, **options)
    return _RoundedOutput()(outputs) if isinstance(layer, _ACTIVATIONS) else outputs


def _rounded_kernel(kernel: Any, axes: tuple[int, ...]) -> Any:
    """To 255 levels; `axes` are those that share a scale."""
    scale = tf.maximum(tf.reduce_max(tf.abs(kernel), axis=axes, keepdims=True), 1e-9) / _LEVELS
    return tf.round(kernel / scale) * scale


def _kernels(model: Any) -> Iterator[tuple[Any, tuple[int, ...]]]:
    """Every kernel that is trained, and its axes but that of the output channel."""
    for layer in _layers(model):
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        if depthwise or isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense)):
            (kernel,) = [variable for variable in layer.trainable_variables if "kernel" in variable.name]
            yield kernel, (0, 1) if depthwise else tuple(range(len(kernel.shape) - 1))


def _fit_all_but_statistics(model: Any) -> None:
    """The network is only nudged, in all its kernels: its batch statistics are to stay what they were."""
    for layer in _layers(model):
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)


def _layers(model: Any) -> Iterator[Any]:
    """The layers of a network and of the networks inside it."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer
