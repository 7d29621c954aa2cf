"""Two models side by side, on pictures that neither has seen."""

from collections.abc import Callable
from dataclasses import dataclass

from rig.dataset.reader import Dataset, Sample, decode_image, read_bytes
from rig.errors import DatasetError
from rig.model import Bundle, image_digest
from rig.vision.evaluation import EvaluationProgress, Judge, Jury, Knowledge


@dataclass(frozen=True)
class Answer:
    """What two models say of one picture.

    Attributes:
        file_name: below the dataset's folder.
        true: its label.
        first, second: the labels that the models name.
    """

    file_name: str
    true: str
    first: str
    second: str


@dataclass(frozen=True)
class ClassRecall:
    """Share of one class's pictures that each model names rightly."""

    label: str
    images: int
    first: float
    second: float


@dataclass(frozen=True)
class Comparison:
    """What came out.

    Attributes:
        images: that both models were asked about.
        seen: pictures left out because a model was trained or chosen on them or on their physical part.
        strange: pictures left out because a model does not know their class.
        first_top1, second_top1: share named rightly.
        classes: one row a class that occurred.
        disagreements: the pictures that the models name differently.
    """

    images: int
    seen: int
    strange: int
    first_top1: float
    second_top1: float
    classes: tuple[ClassRecall, ...]
    disagreements: tuple[Answer, ...]


def compare(
    first: Bundle, second: Bundle, dataset: Dataset, emit: Callable[[EvaluationProgress], None]
) -> Comparison:
    """Ask both models about every picture that neither has seen; fold models step in as in `evaluate`.

    Raises:
        DatasetError: an image is damaged, or there is no picture to compare them on.
        ModelError: a bundle is damaged.
    """
    known = set(first.card.labels) & set(second.card.labels)
    juries = Jury(first), Jury(second)
    answers = []
    seen = strange = 0
    for done, sample in enumerate(dataset.samples, start=1):
        if sample.label in known:
            answer = _ask(juries, sample)
            if answer is None:
                seen += 1
            else:
                answers.append(answer)
        else:
            strange += 1
        emit(EvaluationProgress(done, len(dataset.samples)))
    if not answers:
        raise DatasetError(
            f"no picture in {dataset.folder} is new to both {first.name} and {second.name}:"
            f" {seen} were seen, {strange} are of parts that one does not know",
            hint="compare them on pictures that were captured later",
        )
    return Comparison(
        images=len(answers),
        seen=seen,
        strange=strange,
        first_top1=_share([answer.first == answer.true for answer in answers]),
        second_top1=_share([answer.second == answer.true for answer in answers]),
        classes=tuple(_recall(label, answers) for label in sorted({answer.true for answer in answers})),
        disagreements=tuple(answer for answer in answers if answer.first != answer.second),
    )


def _ask(juries: tuple[Jury, Jury], sample: Sample) -> Answer | None:
    """None where a model has seen the picture."""
    content = read_bytes(sample.path)
    digest = image_digest(content)
    judges = [jury.judge(sample, digest) for jury in juries]
    if any(judge.knowledge is not Knowledge.UNSEEN for judge in judges):
        return None
    first, second = (_name(judge, content, sample) for judge in judges)
    return Answer(f"{sample.label}/{sample.path.name}", sample.label, first, second)


def _name(judge: Judge, content: bytes, sample: Sample) -> str:
    return judge.classifier.classify(decode_image(content, sample.path)).top(1)[0].label


def _recall(label: str, answers: list[Answer]) -> ClassRecall:
    mine = [answer for answer in answers if answer.true == label]
    return ClassRecall(
        label=label,
        images=len(mine),
        first=_share([answer.first == label for answer in mine]),
        second=_share([answer.second == label for answer in mine]),
    )


def _share(right: list[bool]) -> float:
    return sum(right) / len(right)
