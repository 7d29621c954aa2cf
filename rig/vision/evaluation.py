"""Measure a model on class folders, and never pass off an image that trained it as a test.

On data that it was made from, every image is named by the fold model that has seen neither the image nor its
physical part. New images are named by the model itself. Images that no model here is innocent of are measured
too, but apart. Of parts that the model was never taught it is counted how many it would reject.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from rig.card import ClassScore, FoldScore, Scores
from rig.dataset.reader import Dataset, Sample, decode_image, read_bytes
from rig.errors import DatasetError
from rig.model import Bundle, image_digest
from rig.vision.classifier import Classifier
from rig.vision.strangers import is_stranger

Confusion = NDArray[np.int64]
"""Shape (classes, classes): rows are the true labels, columns the named ones."""


class Knowledge(Enum):
    """What a model knows of an image beforehand."""

    UNSEEN = "never seen, nor its physical part"
    VALIDATED = "kept apart to choose by"
    SEEN = "trained on"


@dataclass(frozen=True)
class EvaluationProgress:
    """So many images of so many are done."""

    done: int
    total: int


@dataclass(frozen=True)
class Rejections:
    """What becomes of single pictures that a model has not seen.

    Attributes:
        images: how many there are.
        unsure: less sure than the reject threshold.
        strange: taken for parts that the model was never taught.
        either: one or both of these.
    """

    images: int
    unsure: int
    strange: int
    either: int

    @classmethod
    def of(cls, pictures: Sequence[tuple[bool, bool]]) -> "Rejections":
        """Of each picture, whether it is unsure, and whether it is strange."""
        unsure, strange = (sum(picture[place] for picture in pictures) for place in (0, 1))
        return cls(len(pictures), unsure, strange, sum(map(any, pictures)))


@dataclass(frozen=True)
class Evaluation:
    """What came out.

    Attributes:
        labels: of rows and columns of the confusion matrix.
        scores: for each kind of knowledge that occurred; only UNSEEN is a test.
        confusion: for the same.
        folds: top-1 of each fold model that was used.
        not_located: images in which no part was found.
        known: what is rejected of the parts that the model was taught.
        unknown: the same of parts that it was not.
    """

    labels: tuple[str, ...]
    scores: dict[Knowledge, Scores]
    confusion: dict[Knowledge, Confusion]
    folds: tuple[FoldScore, ...]
    not_located: int
    known: Rejections
    unknown: Rejections


def evaluate(
    bundle: Bundle,
    dataset: Dataset,
    emit: Callable[[EvaluationProgress], None],
    *,
    novelty_limits: Sequence[float] = (),
) -> Evaluation:
    """Name every image of a dataset with a model that is as innocent of it as can be.

    Args:
        novelty_limits: beyond which a part is one that the model was never taught; without them there may be
            none of these.

    Raises:
        DatasetError: an image is damaged, or a class is none of the model's and cannot be told from these.
        ModelError: the bundle is damaged.
    """
    labels = bundle.card.labels
    strangers = sorted(set(dataset.labels) - set(labels))
    if strangers and not novelty_limits:
        raise DatasetError(
            f"{bundle.folder} was not trained on {', '.join(strangers)}",
            hint="train a model on these parts too, or leave their folders out",
        )
    jury = Jury(bundle)
    counts = {knowledge: np.zeros((len(labels), len(labels)), np.int64) for knowledge in Knowledge}
    right: dict[int, list[bool]] = {}
    rejections: dict[bool, list[tuple[bool, bool]]] = {True: [], False: []}
    not_located = 0
    for done, sample in enumerate(dataset.samples, start=1):
        content = read_bytes(sample.path)
        image = decode_image(content, sample.path)
        for judge in jury.judges(sample, image_digest(content)):
            result = judge.classifier.classify(image)
            named, probability = result.top(1)[0]
            is_known = sample.label in labels
            if judge.knowledge is Knowledge.UNSEEN:
                is_unsure = probability < bundle.card.reject_threshold
                rejections[is_known].append((is_unsure, is_stranger([result.novelty], novelty_limits)))
            if not is_known:
                continue
            counts[judge.knowledge][labels.index(sample.label), labels.index(named)] += 1
            if judge.fold:
                right.setdefault(judge.fold, []).append(named == sample.label)
        not_located += result.box is None
        emit(EvaluationProgress(done, len(dataset.samples)))
    occurred = {knowledge: matrix for knowledge, matrix in counts.items() if matrix.any()}
    return Evaluation(
        labels=labels,
        scores={knowledge: score(matrix, labels, knowledge.value) for knowledge, matrix in occurred.items()},
        confusion=occurred,
        folds=tuple(
            FoldScore(fold=fold, images=len(hits), top1=float(np.mean(hits)))
            for fold, hits in sorted(right.items())
        ),
        not_located=not_located,
        known=Rejections.of(rejections[True]),
        unknown=Rejections.of(rejections[False]),
    )


def score(
    confusion: Confusion, labels: Sequence[str], how: str, *, float_top1: float | None = None
) -> Scores:
    """Top-1, and precision, recall and F1 of each class; a share of nothing is 0."""
    right = np.diag(confusion)
    named, true = confusion.sum(axis=0), confusion.sum(axis=1)
    classes = tuple(
        ClassScore(
            label=label,
            precision=_share(right[k], named[k]),
            recall=_share(right[k], true[k]),
            f1=_share(2 * right[k], named[k] + true[k]),
            support=int(true[k]),
        )
        for k, label in enumerate(labels)
    )
    images = int(confusion.sum())
    top1 = float(right.sum() / images) if images else None
    return Scores(how=how, images=images, top1=top1, float_top1=float_top1, classes=classes)


def _share(part: np.int64, whole: np.int64) -> float:
    return float(part / whole) if whole else 0.0


@dataclass(frozen=True)
class Judge:
    """A model that names an image, what it knows of it, and the fold it belongs to (0: the final model)."""

    classifier: Classifier
    knowledge: Knowledge
    fold: int = 0


class Jury:
    """The final model and its fold models."""

    def __init__(self, bundle: Bundle) -> None:
        self._group_of = bundle.image_groups()
        self._groups = frozenset(self._group_of.values())
        final = Classifier(bundle)
        self._stranger = Judge(final, Knowledge.UNSEEN)
        judges = {group: [Judge(final, Knowledge.SEEN)] for group in self._groups}
        judges |= {group: [Judge(final, Knowledge.VALIDATED)] for group in bundle.card.split.validated}
        judges |= {group: [self._stranger] for group in bundle.card.split.tested}
        of_folds: dict[str, list[Judge]] = {}
        for number, fold in enumerate(bundle.folds(), start=1):
            judge = Judge(Classifier(fold), Knowledge.UNSEEN, number)
            for group in fold.card.split.tested:
                of_folds.setdefault(group, []).append(judge)
        self._judges = judges | of_folds

    def judges(self, sample: Sample, digest: str) -> Sequence[Judge]:
        """The most innocent models, at least one. A group without a name is recognised by its images alone.

        Of a class with fewer groups than folds, several fold models have not seen a group.
        """
        group = self._group_of.get(digest)
        if group is None and sample.group and sample.group_key in self._groups:
            group = sample.group_key
        return (self._stranger,) if group is None else self._judges[group]

    def judge(self, sample: Sample, digest: str) -> Judge:
        """The first of them, where one opinion is asked for."""
        return self.judges(sample, digest)[0]
