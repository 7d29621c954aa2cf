"""Where parts begin that a network was never taught: limits of their novelty, found on known parts alone."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rig.card import Precision, Strangers
from rig.model import FAMILIAR_FILE
from rig.vision.classifier import Network
from rig.vision.strangers import novelty_of
from training.conversion.variants import Answers, Fitted, ask
from training.pictures.data import Crops
from training.pictures.withheld import taught

LOST = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Shares of known parts that limits are found for."""

Familiar = NDArray[np.float16]
"""Logits of pictures that a network was trained on, (n, classes)."""

Limits = tuple[tuple[float, ...], ...]
"""For one view, for the mean of two, and so on: one for each of the shares in `LOST`."""

_MOST_FAMILIAR = 4000
_MOST_OF_A_CLASS = 200
_LEAST_OF_A_CLASS = 10
_MOST_VIEWS = 4
_LEAST_PICTURES = 50
"""A fiftieth, which is lost as a rule, is one picture then; of fewer, nobody knows where it lies."""


@dataclass(frozen=True)
class Memory:
    """What a network has to tell strangers by.

    Attributes:
        strangers: for its card; None where too little was held out to find limits on.
        familiar: content of familiar.npy.
    """

    strangers: Strangers | None
    familiar: bytes

    def write(self, bundle: Path) -> None:
        """Put the file that the card speaks of into the folder of the bundle."""
        if self.strangers is not None:
            (bundle / FAMILIAR_FILE).write_bytes(self.familiar)


def memories_of(
    folds: Sequence[Fitted],
    final: Fitted,
    precision: Precision,
    inputs: NDArray[np.uint8],
    crops: Crops,
    how: str,
) -> list[Memory]:
    """That of each network, the final one's last. The limits are found on what the folds have not seen.

    Args:
        inputs: of all crops, (n, height, width, channels) uint8.
        how: which pictures these limits are found on, in words.
    """
    familiar = [familiar_to(fitted, precision, inputs, crops) for fitted in (*folds, final)]
    measured = [fitted.measured(precision) for fitted in folds or [final]]
    novelties = [_novelties(some, known) for some, known in zip(measured, familiar, strict=False)]
    indices = np.concatenate([some.indices for some in measured])
    limits = limits_by_views(np.concatenate(novelties), crops.groups[indices])
    return [_memory(known, limits, how) for known in familiar]


def _memory(familiar: Familiar, limits: Limits, how: str) -> Memory:
    file = BytesIO()
    np.save(file, familiar)
    content = file.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    strangers = Strangers(how=how, lost=LOST, limits=limits, familiar_sha256=digest) if limits else None
    return Memory(strangers, content)


def familiar_to(fitted: Fitted, precision: Precision, inputs: NDArray[np.uint8], crops: Crops) -> Familiar:
    """What a network says of some of the pictures that it was trained on, evenly chosen of each class."""
    trained = taught(crops, fitted.partition)
    classes = [trained[crops.targets[trained] == k] for k in range(len(crops.labels))]
    wanted = max(_LEAST_OF_A_CLASS, min(_MOST_OF_A_CLASS, _MOST_FAMILIAR // len(classes)))
    shown = np.concatenate([_spread(of_class, wanted) for of_class in classes])
    network = Network(fitted.content(precision), f"the {precision} network")
    return ask(network, inputs, shown).logits.astype(np.float16)


def _spread(indices: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many of them, evenly chosen."""
    return indices[np.linspace(0, len(indices) - 1, min(len(indices), most)).round().astype(np.int64)]


def _novelties(measured: Answers, familiar: Familiar) -> NDArray[np.float64]:
    known = familiar.astype(np.float32)
    return np.array([novelty_of(logits, known) for logits in measured.logits], np.float64)


def limits_by_views(novelties: NDArray[np.float64], groups: NDArray[np.str_]) -> Limits:
    """A row for one view and for each further one, as far as there are pictures enough: a limit a share.

    Several views are neighbours in the order of their names. Those are more alike than what the rig sees
    after a turn of its table, so their mean spreads more widely, and a limit loses less than it says.

    Args:
        novelties, groups: (n,) of pictures of known parts.
    """
    rows = []
    for views in range(1, _MOST_VIEWS + 1):
        means = [mean for group in np.unique(groups) for mean in _means(novelties[groups == group], views)]
        if len(means) < _LEAST_PICTURES:
            break
        rows.append(tuple(np.quantile(means, 1 - np.array(LOST)).tolist()))
    return tuple(rows)


def _means(novelties: NDArray[np.float64], views: int) -> NDArray[np.float64]:
    """Of each run of so many neighbours."""
    if len(novelties) < views:
        return np.empty(0)
    return np.convolve(novelties, np.full(views, 1 / views), mode="valid")
