"""Parts that a model was never taught, told by how far its answer is from all that it answers to known ones.

A softmax names one of the classes, and often surely, whatever it is shown; and a part that is none of them
often gets logits as large as any. But it seldom gets the same ones. So a model keeps the logits of some
pictures that it was trained on, and the novelty of another is the distance of its logits from the nearest of
those: as Sun et al., "Out-of-Distribution Detection with Deep Nearest Neighbors", 2022, do with features.
What other scores are worth: docs/strangers.md.
"""

from collections.abc import Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from rig.card import Card
from rig.errors import ModelError
from rig.model import Bundle

_NEIGHBOUR = 3
"""Counted from the nearest: a single odd picture among the trained ones does not vouch for a stranger."""


def read_familiar(bundle: Bundle) -> NDArray[np.float32]:
    """The logits of known parts that a model keeps, (n, classes).

    Raises:
        ModelError: they are not those of its classes, or too few.
    """
    with bundle.familiar_path.open("rb") as file:
        familiar = np.load(file, allow_pickle=False)
    rows, classes = familiar.shape
    if rows < _NEIGHBOUR or classes != len(bundle.card.labels):
        raise ModelError(
            f"{bundle.familiar_path} has {rows} x {classes} logits, which do not fit its card",
            hint="train it again with: rig train",
        )
    return np.asarray(familiar, np.float32)


def novelty_of(logits: NDArray[np.float32], familiar: NDArray[np.float32]) -> float:
    """The distance of logits, (classes,), from the third nearest of familiar ones, (n, classes); n >= 3."""
    squares = np.square(familiar - logits).sum(axis=1)
    return float(np.sqrt(np.partition(squares, _NEIGHBOUR - 1)[_NEIGHBOUR - 1]))


def novelty_limits(card: Card, lost: float) -> tuple[float, ...]:
    """What the novelty of one view of a known part does not exceed, the mean of two views, and so on.

    Args:
        lost: share of known parts that may exceed it, and be taken for strangers; 0: none.

    Returns:
        Empty where nothing is to be taken for a stranger, or the card does not know from when on.
    """
    return () if card.strangers is None or lost == 0 else card.strangers.limits_at(lost)


def is_stranger(novelties: Sequence[float], limits: Sequence[float]) -> bool:
    """Whether a part is none that the model was taught.

    Args:
        novelties: of each view of it, at least one.
        limits: as `novelty_limits` gives them; the last one holds for more views, too.
    """
    return bool(limits) and fmean(novelties) > limits[min(len(novelties), len(limits)) - 1]
