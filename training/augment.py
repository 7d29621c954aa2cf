"""Make the many pictures that could have been taken out of the few that were.

Colour is the trap of turntable data, where each mould comes in two or three colours only. Each picture is
therefore turned grey by its own random mixture of the channels, the part often gets another shade, and the
tones are bent, as if another brick lay under another lamp; then contrast is normalised as the rig does it.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image
from rig.vision.preprocess import Grey, normalise_contrast, with_size_plane
from training.backend import keras
from training.recolour import recolour

_LUMA = np.array([0.114, 0.587, 0.299], np.float32)  # blue, green, red, as in ITU-R BT.601 and cv2.cvtColor


_SIZE_SPREAD = 0.08  # of the logarithm of a part's size: a camera a tenth nearer must not confuse


def augment(
    crop: Image, mask: Grey, size: float, size_px: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """One random variation of a crop.

    Args:
        crop: (side, side, 3) uint8, BGR, as `rig.vision.preprocess.crop` makes it.
        mask: (side, side) uint8, its `silhouette`.
        size: how much of its picture the part takes up, 0 to 1.
        size_px: side of what comes out.
        rng: all randomness comes from it.

    Returns:
        (size_px, size_px, 2) uint8, normalised like a network's input.
    """
    grey = _mixed_grey(crop, rng)
    if rng.random() < 0.5:
        grey = recolour(grey, mask, rng)
    image = _moved(grey, size_px, rng)
    image = _disturbed(_bent_tones(image, rng), rng)
    covered = _covered(normalise_contrast(image), rng)
    return with_size_plane(covered, size * float(np.exp(rng.normal(0, _SIZE_SPREAD))))


def _mixed_grey(crop: Image, rng: np.random.Generator) -> Grey:
    """Grey by random weights of the channels, one in four by the usual ones."""
    weights = rng.dirichlet((0.7, 0.7, 0.7)).astype(np.float32) if rng.random() < 0.75 else _LUMA
    return np.asarray(cv2.transform(crop, weights[np.newaxis]), np.uint8).reshape(crop.shape[:2])


def _moved(image: Grey, size_px: int, rng: np.random.Generator) -> Grey:
    """Turned, zoomed, stretched, sheared, shifted and mirrored about the middle, and scaled to `size_px`.

    Mirroring is right for moulds that are their own mirror image, as nearly all are.
    """
    turn = np.deg2rad(rng.uniform(-12, 12))
    zoom = size_px / image.shape[0] * np.exp(rng.uniform(-0.18, 0.15))
    # Little stretch and shear: a 2 x 3 brick is a 2 x 4 brick but for its proportions.
    stretch = np.exp(rng.uniform(-0.05, 0.05))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shear = np.array([[stretch, rng.uniform(-0.04, 0.04)], [0.0, 1 / stretch]])
    mirror = np.diag((rng.choice((-1.0, 1.0)), 1.0))
    linear = zoom * rotation @ shear @ mirror
    middle = np.full(2, image.shape[0] / 2)
    shift = size_px / 2 * (1 + rng.uniform(-0.12, 0.12, 2)) - linear @ middle
    affine = np.column_stack((linear, shift))
    return np.asarray(
        cv2.warpAffine(image, affine, (size_px, size_px), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _bent_tones(image: Grey, rng: np.random.Generator) -> Grey:
    """Another gamma and another exposure."""
    tones = np.linspace(0, 1, 256) ** np.exp(rng.uniform(-0.6, 0.6))
    levels = 255 * tones * np.exp(rng.uniform(-0.6, 0.1))
    return np.asarray(cv2.LUT(image, levels.astype(np.uint8)), np.uint8)


def _disturbed(image: Grey, rng: np.random.Generator) -> Grey:
    """Sometimes out of focus, sometimes noisy."""
    if rng.random() < 0.25:
        image = np.asarray(
            cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.2) * image.shape[0] / 128), np.uint8
        )
    if rng.random() < 0.3:
        noisy = image + rng.normal(0, rng.uniform(1, 4), image.shape)
        image = np.clip(noisy, 0, 255).astype(np.uint8)
    return image


def _covered(image: Grey, rng: np.random.Generator) -> Grey:
    """Sometimes with one or two patches hidden, so that no single feature decides (Zhong et al., 2017)."""
    if rng.random() < 0.4:
        side = image.shape[0]
        for _ in range(rng.integers(1, 3)):
            height, width = (rng.uniform(0.08, 0.35, 2) * side).astype(int)
            top, left = rng.integers(0, side - height), rng.integers(0, side - width)
            image[top : top + height, left : left + width] = rng.integers(0, 256)
    return image


class AugmentedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Endless variety for `keras.Model.fit`.

    The same seed gives the same batches, whichever thread makes them.

    Args:
        crops, masks: (n, side, side, 3) uint8, BGR, and their silhouettes, (n, side, side) uint8.
        sizes: (n,) float64, how much of its picture each part takes up, 0 to 1.
        targets: (n,) class indices below `classes`, each of which occurs.
        balanced: a batch holds all classes in equal shares, on average; else as they occur.
        size_px: side of the pictures in a batch.
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
        batch: int,
        batches: int,
        seed: Sequence[int],
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
            augment(self._crops[i], self._masks[i], self._sizes[i], self._size_px, rng) for i in members
        ]
        one_hot = np.eye(len(self._members), dtype=np.float32)[self._targets[members]]
        return np.stack(pictures).astype(np.float32), one_hot

    def _drawn(self, rng: np.random.Generator) -> list[int]:
        """Which crops are in a batch."""
        if not self._balanced:
            return [int(i) for i in rng.integers(0, len(self._targets), self._batch)]
        chosen = rng.integers(0, len(self._members), self._batch)
        return [int(rng.choice(self._members[k])) for k in chosen]

    def on_epoch_end(self) -> None:
        self._epoch += 1
