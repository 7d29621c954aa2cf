"""A fitted network becomes files at every precision; where int8 costs too much, it is fine-tuned for int8."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.card import Precision
from training.choices.recipe import Recipe
from training.conversion.metadata import Description, with_metadata
from training.conversion.quantize import convert
from training.conversion.rehearsal import rehearse
from training.conversion.variants import (
    Converted,
    Fitted,
    Ground,
    Judges,
    better_int8,
    examine,
    loses_too_much,
)
from training.fitting.compile import loss_of
from training.pictures.batches import training_batches
from training.pictures.data import Crops
from training.pictures.split import Partition
from training.pictures.withheld import taught

_MOST_JUDGED = 2000
_VARIED = 1000
_EPOCHS = 2
_LEARNING_RATE = 1e-4  # the end of a usual fit: the network is to be nudged, not to learn anew


def to_variants(
    model: Any,
    inputs: NDArray[np.uint8],
    crops: Crops,
    partition: Partition,
    description: Description,
    recipe: Recipe,
    *,
    seed: int,
    folder: Path,
) -> Fitted:
    """Convert a network, and ask each result about pictures that were held out, or new variations of others.

    Args:
        model: keras.Model over raw values, 0 to 255.
        inputs: of all crops, (n, height, width, channels) uint8.
        folder: keeps the files.

    Raises:
        ModelError: the conversion came out otherwise than asked.
        StorageError: the folder cannot be written.
    """
    train = taught(crops, partition)
    measured = crops.in_groups(partition.tested or partition.validated)
    judges = _judges(inputs, crops, partition, recipe, seed)

    def converted(network: Any, precisions: Sequence[Precision], where: Path) -> dict[Precision, Converted]:
        contents = convert(network, inputs[train], precisions, seed=seed)
        described = {
            precision: with_metadata(content, description) for precision, content in contents.items()
        }
        return examine(described, inputs, measured, judges, where)

    variants = converted(model, tuple(Precision), folder)
    if loses_too_much(variants):
        fine_tuned = rehearse(
            model,
            training_batches(crops, train, recipe, recipe.phases[-1], seed=(seed, len(recipe.phases))),
            epochs=_EPOCHS,
            learning_rate=_LEARNING_RATE,
            loss=loss_of(recipe),
        )
        again = converted(fine_tuned, (Precision.INT8,), folder / "rehearsed")[Precision.INT8]
        rehearsed = replace(again, rehearsed=True)
        variants[Precision.INT8] = better_int8(variants[Precision.INT8], rehearsed)
    return Fitted(partition, model.count_params(), judges.ground, variants)


def _judges(
    inputs: NDArray[np.uint8], crops: Crops, partition: Partition, recipe: Recipe, seed: int
) -> Judges:
    """Validation pictures, at most 2,000 and evenly chosen, or else a thousand variations of trained ones."""
    if partition.validated:
        indices = crops.in_groups(partition.validated)
        indices = indices[:: 1 + len(indices) // _MOST_JUDGED]
        return Judges(Ground.VALIDATED, inputs[indices], crops.targets[indices])
    batches = training_batches(
        crops,
        taught(crops, partition),
        replace(recipe, mixing=0.0),
        recipe.phases[-1],
        seed=(seed, len(recipe.phases) + 1),
    )
    shown = [batches[number] for number in range(-(-_VARIED // recipe.batch))]
    return Judges(
        Ground.VARIED,
        np.concatenate([pictures for pictures, _ in shown]).astype(np.uint8),
        np.concatenate([one_hot.argmax(axis=1) for _, one_hot in shown]),
    )
