"""The temperature undoes overconfidence, and the threshold does what the card says."""

import numpy as np
import pytest

from rig.vision.classifier import softmax
from training.calibrate import REJECT_THRESHOLD, describe, fit_temperature


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
