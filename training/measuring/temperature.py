"""Make probabilities mean what they say, choose when to say "not sure", and show what either brings."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig.card import Calibration
from rig.vision.classifier import softmax

REJECT_COST = 0.2
"""A part in the reject bin, to be fed again, costs a fifth of a part in the wrong bin."""

REJECT_THRESHOLD = 1 - REJECT_COST
"""Chow's rule (1970): refuse to decide when the chance of an error exceeds the cost of refusing."""

_BINS = 10
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


@dataclass(frozen=True)
class Bin:
    """Pictures whose answers are about equally sure.

    Attributes:
        confidence: mean probability of the answers, 0 to 1.
        accuracy: share of them that are right.
        share: of all pictures, that are in this bin.
    """

    confidence: float
    accuracy: float
    share: float


def reliability(
    logits: NDArray[np.float32], targets: NDArray[np.int64], temperature: float
) -> tuple[Bin, ...]:
    """Ten bins of equal width (Guo et al., 2017); empty ones are left out."""
    probabilities = softmax(logits, temperature)
    return bins_of(probabilities.max(axis=1), probabilities.argmax(axis=1) == targets)


def bins_of(sure: NDArray[np.floating], right: NDArray[np.bool_]) -> tuple[Bin, ...]:
    """The same of answers, (n,), that are so sure, and right or not."""
    places = np.minimum((sure * _BINS).astype(int), _BINS - 1)
    members = [places == place for place in range(_BINS)]
    return tuple(
        Bin(float(sure[member].mean()), float(right[member].mean()), float(member.mean()))
        for member in members
        if member.any()
    )


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """Expected calibration error (Naeini et al., 2015): mean gap of confidence and accuracy."""
    return sum(b.share * abs(b.confidence - b.accuracy) for b in bins)


@dataclass(frozen=True)
class RiskCoverage:
    """What it brings to leave the least sure pictures to the reject bin (El-Yaniv and Wiener, 2010).

    Attributes:
        sure: (n,) probabilities of the answers, the surest first.
        coverage: (n,) share of pictures accepted, when the k surest are.
        risk: (n,) share of the accepted that are named wrongly.
    """

    sure: NDArray[np.float32]
    coverage: NDArray[np.float64]
    risk: NDArray[np.float64]

    def at(self, threshold: float) -> tuple[float, float]:
        """Coverage and risk when answers below the threshold are rejected; (0, 0) when all are."""
        accepted = int((self.sure >= threshold).sum())
        return (
            (float(self.coverage[accepted - 1]), float(self.risk[accepted - 1])) if accepted else (0.0, 0.0)
        )

    def cost(self, threshold: float) -> float:
        """Mean cost of a part: 1 in a wrong bin, `REJECT_COST` in the reject bin, else 0."""
        coverage, risk = self.at(threshold)
        return coverage * risk + (1 - coverage) * REJECT_COST


def risk_coverage(
    logits: NDArray[np.float32], targets: NDArray[np.int64], temperature: float
) -> RiskCoverage:
    """Of at least one picture."""
    probabilities = softmax(logits, temperature)
    sure = probabilities.max(axis=1)
    order = np.argsort(-sure, kind="stable")
    wrong = (probabilities.argmax(axis=1) != targets)[order]
    counts = np.arange(1, len(wrong) + 1)
    return RiskCoverage(sure[order], counts / len(wrong), wrong.cumsum() / counts)
