"""Make probabilities mean what they say, and choose when to say "not sure"."""

import numpy as np
from numpy.typing import NDArray

from rig.model import Calibration
from rig.vision.classifier import softmax

REJECT_COST = 0.2
"""A part in the reject bin, to be fed again, costs a fifth of a part in the wrong bin."""

REJECT_THRESHOLD = 1 - REJECT_COST
"""Chow's rule (1970): refuse to decide when the chance of an error exceeds the cost of refusing."""

_TEMPERATURES = np.geomspace(0.25, 8.0, 101)


def fit_temperature(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
    """The temperature of least negative log likelihood, 0.25 to 8 (Guo et al., 2017).

    Args:
        logits: (n, classes), of images that the network has not been fitted to; n is at least 1.
        targets: (n,) class indices.
    """
    rows = np.arange(len(targets))

    def loss(temperature: float) -> float:
        likelihood = softmax(logits, temperature)[rows, targets]
        return float(-np.log(np.maximum(likelihood, 1e-12)).mean())

    return min(map(float, _TEMPERATURES), key=loss)


def describe(
    logits: NDArray[np.float32], targets: NDArray[np.int64], temperature: float, how: str
) -> Calibration:
    """What the reject threshold does to the images that the temperature was fitted on."""
    probabilities = softmax(logits, temperature)
    accepted = probabilities.max(axis=1) >= REJECT_THRESHOLD
    right = probabilities.argmax(axis=1) == targets
    return Calibration(
        calibrated=True,
        how=how,
        accepted=float(accepted.mean()),
        accepted_top1=float(right[accepted].mean()) if accepted.any() else None,
    )
