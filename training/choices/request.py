"""What somebody asks to have trained."""

from dataclasses import dataclass, field
from pathlib import Path

from rig.dataset.reader import Sample
from training.choices.recipe import Recipe


@dataclass(frozen=True)
class TrainRequest:
    """What to train.

    Attributes:
        data: folder of class folders.
        model: folder that the bundle shall be; one of the same name is replaced.
        folds: at least 2: so many extra networks measure how the recipe does on unseen parts. 0: one network,
            tested itself where groups suffice. None: as many as there are groups for, 0 or 2; see
            `training.pictures.split.plan`.
        recipe: how each network is fitted.
        seed: same seed and data, same split and pictures.
        allow_mixed: simulated and real pictures may come together.
        added: renders that train beside the data, and judge nothing.
        threads: for reading pictures.
        jobs: so many networks are fitted at once, each by a process of its own.
    """

    data: Path
    model: Path
    folds: int | None = None
    recipe: Recipe = field(default_factory=Recipe)
    seed: int = 0
    allow_mixed: bool = False
    added: tuple[Sample, ...] = ()
    threads: int = 2
    jobs: int = 1
