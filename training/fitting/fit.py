"""Fit one network: small pictures first, full size last, one schedule of the learning rate over it all."""

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.contrast import Contrast
from rig.errors import NotLearning
from rig.files import require_room, storage_errors
from training.backend import keras
from training.choices.recipe import Phase, Recipe
from training.events import Emit, Noted
from training.fitting.compile import compile_by
from training.fitting.distribute import Distribution, SharedFit
from training.fitting.snapshot import assign
from training.fitting.watch import ScheduledRate, Watch
from training.networks.begin import begin
from training.networks.logistic import fit_head
from training.networks.thaw import thaw
from training.pictures.batches import AugmentedBatches, training_batches
from training.pictures.data import Crops, network_inputs
from training.progress import Progress

LEAST_TO_CHOOSE = 200
"""Validation pictures from which an epoch is called the best one, unless patience asks for it: of fewer, one
picture is half a point and more, while the rate falls to nothing at the end of a schedule anyway."""

_ASKED_AT_THE_END = 32


def room_bytes(parameters: int) -> int:
    """What a network of so many weights takes on disk, at most.

    For each weight 16 bytes of state (it, two of the optimizer's, its best value), twice while it is
    replaced; 4 in the checkpoint and 8 in the variants, both twice while the bundle is written; and 4 in
    model.tflite.
    """
    return 60 * parameters + 2_000_000


def fit(
    crops: Crops,
    train: NDArray[np.int64],
    validation: NDArray[np.int64],
    recipe: Recipe,
    *,
    stage: str,
    seed: int,
    state: Path,
    checkpoint: Path,
    progress: Progress,
    emit: Emit,
    distribution: Distribution | None = None,
) -> Any:
    """Fit a network to some of the crops, or go on with it.

    Args:
        crops: all of them, at least as large as the recipe's pictures.
        train, validation: indices into `crops`; validation may be empty.
        stage: what events call this network.
        state: a file that holds all of the fitting after each epoch. Where it is there already, the fitting
            goes on from it and ends with the very weights that it would have had without a break.
        checkpoint: a path that ends in `.weights.h5`; the best weights are written to it: those of the lowest
            validation loss at full size, or the last ones where too few pictures validate to tell.
        progress: of the whole run.
        distribution: who shares the work; all of them call this, and get the same network.

    Returns:
        keras.Model with these weights.

    Raises:
        ModelError: the state is damaged.
        NotLearning: the loss or the answers are no longer numbers, or the network names one class only.
        StorageError: state or checkpoint cannot be written.
        WorkerLost: another process that shares the work is gone.
    """
    if recipe.patience is not None and not len(validation):
        emit(Noted(f"Training of {stage} cannot end early: no pictures are held out to validate on."))
    model = fresh_network(crops, recipe, seed, distribution)
    if recipe.logistic:
        fit_head(model, crops, train, validation, recipe, stage=stage, progress=progress, emit=emit)
        _save_weights(model, checkpoint)
        return model
    batches = recipe.batches(len(train))
    watch = Watch(
        stage,
        recipe,
        state,
        progress,
        emit,
        batches=batches,
        validates=len(np.unique(crops.targets[validation])) > 1,
        chooses=recipe.patience is not None or len(validation) >= LEAST_TO_CHOOSE,
        one_class_top1=float(_shares_shown(crops, train, recipe).max()),
    )
    snapshot = watch.resume()
    entered = recipe.phases[0]
    if snapshot is not None:
        entered = recipe.phase_of(len(watch.epochs))
        _make_ready(model, recipe, entered, distribution)
        snapshot.restore(model)
    run = _runner(model, distribution)
    first = 0
    for number, phase in enumerate(recipe.phases):
        begin, end = max(first, len(watch.epochs)), first + phase.epochs
        if begin < end and not watch.is_over:
            if phase.thawed != entered.thawed:
                _make_ready(model, recipe, phase, distribution)
                run = _runner(model, distribution)
            entered = phase
            watch.enter(phase)
            run(
                partial(_pictures, crops, train, recipe, phase, (seed, number), begin - first, distribution),
                initial_epoch=begin,
                epochs=end,
                validation_data=_validation_data(crops, validation, phase.size_px, recipe.contrast),
                class_weight=class_weights(crops, train, recipe),
                callbacks=[ScheduledRate(recipe, batches), watch],
            )
        first = end
    if distribution:
        model = fresh_network(crops, recipe, seed)  # whoever converts it wants variables of one device
    assign(model.variables, watch.best)
    _require_answers(model, crops, train[:_ASKED_AT_THE_END], recipe, stage)
    _save_weights(model, checkpoint)
    return model


def _require_answers(
    model: Any, crops: Crops, indices: NDArray[np.int64], recipe: Recipe, stage: str
) -> None:
    """See that the very last step did not spoil a network: where nothing validates, no loss tells.

    TensorFlow's converter ends the whole process over activations that are no numbers.

    Raises:
        NotLearning: it did.
    """
    inputs = _inputs(crops, indices, recipe.size_px, recipe.contrast)
    if not np.isfinite(np.asarray(model(inputs, training=False))).all():
        raise NotLearning(
            f"training of {stage} diverged in its last epoch: the network's answers are no numbers",
            hint="try a lower --learning-rate",
        )


def _runner(model: Any, distribution: Distribution | None) -> Callable[..., None]:
    """What goes through epochs: `keras.Model.fit`, or what it is to several devices."""
    return SharedFit(distribution, model).run if distribution else partial(_fit_alone, model)


def _fit_alone(model: Any, pictures: Callable[[int], AugmentedBatches], **arguments: Any) -> None:
    model.fit(
        pictures(0),
        shuffle=False,  # Keras would, by a generator whose state does not survive a kill
        verbose=0,
        **arguments,
    )


def _pictures(
    crops: Crops,
    train: NDArray[np.int64],
    recipe: Recipe,
    phase: Phase,
    seed: tuple[int, ...],
    epochs_done: int,
    distribution: Distribution | None,
    device: int,
) -> AugmentedBatches:
    """What one of the devices that share a phase is shown; each draws its own, by a seed of its own."""
    if distribution:
        recipe = replace(recipe, batch=distribution.share_of(recipe.batch))
        seed = (*seed, device)
    pictures = training_batches(crops, train, recipe, phase, seed=seed)
    for _ in range(epochs_done):
        pictures.on_epoch_end()  # its random stream goes on where it was
    return pictures


def fresh_network(crops: Crops, recipe: Recipe, seed: int, distribution: Distribution | None = None) -> Any:
    """A network that has learnt nothing yet (keras.Model), compiled; the same seed makes the same one."""
    keras.utils.clear_session()  # layers are counted from one again: their names end up in the converted file
    keras.utils.set_random_seed(seed % 2**32)  # NumPy's and TensorFlow's take no more
    with _scope(distribution):
        model = begin(recipe, len(crops.labels)).model
    _make_ready(model, recipe, recipe.phases[0], distribution)
    return model


def _make_ready(model: Any, recipe: Recipe, phase: Phase, distribution: Distribution | None) -> None:
    """Have what a phase fits be fitted, by an optimizer that knows nothing yet."""
    thaw(model, phase.thawed)
    with _scope(distribution):
        compile_by(recipe, model)


def _scope(distribution: Distribution | None) -> AbstractContextManager[object]:
    """Where the variables of a network are made."""
    return distribution.strategy.scope() if distribution else nullcontext()


def _shares_shown(crops: Crops, train: NDArray[np.int64], recipe: Recipe) -> NDArray[np.float64]:
    """How often each class is drawn."""
    classes = len(crops.labels)
    if recipe.balance.by_sampler:
        return np.full(classes, 1 / classes)
    return np.bincount(crops.targets[train], minlength=classes) / len(train)


def class_weights(crops: Crops, train: NDArray[np.int64], recipe: Recipe) -> dict[int, float] | None:
    """What a picture of each class counts for in the loss, if the recipe has it weighed.

    All pictures of one class together count as much as those of any other, and all count 1 in the mean.
    """
    if not recipe.balance.by_loss:
        return None
    counts = np.bincount(crops.targets[train], minlength=len(crops.labels))
    return dict(enumerate((len(train) / (len(counts) * counts)).tolist()))


def _validation_data(
    crops: Crops, indices: NDArray[np.int64], size_px: int, contrast: Contrast
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    if not len(indices):
        return None
    one_hot = np.eye(len(crops.labels), dtype=np.float32)[crops.targets[indices]]
    return _inputs(crops, indices, size_px, contrast), one_hot


def _inputs(
    crops: Crops, indices: NDArray[np.int64], size_px: int, contrast: Contrast
) -> NDArray[np.float32]:
    """Some crops as they are, as a network of this size sees them."""
    size = (size_px, size_px)
    resized = np.stack([cv2.resize(crops.images[i], size, interpolation=cv2.INTER_AREA) for i in indices])
    inputs = network_inputs(resized.astype(np.uint8, copy=False), crops.sizes[indices], contrast)
    return inputs.astype(np.float32)


def _save_weights(model: Any, path: Path) -> None:
    require_room(path.parent, room_bytes(model.count_params()))  # on a full disk h5py ends the whole process
    with warnings.catch_warnings(), storage_errors(path):
        # Keras hands TensorFlow's variables to h5py in a way that NumPy 2 frowns upon.
        warnings.simplefilter("ignore", DeprecationWarning)
        model.save_weights(path)
