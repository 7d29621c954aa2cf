"""What a report is drawn from."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image
from rig.card import Card
from rig.vision.evaluation import Confusion
from training.events import EpochDone
from training.measuring.baseline import Baseline
from training.measuring.figures import Mistake


@dataclass(frozen=True)
class Findings:
    """All that is known of a training run when it ends.

    Attributes:
        name: of the model.
        epochs: of all its networks, in order.
        confusion: of the measured pictures; all zero when none could be held out.
        logits: (n, classes) float32, of the measured pictures.
        targets: (n,) class indices of the same.
        mistakes: among them.
        examples: a few crops of each class, by label.
        baseline: what memory alone achieves on them; None when none could be held out.
    """

    name: str
    card: Card
    epochs: Sequence[EpochDone]
    confusion: Confusion
    logits: NDArray[np.float32]
    targets: NDArray[np.int64]
    mistakes: Sequence[Mistake]
    examples: Mapping[str, Sequence[Image]] = field(default_factory=dict)
    baseline: Baseline | None = None

    def surest_mistakes(self) -> list[Mistake]:
        """The surest first: they say most about what the network believes."""
        return sorted(self.mistakes, key=lambda mistake: -mistake.probability)

    def stages(self) -> dict[str, list[EpochDone]]:
        """The epochs of each network, by its name; the final one comes first, it is the one that is used."""
        stages: dict[str, list[EpochDone]] = defaultdict(list)
        for epoch in self.epochs:
            stages[epoch.stage].append(epoch)
        return dict(sorted(stages.items(), key=lambda stage: stage[0] != "final"))

    def confused_pairs(self) -> list["ConfusedPair"]:
        """Which part was taken for which other, the most frequent first."""
        pairs: dict[tuple[str, str], list[Mistake]] = defaultdict(list)
        for mistake in self.surest_mistakes():
            pairs[mistake.true, mistake.named].append(mistake)
        ranked = sorted(pairs.items(), key=lambda pair: (-len(pair[1]), pair[0]))
        return [ConfusedPair(true, named, tuple(mistakes)) for (true, named), mistakes in ranked]


@dataclass(frozen=True)
class ConfusedPair:
    """Pictures of one part that were taken for another."""

    true: str
    named: str
    mistakes: tuple[Mistake, ...]
