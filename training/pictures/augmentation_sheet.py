"""What a network will see: a picture of each class, and some of its variations."""

from dataclasses import replace

import numpy as np

from rig.camera.frame import Image
from rig.card import Preprocess
from rig.dataset.reader import Dataset
from rig.vision.contact_sheet import contact_sheet
from training.choices.augmentation import Augmentation
from training.events import Emit
from training.pictures.augment import augment
from training.pictures.data import load_crops

_VARIATIONS = 8
_TILE_PX = 112


def augmentation_sheet(
    dataset: Dataset, spec: Preprocess, how: Augmentation, *, seed: int, emit: Emit
) -> Image:
    """Draw a row for each class: a picture as it is cropped, and eight variations as the network sees them.

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
    crops = load_crops(replace(dataset, samples=chosen), spec, emit, threads=1)
    suited = how.for_classes(dataset.labels)
    images: list[Image] = []
    captions: list[str] = []
    for label, crop, mask, size in zip(
        crops.labels, crops.images, crops.masks, crops.sizes.tolist(), strict=True
    ):
        images.append(crop)
        captions.append(label)
        for number in range(1, _VARIATIONS + 1):
            seen = augment(crop, mask, size, spec.size_px, spec.contrast, suited, rng)[:, :, :-1]
            images.append(np.broadcast_to(seen, (*seen.shape[:2], 3)))
            captions.append(f"variation {number}")
    return contact_sheet(images, captions, columns=1 + _VARIATIONS, tile_px=_TILE_PX)
