"""Which answers would teach the most: an order in which a few of many doubtful parts say much of the others.

A set S of answered parts is worth the sum, over all parts i in doubt, of u_i * log(1 + k_i + sum over j in S
of l_ij). There u_i is how unsure the model is of part i: the entropy of its calibrated probabilities, as a
share of the most that it can be. l_ij is how alike two parts look to the model: the Bhattacharyya coefficient
of their probabilities, 0 for parts that it never takes for the same, 1 for parts that it cannot tell apart,
however they lie. And k_i is how often the dataset has what part i may be: the sessions of each class, by its
probability.

So an answer is worth more, the more parts in doubt look like its part; and the n-th about parts that look
alike is worth 1/n of the first, those that the dataset holds already counted among them. The next part is
always the one that adds most. Such a sum, of a concave function of what each element adds, is monotone and
submodular, so that the first parts of this order are worth at least 1 - 1/e of as many that are best
(Nemhauser, Wolsey, Fisher, "An analysis of approximations for maximizing submodular set functions", 1978; as
a way to choose training data: Wei, Iyer, Bilmes, "Submodularity in data subset selection and active
learning", ICML 2015). Doubt times likeness to others is the information density of Settles and Craven, "An
analysis of active learning strategies for sequence labeling tasks", EMNLP 2008.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rig.dataset.groups import ties
from rig.dataset.layout import MANIFEST
from rig.dataset.manifest import read_manifest
from rig.dataset.progress import Progress
from rig.dataset.reader import decode_image, read_bytes
from rig.review.queue import Doubtful
from rig.vision.classifier import Classifier

Opinions = NDArray[np.float32]
"""Shape (parts, classes): calibrated probabilities, each row adds up to 1."""

_STAGE = "Asking the model"


def most_useful(
    parts: Sequence[Doubtful],
    classifier: Classifier,
    sessions: Mapping[str, int],
    count: int,
    emit: Callable[[Progress], None],
) -> list[Doubtful]:
    """The `count` parts whose answers would teach the model most, the most useful first.

    The model is asked anew: it may have learned since the parts were sorted.

    Args:
        sessions: how many the dataset has of each class.

    Raises:
        DatasetError: a picture cannot be read.
    """
    opinions = []
    for done, part in enumerate(parts, start=1):
        opinions.append(opinion_of(part, classifier))
        emit(Progress(_STAGE, done, len(parts)))
    if not opinions:
        return []
    known = np.array([sessions.get(label, 0) for label in classifier.card.labels], np.float32)
    return [parts[place] for place in in_order_of_use(np.array(opinions), known, count)]


def opinion_of(part: Doubtful, classifier: Classifier) -> NDArray[np.float32]:
    """What the model takes a part for: (classes,) float32, the mean over its looks.

    Raises:
        DatasetError: a picture cannot be read.
    """
    said = [
        classifier.classify(decode_image(read_bytes(look.picture), look.picture)).probabilities
        for look in part.looks
    ]
    return np.asarray(np.mean(said, axis=0), np.float32)


def sessions_of(dataset: Path) -> dict[str, int]:
    """How many sessions a dataset has of each class; none where there is no dataset.

    Raises:
        DatasetError: its manifest is damaged.
    """
    sessions = {
        (str(row.document.get("label")), ties(row.document)) for row in read_manifest(dataset / MANIFEST)
    }
    return dict(Counter(label for label, _ in sessions))


def in_order_of_use(opinions: Opinions, known: NDArray[np.float32], count: int) -> list[int]:
    """The places of the `count` most useful parts, the most useful first; of equals the first.

    Takes memory for some numbers for each pair of parts: 64 MiB each for 4,000.

    Args:
        known: (classes,) float32, sessions that the dataset has.
    """
    doubt = uncertainty(opinions)
    roots = np.sqrt(opinions)
    likeness = roots @ roots.T
    answered = opinions @ known
    left = np.ones(len(opinions), bool)
    order = []
    for _ in range(min(count, len(opinions))):
        gains = np.log1p(likeness / (1 + answered)) @ doubt
        best = int(np.where(left, gains, -1).argmax())
        order.append(best)
        answered += likeness[best]
        left[best] = False
    return order


def uncertainty(opinions: Opinions) -> NDArray[np.float32]:
    """Entropy of each row, 0 to 1: 1 where all classes are alike."""
    surprise = -np.log(np.maximum(opinions, np.finfo(np.float32).tiny))
    return np.asarray((opinions * surprise).sum(axis=1) / np.log(opinions.shape[1]), np.float32)
