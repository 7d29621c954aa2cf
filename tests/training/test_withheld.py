"""Pictures kept from networks that are tested: few, the same for whoever asks, and never a judge's own."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from rig.dataset.reader import SIMULATED, Dataset, Sample
from tests.training.conftest import Trained, crops_of
from training.pictures.data import Crops
from training.pictures.split import Partition
from training.pictures.withheld import taught, withheld

TESTED = Partition(trained=("a/1", "a/2", "b/1"), validated=("b/2",), tested=("a/3",))


def _crops(groups: dict[str, int], *, simulated: tuple[str, ...] = ()) -> Crops:
    """Crops of which only the names are looked at."""
    keys = [key for key, size in groups.items() for _ in range(size)]
    samples = tuple(
        Sample(
            Path(f"{number}.png"), label, group, SIMULATED if f"{label}/{group}" in simulated else "camera"
        )
        for number, (label, group) in enumerate(key.split("/") for key in keys)
    )
    labels = Dataset(Path(), samples).labels
    nothing = np.zeros((len(keys), 1, 1, 3), np.uint8)
    return Crops(
        images=nothing,
        masks=nothing[..., 0],
        sizes=np.ones(len(keys)),
        targets=np.array([labels.index(sample.label) for sample in samples]),
        groups=np.array(keys),
        digests=tuple(hashlib.sha256(str(number).encode()).hexdigest() for number in range(len(keys))),
        fingerprints=np.zeros((len(keys), 32), np.uint8),
        samples=samples,
        labels=labels,
        located=np.ones(len(keys), np.bool_),
    )


def test_a_twentieth_of_what_trains_is_kept_from_a_network_that_is_tested() -> None:
    crops = _crops({"a/1": 2000, "a/2": 9, "a/3": 500, "b/1": 2000, "b/2": 500})
    kept, shown = withheld(crops, TESTED), taught(crops, TESTED)
    assert len(kept) == pytest.approx(200, abs=50)
    assert sorted([*kept, *shown]) == crops.in_groups(TESTED.trained).tolist()
    assert {*crops.groups[kept]} == {"a/1", "b/1"}, "of nine pictures each counts"


def test_a_network_that_is_kept_learns_from_everything() -> None:
    crops = _crops({"a/1": 2000, "b/1": 2000})
    kept = Partition(trained=("a/1", "b/1"), validated=(), tested=())
    assert not len(withheld(crops, kept))
    assert taught(crops, kept).tolist() == list(range(4000))


def test_of_renders_beside_photographs_none_is_kept() -> None:
    groups = {"a/1": 500, "a/2": 500, "a/3": 50, "b/1": 500, "b/2": 50}
    mixed = _crops(groups, simulated=("a/2", "b/1"))
    assert {*mixed.groups[withheld(mixed, TESTED)]} == {"a/1"}
    # Where there is nothing else, they are the pictures.
    renders = _crops(groups, simulated=tuple(groups))
    assert {*renders.groups[withheld(renders, TESTED)]} == {"a/1", "a/2", "b/1"}


def test_beside_the_score_stands_what_a_random_split_would_have_shown(trained: Trained) -> None:
    bundle = trained.result.bundle
    trained_by_folds = [group for fold in bundle.folds() for group in fold.card.split.trained]
    crops = crops_of(trained.data, bundle.card.preprocess.size_px)
    chance = [int(digest, 16) % 20 == 0 for digest in crops.digests]
    expected = sum(trained_by_folds.count(group) for group in crops.groups[chance])
    leaky = bundle.card.scores.leaky
    assert leaky is not None
    assert leaky.images == expected > 0
    assert f"{leaky.top1:.1%}</b>by the same on {expected} pictures" in bundle.report_path.read_text()
