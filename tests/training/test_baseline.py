"""A nearest neighbour that remembers: wrong on unseen bricks, right on a leaky split; and near-copies."""

from pathlib import Path

import numpy as np

from rig.dataset.reader import Dataset, Sample
from tests.vision.pictures import Scene, draw
from training.measuring.baseline import Baseline, baseline
from training.pictures.data import Crops
from training.pictures.split import Partition

SIDE = 48


def _crops(images: np.ndarray, groups: list[str], fingerprints: np.ndarray) -> Crops:
    samples = tuple(
        Sample(Path(label) / f"{k}.png", label, group, "camera")
        for k, (label, group) in enumerate(key.split("/") for key in groups)
    )
    labels = Dataset(Path(), samples).labels
    return Crops(
        images=images,
        masks=np.zeros(images.shape[:3], np.uint8),
        sizes=np.ones(len(images)),
        targets=np.array([labels.index(sample.label) for sample in samples]),
        groups=np.array(groups),
        digests=tuple(map(str, range(len(images)))),
        fingerprints=fingerprints,
        samples=samples,
        labels=labels,
        located=np.ones(len(images), np.bool_),
    )


def _memorable(views: int = 20) -> Crops:
    """Two bricks a class; each looks like a brick of the other class, and its views are near-copies."""
    rng = np.random.default_rng(0)
    looks = rng.integers(0, 256, (2, SIDE, SIDE, 3), np.uint8)
    look_of = {"a/1": 0, "a/2": 1, "b/1": 1, "b/2": 0}
    groups = [group for group in look_of for _ in range(views)]
    # The brick's own traits are faint, but a nearest neighbour finds them.
    traits = {group: rng.normal(0, 12, (SIDE, SIDE, 3)) for group in look_of}
    images = np.stack([looks[look_of[g]] + traits[g] + rng.normal(0, 3, (SIDE, SIDE, 3)) for g in groups])
    prints = rng.integers(0, 256, (len(groups), 32), np.uint8)
    return _crops(np.clip(images, 0, 255).astype(np.uint8), groups, prints)


def _judged(crops: Crops, *partitions: Partition) -> Baseline | None:
    return baseline(crops, partitions, np.ones(len(crops), np.bool_), seed=0)


FOLDS = (
    Partition(trained=("a/1", "b/1"), validated=(), tested=("a/2", "b/2")),
    Partition(trained=("a/2", "b/2"), validated=(), tested=("a/1", "b/1")),
)


def test_memory_fails_on_unseen_bricks_and_shines_on_a_random_split() -> None:
    found = _judged(_memorable(), *FOLDS)
    assert found is not None
    assert found.judged == 80
    assert found.top1 == 0
    assert found.random_split_top1 == 1
    assert found.near_copies == ()


def test_shape_is_told_where_bricks_of_a_class_look_alike() -> None:
    shapes, groups = ("square", "bar"), []
    images = []
    for shape in shapes:
        for part in "12":
            for view in range(4):
                groups.append(f"{shape}/{part}")
                images.append(
                    draw(Scene(shape, turn_deg=2.0 * view), width=SIDE, height=SIDE, seed=len(groups))
                )
    crops = _crops(np.stack(images), groups, np.zeros((len(groups), 32), np.uint8))
    split = Partition(trained=("bar/1", "square/1"), validated=("bar/2", "square/2"), tested=())
    found = _judged(crops, split)
    assert found is not None
    assert (found.judged, found.top1) == (8, 1)


def test_near_copies_across_the_split_are_named() -> None:
    """Up to eight bits of difference are a copy, and nine are none."""
    crops = _memorable(views=2)
    prints = crops.fingerprints.copy()
    prints[2] = prints[0] ^ np.packbits([1] * 8 + [0] * 248)  # of a/2, which the first fold tests, and a/1
    prints[6] = prints[4] ^ np.packbits([1] * 9 + [0] * 247)  # of b/2 and b/1
    found = _judged(_crops(crops.images, crops.groups.tolist(), prints), FOLDS[0])
    assert found is not None
    assert [(near.held_out, near.trained) for near in found.near_copies] == [("a/2.png", "a/0.png")]


def test_near_copies_are_looked_for_in_all_pictures_however_many_are_judged() -> None:
    count = 4002
    groups = ["a/1", "b/1"] + ["a/2"] * count
    prints = np.random.default_rng(0).integers(0, 256, (len(groups), 32), np.uint8)
    prints[2000:2004] = prints[0]
    found = _judged(
        _crops(np.zeros((len(groups), 2, 2, 3), np.uint8), groups, prints),
        Partition(trained=("a/1", "b/1"), validated=(), tested=("a/2",)),
    )
    assert found is not None
    assert (found.judged, found.compared) == (2000, count)
    assert [near.held_out for near in found.near_copies] == [f"a/{k}.png" for k in range(2000, 2004)]


def test_where_nothing_is_held_out_there_is_nothing_to_say() -> None:
    assert _judged(_memorable(2), Partition(("a/1", "a/2", "b/1", "b/2"), (), ())) is None


def test_the_pictures_of_a_random_split_do_not_overlap_with_what_it_trains() -> None:
    """A class that cannot be held out is held out by no split, else the two scores were of other classes."""
    crops = _memorable(5)
    only_a = Partition(trained=("a/1", "b/1", "b/2"), validated=(), tested=("a/2",))
    found = _judged(crops, only_a)
    assert found is not None
    assert found.judged == 5
    assert (found.top1, found.random_split_top1) == (0, 1)


def test_what_only_trains_is_held_out_by_no_random_split() -> None:
    """Noise under every label, as much as there are pictures: half of what is named of it is wrong."""
    own = _memorable()
    noise = np.random.default_rng(1).integers(0, 256, own.images.shape, np.uint8)
    groups = [*own.groups.tolist(), *(group[:2] + "added" for group in own.groups.tolist())]
    crops = _crops(np.concatenate((own.images, noise)), groups, np.tile(own.fingerprints, (2, 1)))
    added = ("a/added", "b/added")
    folds = [Partition((*fold.trained, *added), (), fold.tested) for fold in FOLDS]
    judges = np.arange(len(crops)) < len(own)
    found = baseline(crops, folds, judges, seed=0)
    assert found is not None
    assert found.random_split_top1 == 1
    assert (
        not (found := baseline(crops, folds, np.ones_like(judges), seed=0)) or found.random_split_top1 < 0.9
    )
