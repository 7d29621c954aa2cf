"""Fit one network: small pictures first, full size last, one cosine of the learning rate over it all."""

import math
import time
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.errors import RigError
from rig.files import require_room, storage_errors
from training.backend import keras
from training.batches import AugmentedBatches
from training.data import Crops, network_inputs
from training.events import Emit, EpochDone, Fitting
from training.networks import build
from training.recipe import Phase, Recipe

ROOM = 16_000_000
"""Bytes on disk for one network, with a margin: weights take 2.1 MB, saved model 4.3 MB, TFLite 0.5 MB."""


class Progress:
    """Share of the work done, and how long the rest will take."""

    def __init__(self, work: float) -> None:
        self._work = work
        self._done = 0.0
        self._started_s = time.monotonic()

    def advance(self, work: float) -> None:
        """So much more is done."""
        self._done += work

    @property
    def share_done(self) -> float:
        """0 to 1."""
        return min(1.0, self._done / self._work)

    @property
    def seconds_left(self) -> float | None:
        """At the mean speed so far; None at the very start."""
        if self.share_done < 0.005:
            return None
        return (time.monotonic() - self._started_s) * (1 / self.share_done - 1)


def fit(
    crops: Crops,
    train: NDArray[np.int64],
    validation: NDArray[np.int64],
    recipe: Recipe,
    *,
    stage: str,
    seed: int,
    checkpoint: Path,
    progress: Progress,
    emit: Emit,
) -> Any:
    """Fit a network to some of the crops.

    Args:
        crops: all of them, at least as large as the recipe's pictures.
        train, validation: indices into `crops`; validation may be empty.
        stage: what events call this network.
        checkpoint: a path that ends in `.weights.h5`; the best weights are kept in it: those of the lowest
            validation loss at full size, or the last ones where there is nothing to validate on.
        progress: of the whole run.

    Returns:
        keras.Model with the kept weights.

    Raises:
        RigError: the loss is no longer a number.
        StorageError: the checkpoint cannot be written.
    """
    keras.utils.clear_session()  # layers are counted from one again: their names end up in the converted file
    keras.utils.set_random_seed(seed % 2**32)  # NumPy's and TensorFlow's take no more
    model = build(len(crops.labels))
    model.compile(
        optimizer=keras.optimizers.AdamW(weight_decay=recipe.weight_decay),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
    )
    rate = _CosineRate(recipe.learning_rate, recipe.steps(len(train)))
    keeper = _Keeper(checkpoint, stage, recipe, progress, emit)
    epochs_done = 0
    for number, phase in enumerate(recipe.phases):
        batches = AugmentedBatches(
            crops.images[train],
            crops.masks[train],
            crops.sizes[train],
            crops.targets[train],
            classes=len(crops.labels),
            size_px=phase.size_px,
            augmentation=recipe.augmentation.for_classes(crops.labels),
            batch=recipe.batch,
            batches=recipe.batches(len(train)),
            seed=(seed, number),
        )
        keeper.enter(phase)
        model.fit(
            batches,
            initial_epoch=epochs_done,
            epochs=epochs_done + phase.epochs,
            validation_data=_validation_data(crops, validation, phase.size_px),
            callbacks=[rate, keeper],
            verbose=0,
        )
        epochs_done += phase.epochs
    model.load_weights(checkpoint)
    return model


def _validation_data(
    crops: Crops, indices: NDArray[np.int64], size_px: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    if not len(indices):
        return None
    size = (size_px, size_px)
    resized = np.stack([cv2.resize(crops.images[i], size, interpolation=cv2.INTER_AREA) for i in indices])
    one_hot = np.eye(len(crops.labels), dtype=np.float32)[crops.targets[indices]]
    inputs = network_inputs(resized.astype(np.uint8, copy=False), crops.sizes[indices])
    return inputs.astype(np.float32), one_hot


class _CosineRate(keras.callbacks.Callback):  # type: ignore[misc]
    """Raises the learning rate to its peak over a tenth of all steps, then lowers it along a cosine.

    As a callback, because a schedule inside the optimizer is traced anew for each variable.
    """

    def __init__(self, peak: float, steps: int) -> None:
        super().__init__()
        self._peak = peak
        self._steps = steps
        self._step = 0

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        rise = max(1, self._steps // 10)
        if self._step < rise:
            share = (self._step + 1) / rise
        else:
            share = 0.5 * (1 + math.cos(math.pi * (self._step - rise) / (self._steps - rise)))
        self.model.optimizer.learning_rate = self._peak * max(0.01, share)
        self._step += 1


class _Keeper(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the best weights and tells how it goes."""

    def __init__(self, checkpoint: Path, stage: str, recipe: Recipe, progress: Progress, emit: Emit) -> None:
        super().__init__()
        self._checkpoint = checkpoint
        self._stage = stage
        self._recipe = recipe
        self._progress = progress
        self._emit = emit
        self._phase = recipe.phases[0]
        self._epoch = 0
        self._best = float("inf")

    def enter(self, phase: Phase) -> None:
        """The next phase begins."""
        self._phase = phase

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        loss = float((logs or {})["loss"])
        self._check_converges(loss)
        self._progress.advance(float(self._phase.size_px**2))
        self._emit(
            Fitting(
                stage=self._stage,
                epoch=self._epoch,
                epochs=self._recipe.epochs,
                batch=batch + 1,
                batches=self.params["steps"],
                loss=loss,
                share_done=self._progress.share_done,
                seconds_left=self._progress.seconds_left,
            )
        )

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        self._check_converges(logs.get("val_loss", 0.0))
        kept = self._phase is self._recipe.phases[-1] and self._is_best(logs.get("val_loss"))
        if kept:
            require_room(self._checkpoint.parent, ROOM)  # on a full disk h5py ends the whole process
            with warnings.catch_warnings(), storage_errors(self._checkpoint):
                # Keras hands TensorFlow's variables to h5py in a way that NumPy 2 frowns upon.
                warnings.simplefilter("ignore", DeprecationWarning)
                self.model.save_weights(self._checkpoint)
        self._emit(
            EpochDone(
                stage=self._stage,
                epoch=self._epoch,
                epochs=self._recipe.epochs,
                size_px=self._phase.size_px,
                loss=float(logs["loss"]),
                top1=float(logs["accuracy"]),
                validation_loss=logs.get("val_loss"),
                validation_top1=logs.get("val_accuracy"),
                kept=kept,
            )
        )

    def _check_converges(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise RigError(
                f"training of {self._stage} diverged in epoch {self._epoch}: the loss is {loss}",
                hint="look for odd pictures among the training data, or try another --seed",
            )

    def _is_best(self, validation_loss: float | None) -> bool:
        if validation_loss is None:
            return True
        better = validation_loss < self._best
        self._best = min(self._best, validation_loss)
        return better
