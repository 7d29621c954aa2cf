"""The temperature undoes overconfidence, and the threshold does what the card says."""

import numpy as np
import pytest

from rig.vision.classifier import softmax
from training.measuring.temperature import (
    REJECT_THRESHOLD,
    calibration_error,
    describe,
    fit_temperature,
    reliability,
    risk_coverage,
)


def _answers(overconfidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is the true chance of each class, but for a factor."""
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (4000, 4)).astype(np.float32)
    chances = softmax(logits, 1.0)
    targets = np.array([rng.choice(4, p=row / row.sum()) for row in chances.astype(float)])
    return logits * np.float32(overconfidence), targets


@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 3.0])
def test_finds_the_factor(overconfidence: float) -> None:
    logits, targets = _answers(overconfidence)
    assert fit_temperature(logits, targets) == pytest.approx(overconfidence, rel=0.1)


def test_describes_what_the_threshold_accepts() -> None:
    logits, targets = _answers(1.0)
    calibration = describe(logits, targets, 1.0, "in a test")
    sure = softmax(logits, 1.0).max(axis=1) >= REJECT_THRESHOLD
    assert calibration.accepted == pytest.approx(sure.mean())
    assert calibration.accepted_top1 == pytest.approx((logits.argmax(axis=1) == targets)[sure].mean())
    assert calibration.accepted_top1 is not None
    assert calibration.accepted_top1 > REJECT_THRESHOLD


def test_nothing_accepted_has_no_accuracy() -> None:
    calibration = describe(np.zeros((3, 4), np.float32), np.zeros(3, np.int64), 1.0, "in a test")
    assert calibration.accepted == 0
    assert calibration.accepted_top1 is None


def test_the_right_temperature_makes_the_reliability_diagram_straight() -> None:
    logits, targets = _answers(3.0)
    before, after = (reliability(logits, targets, temperature) for temperature in (1.0, 3.0))
    assert sum(b.share for b in after) == pytest.approx(1)
    assert calibration_error(before) > 0.1
    assert calibration_error(after) < 0.03
    assert all(abs(b.confidence - b.accuracy) < 0.1 for b in after if b.share > 0.02)


def test_risk_falls_as_less_is_accepted() -> None:
    """Four answers, the surest right, the next wrong: counted by hand."""
    logits = np.log(np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]], np.float32))
    curve = risk_coverage(logits, np.array([0, 1, 0, 0]), 1.0)
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve.risk.tolist() == pytest.approx([0, 1 / 2, 1 / 3, 1 / 4])
    assert curve.at(0.75) == (0.5, 0.5)
    assert curve.at(0.99) == (0, 0)
    assert curve.cost(0.0) == pytest.approx(0.25)
    assert curve.cost(0.75) == pytest.approx(0.5 * 0.5 + 0.5 * 0.2)
    assert curve.cost(0.99) == pytest.approx(0.2)
