"""Which answers would teach the most: an order in which a few of many doubtful parts say much of the others.

A set S of parts is worth the sum, over all parts i in doubt, of u_i * max over j in S of l_ij. There u_i is
how unsure the model is of part i: the entropy of its calibrated probabilities, as a share of the most that it
can be. And l_ij is how alike two parts look to the model: the Bhattacharyya coefficient of their
probabilities, 0 for parts that it never takes for the same, 1 for parts that it cannot tell apart, however
they lie. So an answer is worth more, the more parts in doubt look like its part, and less, if those look like
one that was chosen before. The next one chosen is always that which adds most.

Such a sum is monotone and submodular, so that the first parts of this order are worth at least 1 - 1/e of as
many that are best (Nemhauser, Wolsey, Fisher, "An analysis of approximations for maximizing submodular set
functions", 1978). It is called facility location (Wei, Iyer, Bilmes, "Submodularity in data subset selection
and active learning", ICML 2015); doubt times likeness to others is the information density of Settles and
Craven ("An analysis of active learning strategies for sequence labeling tasks", EMNLP 2008).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig.dataset.progress import Progress
from rig.dataset.reader import decode_image, read_bytes
from rig.review.queue import Doubtful
from rig.vision.classifier import Classifier

Opinions = NDArray[np.float32]
"""Shape (parts, classes): calibrated probabilities, each row adds up to 1."""

_STAGE = "Asking the model"


@dataclass(frozen=True)
class Useful:
    """A part in the order of use.

    Attributes:
        gain: what its answer adds to those before, in parts of which the model knows nothing, 0 or more.
    """

    part: Doubtful
    gain: float


def most_useful(
    parts: Sequence[Doubtful], classifier: Classifier, count: int, emit: Callable[[Progress], None]
) -> list[Useful]:
    """The `count` parts whose answers would teach the model most, the most useful first.

    The model is asked anew: it may have learned since the parts were sorted.

    Raises:
        DatasetError: a picture cannot be read.
    """
    opinions = []
    for done, part in enumerate(parts, start=1):
        opinions.append(_opinion(part, classifier))
        emit(Progress(_STAGE, done, len(parts)))
    order = in_order_of_use(np.array(opinions, np.float32), count) if opinions else []
    return [Useful(parts[place], gain) for place, gain in order]


def in_order_of_use(opinions: Opinions, count: int) -> list[tuple[int, float]]:
    """The places of the `count` most useful parts and what each adds, best first.

    Takes memory for a number for each pair of parts: 64 MiB for 4,000.
    """
    doubt = uncertainty(opinions)
    roots = np.sqrt(opinions)
    likeness = roots @ roots.T
    covered = np.zeros(len(opinions), np.float32)
    left = np.ones(len(opinions), bool)
    order = []
    for _ in range(min(count, len(opinions))):
        gains = np.where(left, np.maximum(likeness - covered, 0) @ doubt, -1)
        best = int(gains.argmax())
        order.append((best, float(gains[best])))
        covered = np.maximum(covered, likeness[best])
        left[best] = False
    return order


def uncertainty(opinions: Opinions) -> NDArray[np.float32]:
    """Entropy of each row, 0 to 1: 1 where all classes are alike."""
    surprise = -np.log(np.maximum(opinions, np.finfo(np.float32).tiny))
    return np.asarray((opinions * surprise).sum(axis=1) / np.log(opinions.shape[1]), np.float32)


def _opinion(part: Doubtful, classifier: Classifier) -> NDArray[np.float32]:
    """The mean over its looks."""
    said = [
        classifier.classify(decode_image(read_bytes(look.picture), look.picture)).probabilities
        for look in part.looks
    ]
    return np.asarray(np.mean(said, axis=0), np.float32)
