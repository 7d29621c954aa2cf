"""Augmented pictures in batches, as Keras asks for them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rig.contrast import Contrast
from training.backend import keras
from training.choices.augmentation import Augmentation
from training.choices.recipe import Phase, Recipe
from training.pictures.augment import augment
from training.pictures.data import Crops


class AugmentedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Endless variety for `keras.Model.fit`.

    The same seed gives the same batches, whichever thread makes them.

    Args:
        crops, masks: (n, side, side, 3) uint8, BGR, and their silhouettes, (n, side, side) uint8.
        sizes: (n,) float64, how much of its picture each part takes up, 0 to 1.
        targets: (n,) class indices below `classes`, each of which occurs.
        balanced: a batch holds all classes in equal shares, on average; else as they occur.
        size_px, contrast: of the pictures in a batch.
        mixing: share of them that another picture of the batch shines through.
        batches: in an epoch.
    """

    def __init__(
        self,
        crops: NDArray[np.uint8],
        masks: NDArray[np.uint8],
        sizes: NDArray[np.float64],
        targets: NDArray[np.int64],
        *,
        classes: int,
        size_px: int,
        contrast: Contrast,
        augmentation: Augmentation,
        batch: int,
        batches: int,
        seed: Sequence[int],
        mixing: float = 0.0,
        balanced: bool = True,
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=32)
        self._crops = crops
        self._masks = masks
        self._sizes = sizes.tolist()
        self._targets = targets
        self._balanced = balanced
        self._members = [np.flatnonzero(targets == k) for k in range(classes)]
        self._size_px = size_px
        self._contrast = contrast
        self._augmentation = augmentation
        self._mixing = mixing
        self._batch = batch
        self._batches = batches
        self._seed = tuple(seed)
        self._epoch = 0

    def __len__(self) -> int:
        return self._batches

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rng = np.random.default_rng((*self._seed, self._epoch, index))
        members = self._drawn(rng)
        pictures = [
            augment(
                self._crops[i],
                self._masks[i],
                self._sizes[i],
                self._size_px,
                self._contrast,
                self._augmentation,
                rng,
            )
            for i in members
        ]
        one_hot = np.eye(len(self._members), dtype=np.float32)[self._targets[members]]
        return _mixed(np.stack(pictures).astype(np.float32), one_hot, self._mixing, rng)

    def _drawn(self, rng: np.random.Generator) -> list[int]:
        """Which crops are in a batch."""
        if not self._balanced:
            return [int(i) for i in rng.integers(0, len(self._targets), self._batch)]
        chosen = rng.integers(0, len(self._members), self._batch)
        return [int(rng.choice(self._members[k])) for k in chosen]

    def on_epoch_end(self) -> None:
        self._epoch += 1


def training_batches(
    crops: Crops, train: NDArray[np.int64], recipe: Recipe, phase: Phase, *, seed: tuple[int, ...]
) -> AugmentedBatches:
    """What a phase of training shows of these crops."""
    return AugmentedBatches(
        crops.images[train],
        crops.masks[train],
        crops.sizes[train],
        crops.targets[train],
        classes=len(crops.labels),
        balanced=recipe.balance.by_sampler,
        size_px=phase.size_px,
        contrast=recipe.contrast,
        augmentation=recipe.augmentation.for_classes(crops.labels),
        mixing=recipe.mixing,
        batch=recipe.batch,
        batches=recipe.batches(len(train)),
        seed=seed,
    )


def _mixed(
    pictures: NDArray[np.float32], one_hot: NDArray[np.float32], share: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A share of the pictures with another one shining through, by up to half, and targets in proportion.

    Between two classes the network then learns to be unsure (Zhang et al., "mixup", 2018).
    """
    if not share:
        return pictures, one_hot
    batch = len(pictures)
    weight = np.where(rng.random(batch) < share, rng.uniform(0, 0.5, batch), 0.0).astype(np.float32)
    other = rng.permutation(batch)
    of_picture = weight[:, np.newaxis, np.newaxis, np.newaxis]
    of_target = weight[:, np.newaxis]
    return (
        pictures + of_picture * (pictures[other] - pictures),
        one_hot + of_target * (one_hot[other] - one_hot),
    )
