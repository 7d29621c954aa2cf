"""Precision, recall and F1 by hand."""

import numpy as np
import pytest

from rig.vision.evaluation import score


def test_scores_of_a_small_confusion_matrix() -> None:
    confusion = np.array([[8, 2, 0], [1, 4, 0], [0, 0, 0]])
    scores = score(confusion, ("a", "b", "c"), "in a test", float_top1=0.9)
    assert scores.top1 == pytest.approx(12 / 15)
    assert scores.float_top1 == 0.9
    assert scores.images == 15
    a, b, c = scores.classes
    assert a.precision == pytest.approx(8 / 9)
    assert (a.recall, a.support) == (0.8, 10)
    assert a.f1 == pytest.approx(2 * a.precision * a.recall / (a.precision + a.recall))
    assert b.precision == pytest.approx(4 / 6)
    assert b.recall == 0.8
    assert (c.precision, c.recall, c.f1, c.support) == (0, 0, 0, 0)


def test_nothing_measured_has_no_top1() -> None:
    assert score(np.zeros((2, 2), np.int64), ("a", "b"), "in a test").top1 is None
