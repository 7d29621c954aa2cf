"""What a network will see: a picture of each class, and some of its variations."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import numpy as np

from rig.camera.frame import Image
from rig.dataset.reader import Dataset
from rig.vision.contact_sheet import contact_sheet
from training.choices.recipe import Recipe
from training.events import Emit
from training.pictures.batches import training_batches
from training.pictures.data import Crops, load_crops, preprocess_of

_VARIATIONS = 8
_TILE_PX = 112


def augmentation_sheet(dataset: Dataset, recipe: Recipe, *, seed: int, emit: Emit) -> Image:
    """Draw a row for each class: a picture as it is cropped, and eight variations out of a recipe's batches.

    Where a picture of another class shines through, the caption says how much of it; one of the same is a
    variation like any other.

    Args:
        seed: of the choice of pictures and their variations.

    Returns:
        (height, width, 3) uint8, BGR.

    Raises:
        DatasetError: a picture cannot be read.
    """
    rng = np.random.default_rng(seed)
    of_label = {label: [s for s in dataset.samples if s.label == label] for label in dataset.labels}
    chosen = tuple(samples[rng.integers(len(samples))] for samples in of_label.values())
    crops = load_crops(replace(dataset, samples=chosen), preprocess_of(recipe), emit, threads=1)
    rows: list[list[tuple[Image, str]]] = [
        [(crop, label)] for crop, label in zip(crops.images, crops.labels, strict=True)
    ]
    for target, image, caption in _variations(crops, recipe, seed):
        if len(rows[target]) <= _VARIATIONS:
            rows[target].append((image, caption))
        if all(len(row) > _VARIATIONS for row in rows):
            break
    images, captions = zip(*(tile for row in rows for tile in row), strict=True)
    return contact_sheet(images, captions, columns=1 + _VARIATIONS, tile_px=_TILE_PX)


def _variations(crops: Crops, recipe: Recipe, seed: int) -> Iterator[tuple[int, Image, str]]:
    """Without end: the class of most of a picture, the picture, and what it is in words."""
    batches = training_batches(crops, np.arange(len(crops)), recipe, recipe.phases[-1], seed=(seed,))
    for batch in count():
        pictures, shares = batches[batch]
        for picture, share in zip(pictures, shares, strict=True):
            seen = picture[:, :, :-1].round().astype(np.uint8)
            *_, second, first = share.argsort(kind="stable").tolist()
            mixed = f"{share[second]:.0%} {crops.labels[second]}" if share[second] else "variation"
            yield first, np.broadcast_to(seen, (*seen.shape[:2], 3)), mixed
