"""From what the classifier saw to one decision: a part, or none that is sure enough."""

from dataclasses import dataclass

from rig.catalog import PartNumber
from rig.vision.classifier import Candidate, Classification


@dataclass(frozen=True)
class Decision:
    """What a part was taken for.

    Attributes:
        part: the decided part number; None when no candidate is sure enough.
        probability: calibrated probability of the best candidate, 0 to 1.
        candidates: the best three, most probable first.
    """

    part: PartNumber | None
    probability: float
    candidates: tuple[Candidate, ...]


def decide(classification: Classification, reject_threshold: float) -> Decision:
    """Take the most probable part, if its probability reaches `reject_threshold`."""
    candidates = classification.top(3)
    best = candidates[0]
    sure = best.probability >= reject_threshold
    return Decision(PartNumber(best.label) if sure else None, best.probability, candidates)
