"""Batches are balanced, new in each epoch, and the same for the same seed, whichever thread makes them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from training.augment import Augmentation
from training.batches import AugmentedBatches

rng = np.random.default_rng(3)
CROPS = rng.integers(0, 256, (10, 32, 32, 3), np.uint8)
MASKS = np.zeros((10, 32, 32), np.uint8)
TARGETS = np.array([0] * 9 + [1])


def _batches(batch: int = 20) -> AugmentedBatches:
    return AugmentedBatches(
        CROPS,
        MASKS,
        np.full(len(CROPS), 0.4),
        TARGETS,
        classes=2,
        size_px=24,
        augmentation=Augmentation(),
        batch=batch,
        batches=12,
        seed=(0,),
    )


def test_batches_are_balanced() -> None:
    pixels, one_hot = _batches(400)[0]
    assert pixels.shape == (400, 24, 24, 2)
    assert pixels.dtype == np.float32
    assert 140 < one_hot[:, 1].sum() < 260


def test_the_same_seed_gives_the_same_batches_whichever_thread_makes_them() -> None:
    one_by_one, at_once = _batches(), _batches()
    with ThreadPoolExecutor(4) as pool:
        made = dict(zip(reversed(range(12)), pool.map(at_once.__getitem__, reversed(range(12))), strict=True))
    for index in range(12):
        for expected, found in zip(one_by_one[index], made[index], strict=True):
            assert np.array_equal(expected, found)


def test_every_batch_and_epoch_is_new() -> None:
    batches = _batches()
    first = batches[0][0]
    assert not np.array_equal(batches[1][0], first)
    batches.on_epoch_end()
    assert not np.array_equal(batches[0][0], first)
