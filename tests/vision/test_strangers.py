"""What a network was never taught is told by its novelty, through a real network."""

from pathlib import Path

import numpy as np
import pytest

from rig.dataset.reader import read_dataset
from rig.errors import DatasetError, ModelError
from rig.model import Bundle, load_bundle
from rig.vision.classifier import Classifier, Network
from rig.vision.evaluation import Rejections, evaluate
from rig.vision.preprocess import prepare
from rig.vision.strangers import is_stranger, novelty_limits, novelty_of
from tests.vision.pictures import Scene, draw
from tests.vision.single_minded import make_wary, write_pictures, write_single_minded

_LABELS = ("bar", "square")
_SCALE = 0.12
_OTHER_SCALE = 0.08


def _bar(scale: float, turn_deg: float = 40.0) -> np.ndarray:
    return draw(Scene("bar", turn_deg=turn_deg, scale=scale))


def _taught_one_size(folder: Path) -> Bundle:
    """A model that is sure of all that it is shown; its logits grow with the part's size, which tells."""
    plain = write_single_minded(folder / "model", "bar", labels=_LABELS)
    network = Network(plain.network_path.read_bytes(), "the network")
    taught = [_bar(_SCALE, turn_deg) for turn_deg in range(0, 360, 10)]
    logits = np.array([network.logits(prepare(picture, plain.card.preprocess)[0]) for picture in taught])
    return make_wary(plain, logits.astype(np.float16), (2000.0, 1000.0), (1500.0, 500.0))


def test_a_part_of_another_kind_is_a_stranger_however_sure_the_softmax(tmp_path: Path) -> None:
    classifier = Classifier(_taught_one_size(tmp_path))
    known, strange = (classifier.classify(_bar(scale, 45.0)) for scale in (_SCALE, _OTHER_SCALE))
    assert strange.top(1)[0].probability > 0.99
    limits = novelty_limits(classifier.card, 0.001)
    assert not is_stranger([known.novelty], limits)
    assert is_stranger([strange.novelty], limits)


def test_the_third_nearest_vouches_for_a_part() -> None:
    familiar = np.array([[0, 0], [3, 4], [100, 0], [6, 8], [0, 100]], np.float32)
    assert novelty_of(np.zeros(2, np.float32), familiar) == pytest.approx(10)


def test_views_are_judged_by_their_mean_and_the_limit_for_so_many() -> None:
    limits = (3.0, 2.0, 1.0)
    assert not is_stranger([2.5], limits)
    assert is_stranger([2.5, 1.7], limits)
    assert not is_stranger([2.5, 1.4], limits)
    assert is_stranger([1.1] * 5, limits)
    assert not is_stranger([0.9] * 5, limits)


def test_the_limit_follows_the_share_that_may_be_lost(tmp_path: Path) -> None:
    card = _taught_one_size(tmp_path).card
    assert novelty_limits(card, 0.05) == pytest.approx((1500, 1000))
    assert novelty_limits(card, 0.2) == pytest.approx((1000, 500))
    assert novelty_limits(card, 0.0) == ()


def test_nothing_is_strange_to_a_model_that_keeps_nothing_to_compare_with(tmp_path: Path) -> None:
    bundle = write_single_minded(tmp_path / "model", "bar", labels=_LABELS)
    assert Classifier(bundle).classify(_bar(_SCALE)).novelty == 0
    assert novelty_limits(bundle.card, 0.02) == ()
    assert not is_stranger([1e9], ())


def test_what_it_keeps_must_be_whole_and_its_own(tmp_path: Path) -> None:
    bundle = _taught_one_size(tmp_path)
    with pytest.raises(ModelError, match=r"familiar\.npy has 9 x 3 logits, which do not fit its card"):
        Classifier(make_wary(bundle, np.zeros((9, 3), np.float16), (1.0, 1.0)))
    bundle.familiar_path.write_bytes(b"something else")
    with pytest.raises(ModelError, match=r"familiar\.npy is damaged"):
        load_bundle(bundle.folder)
    bundle.familiar_path.unlink()
    with pytest.raises(ModelError, match=r"familiar\.npy is missing"):
        load_bundle(bundle.folder)


def test_evaluation_counts_what_is_rejected_of_parts_never_taught(tmp_path: Path) -> None:
    bundle = make_wary(_taught_one_size(tmp_path), np.zeros((3, 2), np.float16), (1.0, 1.0))
    write_pictures(tmp_path / "data", bar=3, wedge=2)
    dataset = read_dataset(tmp_path / "data")
    evaluation = evaluate(bundle, dataset, lambda _: None, novelty_limits=novelty_limits(bundle.card, 0.1))
    assert evaluation.known == Rejections(images=3, unsure=0, strange=3, either=3)
    assert evaluation.unknown == Rejections(images=2, unsure=0, strange=2, either=2)
    (scores,) = evaluation.scores.values()
    assert (scores.images, scores.top1) == (3, 1.0)
    with pytest.raises(DatasetError, match="was not trained on wedge"):
        evaluate(bundle, dataset, lambda _: None)


def test_a_picture_that_is_unsure_and_strange_is_rejected_once() -> None:
    pictures = [(True, True), (True, False), (False, False), (False, True), (False, False)]
    assert Rejections.of(pictures) == Rejections(images=5, unsure=2, strange=2, either=3)
