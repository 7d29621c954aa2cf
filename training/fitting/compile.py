"""A network made ready to be fitted: its optimizer, its loss, and what is measured on the way."""

from typing import Any

from training.backend import keras
from training.choices.recipe import OptimizerName, Recipe

_MOMENTUM = 0.9


def compile_by(recipe: Recipe, model: Any) -> None:
    """Give a network (a keras.Model from pixels to logits) what the recipe fits it with.

    All variables are made here: TensorFlow traces a step that makes some twice, which takes seconds.
    """
    accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")
    model.compile(
        optimizer=_optimizer(recipe),
        loss=loss_of(recipe),
        metrics=[accuracy, CommonestShare(model.output_shape[-1])],
    )
    model.optimizer.build(model.trainable_variables)


def loss_of(recipe: Recipe) -> Any:
    """keras.losses.Loss of logits."""
    return keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing)


def _optimizer(recipe: Recipe) -> Any:
    rate = recipe.peak_rate
    match recipe.optimizer:
        case OptimizerName.SGD:
            return keras.optimizers.SGD(rate, momentum=_MOMENTUM, nesterov=True)
        case OptimizerName.ADAM:
            return keras.optimizers.Adam(rate)
        case OptimizerName.ADAMW:
            return keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
        case OptimizerName.ADADELTA:
            return keras.optimizers.Adadelta(rate)
        case OptimizerName.ADAGRAD:
            return keras.optimizers.Adagrad(rate)
        case OptimizerName.RMSPROP:
            return keras.optimizers.RMSprop(rate)


@keras.saving.register_keras_serializable(package="rig")
class CommonestShare(keras.metrics.Metric):  # type: ignore[misc]
    """Share of the pictures that were named as the class that was named most often: 1 is a collapse.

    Keras copies what a network is compiled with when it copies the network, and so must find it by name.
    """

    def __init__(self, classes: int, name: str = "commonest", dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self._classes = classes
        self._named = self.add_variable((classes,), initializer="zeros", name="named")

    def get_config(self) -> dict[str, Any]:
        """What makes another like it."""
        return {**super().get_config(), "classes": self._classes}

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count the classes that these logits name; weights do not count."""
        named = keras.ops.one_hot(keras.ops.argmax(y_pred, axis=-1), self._classes)
        self._named.assign(self._named + keras.ops.sum(named, axis=0))

    def result(self) -> Any:
        """0 before the first picture, else 1 / classes to 1."""
        return keras.ops.max(self._named) / keras.ops.maximum(keras.ops.sum(self._named), 1)
