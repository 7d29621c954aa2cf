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
from training.conversion.variants import Converted, better_int8, examine, loses_too_much
from training.fitting.compile import loss_of
from training.fitting.fit import training_batches
from training.pictures.data import Crops
from training.pictures.split import Partition

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
) -> dict[Precision, Converted]:
    """Convert a network and ask each result about the pictures that were held out.

    Args:
        model: keras.Model over raw values, 0 to 255.
        inputs: of all crops, (n, height, width, channels) uint8.
        folder: keeps the files.

    Raises:
        ModelError: the conversion came out otherwise than asked.
        StorageError: the folder cannot be written.
    """
    train = crops.in_groups(partition.trained)

    def converted(network: Any, precisions: Sequence[Precision], where: Path) -> dict[Precision, Converted]:
        contents = convert(network, inputs[train], precisions, seed=seed)
        described = {
            precision: with_metadata(content, description) for precision, content in contents.items()
        }
        return examine(described, inputs, crops, partition, where)

    variants = converted(model, tuple(Precision), folder)
    if loses_too_much(variants, crops.targets):
        fine_tuned = rehearse(
            model,
            training_batches(crops, train, recipe, recipe.phases[-1], seed=(seed, len(recipe.phases))),
            epochs=_EPOCHS,
            learning_rate=_LEARNING_RATE,
            loss=loss_of(recipe),
        )
        again = converted(fine_tuned, (Precision.INT8,), folder / "rehearsed")[Precision.INT8]
        rehearsed = replace(again, rehearsed=True)
        variants[Precision.INT8] = better_int8(variants[Precision.INT8], rehearsed, crops.targets)
    return variants
