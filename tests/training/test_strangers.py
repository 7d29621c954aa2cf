"""Limits lose of known parts what they say they lose, and of several views they are tighter."""

import numpy as np
import pytest

from rig.dataset.reader import decode_image, read_bytes, read_dataset
from rig.vision.classifier import Classifier
from tests.training.conftest import Trained
from training.measuring.strangers import LOST, limits_by_views


def _novelties(bricks: int, views: int) -> tuple[np.ndarray, np.ndarray]:
    """Independent views: a limit for the mean of four lies half as far from the middle as for one."""
    novelties = np.random.default_rng(3).normal(10, 2, (bricks, views))
    return novelties.ravel(), np.repeat([f"3001/{brick}" for brick in range(bricks)], views)


def test_each_limit_loses_its_share_of_known_parts() -> None:
    novelties, groups = _novelties(40, 50)
    one, two, *_ = limits_by_views(novelties, groups)
    for lost, limit in zip(LOST, one, strict=True):
        assert (novelties > limit).mean() == pytest.approx(lost, abs=1 / len(novelties))
    pairs = np.concatenate([(mine[1:] + mine[:-1]) / 2 for mine in novelties.reshape(40, 50)])
    assert (pairs > two[LOST.index(0.1)]).mean() == pytest.approx(0.1, abs=1e-3)


def test_the_mean_of_several_views_spreads_less() -> None:
    rows = np.array(limits_by_views(*_novelties(40, 50)))
    above = rows[:, LOST.index(0.02)] - 10
    assert above == pytest.approx([4.1, 4.1 / 2**0.5, 4.1 / 3**0.5, 4.1 / 2], rel=0.15)


def test_of_pictures_of_too_few_views_a_limit_is_for_so_few() -> None:
    assert len(limits_by_views(*_novelties(30, 3))) == 2  # 90 single ones, 60 pairs, 30 triples
    assert limits_by_views(*_novelties(49, 1)) == ()
    assert limits_by_views(np.empty(0), np.empty(0, np.str_)) == ()


def test_the_card_of_each_network_says_what_is_strange_to_it(trained: Trained) -> None:
    """The limits lose what they say of the very pictures that they were found on, asked as the rig asks."""
    bundle = trained.result.bundle
    strangers = bundle.card.strangers
    assert strangers is not None
    assert strangers.how == bundle.card.scores.how
    (limit, *_) = strangers.limits_at(0.1)
    samples = read_dataset(trained.data).samples
    novelties = [
        classifier.classify(decode_image(read_bytes(sample.path), sample.path)).novelty
        for fold in bundle.folds()
        for classifier in [Classifier(fold)]
        for sample in samples
        if sample.group_key in fold.card.split.tested
    ]
    assert len(novelties) == 108
    assert (np.array(novelties) > limit).mean() == pytest.approx(0.1, abs=1.5 / 108)
    assert min(novelties) > 0
