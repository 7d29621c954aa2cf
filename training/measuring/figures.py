"""What fitted networks say of pictures that they were not fitted to, as figures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image
from rig.card import Calibration, LeakyScore, Precision, Scores
from rig.vision.classifier import Network, softmax
from rig.vision.evaluation import Confusion, score
from training.conversion.variants import Answers, Fitted, ask, pool
from training.measuring.temperature import describe, fit_temperature
from training.pictures.data import Crops
from training.pictures.withheld import withheld


@dataclass(frozen=True)
class Mistake:
    """A picture that was named wrongly.

    Attributes:
        crop: (size, size, 3) uint8, BGR.
        file_name: below the dataset's folder.
        true, named: labels.
        probability: that the network gave to its answer.
    """

    crop: Image
    file_name: str
    true: str
    named: str
    probability: float


def confusion_of(measured: Answers, crops: Crops) -> Confusion:
    """All that was named rightly and wrongly."""
    classes = len(crops.labels)
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (crops.targets[measured.indices], measured.logits.argmax(axis=1)), 1)
    return confusion


def scores_of(measured: Answers, at_float32: Answers, crops: Crops, how: str) -> Scores:
    """Of the pictures that `how` names in words."""
    confusion = confusion_of(measured, crops)
    return score(confusion, crops.labels, how, float_top1=at_float32.top1(crops.targets))


def mistakes_of(measured: Answers, crops: Crops, temperature: float) -> list[Mistake]:
    """The pictures that were named wrongly."""
    return [
        Mistake(
            crop=crops.images[index],
            file_name=crops.name(index),
            true=crops.labels[crops.targets[index]],
            named=crops.labels[row.argmax()],
            probability=float(row.max()),
        )
        for index, row in zip(measured.indices, softmax(measured.logits, temperature), strict=True)
        if row.argmax() != crops.targets[index]
    ]


def examples_of(crops: Crops, count: int) -> dict[str, list[Image]]:
    """Some crops of each class, spread evenly over its pictures."""
    members = [np.flatnonzero(crops.targets == k) for k in range(len(crops.labels))]
    return {
        label: [crops.images[index] for index in mine[:: max(1, len(mine) // count)][:count]]
        for label, mine in zip(crops.labels, members, strict=True)
    }


def calibrate(measured: Answers, crops: Crops, how: str) -> tuple[float, Calibration]:
    """The temperature that makes the probabilities mean what they say, and what is known of it."""
    targets = crops.targets[measured.indices]
    if not len(targets):
        return 1.0, Calibration(calibrated=False, how="uncalibrated: nothing could be held out")
    temperature = fit_temperature(measured.logits, targets)
    return temperature, describe(measured.logits, targets, temperature, f"calibrated on {how}")


def leaky_score(
    fitted: Sequence[Fitted], precision: Precision, inputs: NDArray[np.uint8], crops: Crops
) -> LeakyScore | None:
    """Of networks on the pictures that were kept from them at random.

    Args:
        inputs: of all crops, (n, height, width, channels) uint8.
    """
    answers = pool(
        [
            ask(
                Network(network.content(precision), f"the {precision} network"),
                inputs,
                withheld(crops, network.partition),
            )
            for network in fitted
        ]
    )
    top1 = answers.top1(crops.targets)
    return None if top1 is None else LeakyScore(images=len(answers.indices), top1=top1)


def how_measured(folds: int, tested: int, held_out: int) -> str:
    """In words, which pictures the figures are of.

    Args:
        tested: groups that the final network has never seen.
        held_out: pictures on which it is measured.
    """
    if folds:
        return f"bricks and sessions that were kept from the network, {folds} folds together"
    if tested:
        return "bricks and sessions that were kept from the network"
    if held_out:
        return "bricks and sessions that helped to choose the network"
    return "nothing: there is only one brick and one session of every part"
