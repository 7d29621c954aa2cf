"""From what the classifier saw, look by look, to one decision: a part, or none that is sure enough."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from rig.catalog import PartNumber
from rig.looks import fuse
from rig.sorting.policy import Policy
from rig.sorting.thresholds import Verdict
from rig.vision.classifier import Candidate, Classification
from rig.vision.strangers import is_stranger


class Doubt(StrEnum):
    """Why no part is named."""

    UNSURE = "unsure"
    """No candidate was sure enough, however often it was looked at."""
    STRANGER = "stranger"
    """It is unlike all parts that the model was taught."""
    SEVERAL = "several"
    """Several things lie on the table, so that nothing was classified."""
    CUT_OFF = "cut off"
    """It is not wholly in view, so that it was not classified."""
    GONE = "gone"
    """It left the table while it was looked at."""

    @property
    def is_of_sight(self) -> bool:
        """Whether there was nothing to classify: it is fed again, and is no part that was sorted."""
        return self in (Doubt.SEVERAL, Doubt.CUT_OFF)


@dataclass(frozen=True)
class Decision:
    """What a part was taken for.

    Attributes:
        part: the decided part number; None when no candidate is sure enough.
        probability: calibrated probability of the best candidate, 0 to 1.
        candidates: the best three, most probable first; none when it was never classified.
        doubt: why there is no part; None where there is one.
    """

    part: PartNumber | None
    probability: float
    candidates: tuple[Candidate, ...]
    doubt: Doubt | None = None


def fused(looks: Sequence[Classification], weights: Sequence[float]) -> Classification:
    """What all looks at one part say together.

    Args:
        looks: at least one; all else that is known is of the last.
        weights: of the evidence of 1, 2, ... looks.
    """
    last = looks[-1]
    if len(looks) == 1:
        return last
    together = fuse(np.stack([look.probabilities for look in looks]), weights[len(looks) - 1])
    return replace(last, probabilities=together.astype(np.float32))


def decide(looks: Sequence[Classification], policy: Policy, *, most_looks: int) -> Decision | None:
    """Decide on a part by all looks at it; None when it is to be looked at again.

    Args:
        looks: at least one, at most as many as the policy has rules.
        most_looks: no further one is possible after so many, so that the last rule holds then.
    """
    candidates = fused(looks, policy.weights).top(3)
    best = candidates[0]
    rule = policy.rules[len(looks) - 1 if len(looks) < most_looks else -1]
    verdict = rule.verdict(best.probability)
    if verdict is Verdict.LOOK_AGAIN:
        return None
    # Asked once a part, when nothing else is left to find out, or known parts were lost at every look.
    if is_stranger([look.novelty for look in looks], policy.novelty_limits):
        return Decision(None, best.probability, candidates, Doubt.STRANGER)
    if verdict is Verdict.SORT:
        return Decision(PartNumber(best.label), best.probability, candidates)
    return Decision(None, best.probability, candidates, Doubt.UNSURE)


def unclassified(doubt: Doubt) -> Decision:
    """The decision on what is not shown to the classifier at all."""
    return Decision(None, 0.0, (), doubt)
