"""Pictures into memory: each is located and cropped once, by the functions that the rig itself uses."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image
from rig.card import Preprocess
from rig.contrast import Contrast
from rig.curation.fingerprint import Fingerprint, fingerprint
from rig.dataset.reader import Dataset, Sample, decode_image, read_bytes
from rig.model import image_digest
from rig.vision.locate import locate
from rig.vision.preprocess import Grey, crop, network_input, part_size
from training.choices.recipe import Recipe
from training.events import Emit, Preparing
from training.pictures.recolour import silhouette

MARGIN = 0.1
"""Around the part's box, as a share of its long side."""


def preprocess_of(recipe: Recipe) -> Preprocess:
    """How the pictures that a recipe's network is shown are made."""
    return Preprocess(
        size_px=recipe.size_px, margin=MARGIN if recipe.crops else None, contrast=recipe.contrast
    )


@dataclass(frozen=True)
class Crops:
    """Cropped parts with what is known of them; all arrays have the same length.

    Attributes:
        images: (n, size, size, 3) uint8, BGR.
        masks: (n, size, size) uint8, the silhouette of each.
        sizes: (n,) float64, how much of its picture each part takes up, 0 to 1.
        targets: (n,) int64, index into `labels`.
        groups: (n,) str, `label/group` of each.
        digests: SHA-256 of each file.
        fingerprints: (n, 32) uint8, the `rig.curation.fingerprint` of each whole picture.
        samples: where each came from.
        labels: the classes.
        located: (n,) bool, whether a part was found; where not, the whole picture stands in.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    sizes: NDArray[np.float64]
    targets: NDArray[np.int64]
    groups: NDArray[np.str_]
    digests: tuple[str, ...]
    fingerprints: NDArray[np.uint8]
    samples: tuple[Sample, ...]
    labels: tuple[str, ...]
    located: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.samples)

    def in_groups(self, groups: Sequence[str]) -> NDArray[np.int64]:
        """Indices of the images of these groups."""
        return np.flatnonzero(np.isin(self.groups, groups))

    def name(self, index: int) -> str:
        """Of an image: its label and file name."""
        return f"{self.samples[index].label}/{self.samples[index].path.name}"


def load_crops(dataset: Dataset, spec: Preprocess, emit: Emit, *, threads: int) -> Crops:
    """Read, locate and crop all images of a dataset, in colour: augmentation makes its own greys of it.

    Raises:
        DatasetError: an image is unreadable or truncated.
    """
    total = len(dataset.samples)
    images = np.empty((total, spec.size_px, spec.size_px, 3), np.uint8)
    masks = np.empty((total, spec.size_px, spec.size_px), np.uint8)
    sizes = np.empty(total, np.float64)  # as `prepare` computes it: float32 would round the plane otherwise
    located = np.empty(total, np.bool_)
    fingerprints = np.empty((total, 32), np.uint8)
    digests = []

    def load(sample: Sample) -> tuple[Image, Grey, float, bool, Fingerprint, str]:
        content = read_bytes(sample.path)
        image = decode_image(content, sample.path)
        box = locate(image)
        picture = crop(image, box, spec)
        size = part_size(image, box)
        return picture, silhouette(picture), size, box is not None, fingerprint(image), image_digest(content)

    with ThreadPoolExecutor(threads) as pool:
        for index, loaded in enumerate(pool.map(load, dataset.samples)):
            images[index], masks[index], sizes[index], located[index], mark, digest = loaded
            fingerprints[index] = np.frombuffer(mark, np.uint8)
            digests.append(digest)
            emit(Preparing(index + 1, total))
    return Crops(
        images=images,
        masks=masks,
        sizes=sizes,
        targets=np.array([dataset.labels.index(sample.label) for sample in dataset.samples], np.int64),
        groups=np.array([sample.group_key for sample in dataset.samples]),
        digests=tuple(digests),
        fingerprints=fingerprints,
        samples=dataset.samples,
        labels=dataset.labels,
        located=located,
    )


def network_inputs(
    crops: NDArray[np.uint8], sizes: NDArray[np.float64], contrast: Contrast
) -> NDArray[np.uint8]:
    """What `prepare` gives for these crops, (n, side, side, 3), and sizes: (n, side, side, planes) uint8."""
    return np.stack(
        [network_input(crop, size, contrast) for crop, size in zip(crops, sizes.tolist(), strict=True)]
    )
