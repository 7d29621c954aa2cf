"""Batches are balanced, new in each epoch, and the same for the same seed, whichever thread makes them.

And what judges a network comes in no such batch.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rig.contrast import Contrast
from tests.training.conftest import QUICK, crops_of, write_shapes
from training.choices.augmentation import Augmentation, Strength
from training.events import EpochDone, TrainEvent
from training.fitting.fit import fit
from training.pictures.batches import AugmentedBatches
from training.pictures.data import network_inputs
from training.progress import Progress

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
        contrast=Contrast.LOCAL,
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


def test_mixed_pictures_are_as_much_of_each_class_as_their_target_says() -> None:
    """Black and white bricks: how bright a picture is tells how much of it is white."""
    crops = np.stack([np.full((32, 32, 3), level, np.uint8) for level in (0, 255)])
    batches = AugmentedBatches(
        crops,
        np.zeros((2, 32, 32), np.uint8),
        np.full(2, 0.4),
        np.array([0, 1]),
        classes=2,
        size_px=24,
        contrast=Contrast.PLAIN,
        augmentation=Strength.NONE.augmentation,
        batch=400,
        batches=1,
        seed=(0,),
        mixing=0.5,
    )
    pixels, targets = batches[0]
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(pixels[:, :, :, 0].mean(axis=(1, 2)) / 255, targets[:, 1], atol=1e-3)
    # Half are chosen, and half of those find a partner of the other class.
    assert 60 < np.count_nonzero((targets > 0).all(axis=1)) < 140
    assert targets.max(axis=1).min() >= 0.5


def test_validation_pictures_are_never_varied(tmp_path: Path) -> None:
    """The loss that was reported is that of the plain pictures, as they are prepared for a model in use."""
    crops = crops_of(write_shapes(tmp_path / "data", parts=("a", "b"), views=4), 32)
    train, validation = (crops.in_groups([g for g in set(crops.groups) if g.endswith(end)]) for end in "ab")
    events: list[TrainEvent] = []
    model = fit(
        crops,
        train,
        validation,
        replace(QUICK, augmentation=Strength.STRONG.augmentation),
        stage="final",
        seed=0,
        state=tmp_path / "final.state",
        checkpoint=tmp_path / "best.weights.h5",
        progress=Progress(1.0),
        emit=events.append,
    )
    plain = network_inputs(crops.images[validation], crops.sizes[validation], Contrast.LOCAL).astype(
        np.float32
    )
    one_hot = np.eye(len(crops.labels), dtype=np.float32)[crops.targets[validation]]
    loss, *_ = model.evaluate(plain, one_hot, verbose=0)
    kept = [event for event in events if isinstance(event, EpochDone) and event.kept][-1]
    assert kept.validation_loss == pytest.approx(loss, rel=1e-4)
