"""What fitted networks say of pictures that they were not fitted to."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rig.model import Calibration, Scores
from rig.vision.classifier import softmax
from rig.vision.evaluation import Confusion, score
from training.calibrate import describe, fit_temperature
from training.data import Crops
from training.report import Mistake
from training.split import Partition


@dataclass(frozen=True)
class Fitted:
    """A converted network and what it says of the pictures that it was not fitted to.

    Attributes:
        network: content of model.tflite.
        held_out: indices of these pictures: the tested ones of a fold, else the validated ones.
        logits: (held out, classes), of the converted network.
        float_right: (held out,) whether the network was right before conversion.
    """

    partition: Partition
    network: bytes
    parameters: int
    checkpoint: Path
    held_out: NDArray[np.int64]
    logits: NDArray[np.float32]
    float_right: NDArray[np.bool_]


def confusion_of(measured: Sequence[Fitted], crops: Crops) -> Confusion:
    """All that they were right and wrong about."""
    classes = len(crops.labels)
    confusion = np.zeros((classes, classes), np.int64)
    for fitted in measured:
        np.add.at(confusion, (crops.targets[fitted.held_out], fitted.logits.argmax(axis=1)), 1)
    return confusion


def scores_of(measured: Sequence[Fitted], crops: Crops, how: str) -> Scores:
    """Of all their pictures together; `how` says in words which these are."""
    float_right = np.concatenate([fitted.float_right for fitted in measured])
    float_top1 = float(float_right.mean()) if len(float_right) else None
    return score(confusion_of(measured, crops), crops.labels, how, float_top1=float_top1)


def mistakes_of(measured: Sequence[Fitted], crops: Crops, temperature: float) -> list[Mistake]:
    """The pictures that were named wrongly."""
    return [
        Mistake(
            crop=crops.images[index],
            file_name=f"{crops.samples[index].label}/{crops.samples[index].path.name}",
            true=crops.labels[crops.targets[index]],
            named=crops.labels[row.argmax()],
            probability=float(row.max()),
        )
        for fitted in measured
        for index, row in zip(fitted.held_out, softmax(fitted.logits, temperature), strict=True)
        if row.argmax() != crops.targets[index]
    ]


def calibrate(measured: Sequence[Fitted], crops: Crops, how: str) -> tuple[float, Calibration]:
    """The temperature that makes their probabilities mean what they say, and what is known of it."""
    logits = np.concatenate([fitted.logits for fitted in measured])
    targets = crops.targets[np.concatenate([fitted.held_out for fitted in measured])]
    if not len(logits):
        return 1.0, Calibration(calibrated=False, how="uncalibrated: nothing could be held out")
    temperature = fit_temperature(logits, targets)
    return temperature, describe(logits, targets, temperature, f"calibrated on {how}")


def how_measured(folds: int, tested: int, held_out: int) -> str:
    """In words, which pictures the figures are of.

    Args:
        tested: groups that the final network has never seen.
        held_out: pictures on which it is measured.
    """
    if folds:
        return (
            f"physical parts or sessions that the network of that fold has never seen, {folds} folds pooled"
        )
    if tested:
        return "physical parts or sessions that the network has never seen"
    if held_out:
        return "validation groups, on which the checkpoint was chosen too"
    return "nothing: every class has a single physical part and session"


def top1(logits: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
    """Share of right answers; there must be one at least."""
    return float((logits.argmax(axis=1) == targets).mean())


def float_right(
    model: Any, inputs: NDArray[np.uint8], targets: NDArray[np.int64], indices: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Whether a Keras network, not converted yet, is right about each of these pictures."""
    if not len(indices):
        return np.empty(0, np.bool_)
    batches = np.array_split(indices, -(-len(indices) // 64))
    named = [np.argmax(model(inputs[batch].astype(np.float32), training=False), axis=1) for batch in batches]
    return np.asarray(np.concatenate(named) == targets[indices], np.bool_)
