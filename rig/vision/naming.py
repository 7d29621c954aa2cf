"""What a model says of one picture, as people are told it."""

from collections.abc import Sequence
from dataclasses import dataclass

from rig.camera.frame import Image
from rig.vision.classifier import Candidate, Classifier
from rig.vision.locate import Box
from rig.vision.strangers import is_stranger

_MOST_CANDIDATES = 3


@dataclass(frozen=True)
class Named:
    """What a picture may show.

    Attributes:
        box: where the part is; None when none was found, and then the whole picture was used.
        is_stranger: it may be a part that the model was never taught.
        candidates: the best three, most probable first.
    """

    box: Box | None
    is_stranger: bool
    candidates: tuple[Candidate, ...]


def name_picture(classifier: Classifier, image: Image, novelty_limits: Sequence[float]) -> Named:
    """Find the part in a picture and name it.

    Args:
        image: (height, width, 3) uint8, BGR, of any size.
        novelty_limits: as `rig.vision.strangers.novelty_limits` gives them.
    """
    said = classifier.classify(image)
    stranger = is_stranger([said.novelty], novelty_limits)
    return Named(said.box, stranger, said.top(_MOST_CANDIDATES))
