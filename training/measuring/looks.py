"""What further looks at a part are worth: measured on sequences of held-out pictures, as the rig takes them.

A sequence shows one part that lies still, the table turned on from one picture to the next. Every group gives
as many, so that one that was captured for long does not count for more than others.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig.looks import LOOK_TURN_DEG, MOST_LOOKS, Looks, Trial, fuse
from rig.vision.classifier import Probabilities, softmax
from training.conversion.variants import Answers, pool
from training.pictures.data import Crops

# What the card keeps: a line for each trial.
_MOST_TRIALS = 500
# More sequences of one brick than this tell nothing new.
_MOST_TRIALS_A_GROUP = 20
_WEIGHTS_TRIED = 61
_DECIMALS = 1e4


@dataclass(frozen=True)
class _Placement:
    """Pictures of a part that lay still.

    Attributes:
        rows: of the answers to them.
        angles_deg: of the table; None where the manifest does not say.
    """

    group: str
    rows: NDArray[np.int64]
    angles_deg: NDArray[np.float64] | None

    def sequence(self, looks: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Rows of different pictures, (looks,): from one at random on, each as near to a turn of
        `LOOK_TURN_DEG` from the last as there is one, or evenly spread where no angle is known.
        """
        count = len(self.rows)
        start = int(rng.integers(count))
        if self.angles_deg is None:
            return self.rows[(start + count // looks * np.arange(looks)) % count]
        taken: list[int] = []
        for look in range(looks):
            wanted_deg = self.angles_deg[start] + look * LOOK_TURN_DEG
            apart_deg = np.abs((self.angles_deg - wanted_deg + 180.0) % 360.0 - 180.0)
            apart_deg[taken] = np.inf
            taken.append(int(apart_deg.argmin()))
        return self.rows[taken]


def fit_looks(answers: Sequence[Answers], crops: Crops, temperature: float, seed: int) -> Looks | None:
    """Weigh up to `MOST_LOOKS` looks, and keep what becomes of held-out parts so.

    Args:
        answers: of each network to the pictures that it has not seen.
        temperature: that calibrates a single look.
        seed: draws the sequences.

    Returns:
        None where nothing was held out. As many looks as most groups have pictures of one placement for.
    """
    placements = _placements(answers, crops)
    if not placements:
        return None
    rng = np.random.default_rng(seed)
    rows, parts = _draw(placements, rng)
    pooled = pool(answers)
    seen = softmax(pooled.logits, temperature)[rows]
    targets = crops.targets[pooled.indices[rows[:, 0]]]
    weights = tuple(fit_weight(seen[:, : look + 1], targets) for look in range(rows.shape[1]))
    return Looks(weights=weights, parts=parts, trials=_trials(seen, targets, weights))


def fit_weight(seen: Probabilities, targets: NDArray[np.int64]) -> float:
    """The weight of least negative log likelihood, from one over the number of looks to 1.

    Args:
        seen: (sequences, looks, classes), the calibrated probabilities of each look.
        targets: (sequences,) class indices.
    """
    looks = seen.shape[1]
    places = np.arange(len(targets))

    def loss(weight: float) -> float:
        return float(-np.log(np.maximum(fuse(seen, weight)[places, targets], 1e-12)).mean())

    tried = np.linspace(1 / looks, 1, _WEIGHTS_TRIED).round(3).tolist() if looks > 1 else [1.0]
    return float(min(tried, key=loss))


def _placements(answers: Sequence[Answers], crops: Crops) -> list[_Placement]:
    """What each network has not seen; a placement that two of them judge comes twice."""
    found: dict[tuple[int, str, str], list[tuple[int, float | None]]] = defaultdict(list)
    row = 0
    for network, some in enumerate(answers):
        for index in some.indices.tolist():
            sample = crops.samples[index]
            found[network, sample.group_key, sample.placement].append((row, sample.angle_deg))
            row += 1
    return [_placement(group, pictures) for (_, group, _), pictures in found.items()]


def _placement(group: str, pictures: list[tuple[int, float | None]]) -> _Placement:
    angles = [angle_deg for _, angle_deg in pictures if angle_deg is not None]
    known = np.array(angles) if len(angles) == len(pictures) else None
    return _Placement(group, np.array([row for row, _ in pictures], np.int64), known)


def _draw(placements: Sequence[_Placement], rng: np.random.Generator) -> tuple[NDArray[np.int64], int]:
    """Rows of all sequences, (sequences, looks), and of how many groups they are."""
    longest: dict[str, int] = {}
    for placement in placements:
        longest[placement.group] = max(longest.get(placement.group, 0), len(placement.rows))
    looks = max(
        look
        for look in range(1, MOST_LOOKS + 1)
        if look == 1 or 2 * sum(length >= look for length in longest.values()) > len(longest)
    )
    of_group: dict[str, list[_Placement]] = defaultdict(list)
    for placement in placements:
        if len(placement.rows) >= looks:
            of_group[placement.group].append(placement)
    groups = rng.permutation(sorted(of_group))[:_MOST_TRIALS].tolist()
    each = min(_MOST_TRIALS_A_GROUP, _MOST_TRIALS // len(groups))
    rows = [
        of_group[group][rng.integers(len(of_group[group]))].sequence(looks, rng)
        for group in groups
        for _ in range(each)
    ]
    return np.stack(rows), len(groups)


def _trials(seen: Probabilities, targets: NDArray[np.int64], weights: tuple[float, ...]) -> tuple[Trial, ...]:
    fused = np.stack([fuse(seen[:, : look + 1], weight) for look, weight in enumerate(weights)], axis=1)
    sure = np.floor(fused.max(axis=2) * _DECIMALS) / _DECIMALS
    right = fused.argmax(axis=2) == targets[:, np.newaxis]
    return tuple(
        Trial(tuple(sures), tuple(rights))
        for sures, rights in zip(sure.tolist(), right.tolist(), strict=True)
    )
