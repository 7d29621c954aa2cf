"""Looking at a part that lies still until it is known what it is, or that it cannot be told."""

from dataclasses import dataclass

from rig.camera.frame import Image
from rig.sorting.evidence import Decision, decide
from rig.sorting.watch import Sight
from rig.vision.classifier import Classifier
from rig.vision.locate import Box


@dataclass(frozen=True)
class View:
    """One look at a part.

    Attributes:
        image: (height, width, 3) uint8, BGR.
        box: where the part is in it.
    """

    image: Image
    box: Box


@dataclass(frozen=True)
class Examination:
    """What was seen of a part, and what it was taken for.

    Attributes:
        decision: from all views together.
        views: in the order in which they were taken, at least one.
    """

    decision: Decision
    views: tuple[View, ...]


def examine(sight: Sight, classifier: Classifier, reject_threshold: float) -> Examination:
    """Decide on a part by the one picture that there is of it."""
    decision = decide(classifier.classify(sight.frame.image), reject_threshold)
    return Examination(decision, (View(sight.frame.image, sight.box),))
