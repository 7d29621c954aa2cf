"""Augmented pictures differ from each other, and come out the same for the same seed."""

import numpy as np

from rig.model import Preprocess
from rig.vision.locate import locate
from rig.vision.preprocess import crop
from tests.vision.pictures import Scene, draw
from training.augment import AugmentedBatches, augment
from training.recolour import silhouette

SPEC = Preprocess(size_px=64, margin=0.1)


def _crops(count: int) -> np.ndarray:
    images = [draw(Scene("bar", turn_deg=10.0 * k)) for k in range(count)]
    return np.stack([crop(image, locate(image), SPEC) for image in images])


def _augment(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return augment(picture, silhouette(picture), 0.4, 48, rng)


def _batches(crops: np.ndarray, targets: list[int], **changes: int) -> AugmentedBatches:
    sizes = {"classes": 2, "size_px": 48, "batch": 40, "batches": 3, **changes}
    masks = np.stack([silhouette(picture) for picture in crops])
    part_sizes = np.full(len(crops), 0.4)
    return AugmentedBatches(crops, masks, part_sizes, np.array(targets), seed=(0,), **sizes)


def test_shape_and_variety() -> None:
    picture = _crops(1)[0]
    rng = np.random.default_rng(0)
    variations = [_augment(picture, rng) for _ in range(20)]
    assert {(v.shape, str(v.dtype)) for v in variations} == {((48, 48, 2), "uint8")}
    assert len({v.tobytes() for v in variations}) == 20
    assert min(float(v.std()) for v in variations) > 5


def test_same_seed_same_pictures() -> None:
    picture = _crops(1)[0]
    once, again = (_augment(picture, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(once, again)


def test_the_source_is_left_alone() -> None:
    picture = _crops(1)[0]
    before = picture.copy()
    rng = np.random.default_rng(0)
    for _ in range(20):
        _augment(picture, rng)
    assert np.array_equal(picture, before)


def test_batches_are_balanced_and_reproducible() -> None:
    crops = _crops(10)
    targets = [0] * 9 + [1]
    batches = _batches(crops, targets, batch=400)
    pixels, one_hot = batches[0]
    assert pixels.shape == (400, 48, 48, 2)
    assert 140 < one_hot[:, 1].sum() < 260
    assert np.array_equal(_batches(crops, targets, batch=400)[0][0], pixels)


def test_every_batch_and_epoch_is_new() -> None:
    crops = _crops(2)
    batches = _batches(crops, [0, 1])
    first = batches[0][0]
    assert not np.array_equal(batches[1][0], first)
    batches.on_epoch_end()
    assert not np.array_equal(batches[0][0], first)
