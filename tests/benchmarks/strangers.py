"""How well parts that a network was never taught are told from those that it was: score against score.

`python -m tests.benchmarks.strangers [PHOTOGRAPHS [RENDERS [EPOCHS]]]` trains three networks, each on two
thirds of the classes of both folders, and prints a table for photographs and one for renders. PHOTOGRAPHS
holds pictures of single parts in class folders with a manifest that names bricks, RENDERS those of the same
parts by `rig sim render` or from `models/.renders`. The known pictures that a score is judged by are of
bricks and colours that the network has not seen; a limit is set by them alone. A network takes 4 minutes of
one core.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from rig.dataset.reader import SIMULATED, Dataset, read_dataset
from rig.vision.classifier import softmax
from rig.vision.strangers import novelty_of
from tests.benchmarks.realism import PHOTOGRAPHS
from training.choices.recipe import Recipe
from training.fitting.fit import fit
from training.measuring.temperature import REJECT_THRESHOLD, fit_temperature
from training.networks.begin import HEAD, features_of
from training.pictures.data import Crops, load_crops, network_inputs, preprocess_of
from training.pictures.split import deal_folds, judging_sizes
from training.progress import Progress

ROUNDS = 3
CHOSEN = "logits: third nearest picture"
_EPOCHS = 12
_VIEWS = 4
"""Of one brick, whose scores are averaged; `rig train --with-renders` makes as many of each placement."""
_RENDERS_HELD_OUT = 5  # a fifth of the colours
_BATCH = 256
_KEPT = 200
_LOST = 0.02

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """What a network says of pictures, in the order of brick and file name.

    Attributes:
        logits: (n, classes).
        features: (n, m), what the head is given.
        bricks: (n,) str, which physical part each shows.
        targets: (n,) int64, index of the class; of strangers -1.
        rendered: (n,) bool.
    """

    logits: Floats
    features: Floats
    bricks: NDArray[np.str_]
    targets: NDArray[np.int64]
    rendered: NDArray[np.bool_]

    def only(self, which: NDArray[np.bool_]) -> "Asked":
        """What it says of some of them."""
        return Asked(
            self.logits[which],
            self.features[which],
            self.bricks[which],
            self.targets[which],
            self.rendered[which],
        )


@dataclass(frozen=True)
class Round:
    """A network, asked about the pictures that it learned from, others of known parts, and of strangers."""

    trained: Asked
    known: Asked
    strange: Asked


Score = Callable[[Asked], Floats]
"""(n,) of pictures; the lower, the less they are like what was taught."""


def scores_of(taught: Round) -> Mapping[str, Score]:
    """The candidates, by name."""
    trained = taught.trained

    def logits(asked: Asked) -> Floats:
        return asked.logits

    def features(asked: Asked) -> Floats:
        return asked.features

    return {
        "largest probability": lambda asked: _probability(asked, taught.known),
        "largest logit": lambda asked: asked.logits.max(axis=1),
        "energy": lambda asked: np.asarray(np.logaddexp.reduce(asked.logits, axis=1)),
        "logits: Mahalanobis to the nearest class": _mahalanobis(trained, logits),
        CHOSEN: _nearest(trained, logits),
        "features: Mahalanobis to the nearest class": _mahalanobis(trained, features),
        "features: cosine to the nearest class": _cosine(trained),
        "features: third nearest picture": _nearest(trained, features),
    }


def _probability(asked: Asked, known: Asked) -> Floats:
    """Calibrated, of the best candidate."""
    temperature = fit_temperature(known.logits.astype(np.float32), known.targets)
    return np.asarray(softmax(asked.logits.astype(np.float32), temperature).max(axis=1), np.float64)


def _mahalanobis(trained: Asked, of: Callable[[Asked], Floats]) -> Score:
    """Lee et al., 2018."""
    points, classes = of(trained), np.unique(trained.targets)
    means = np.array([points[trained.targets == k].mean(axis=0) for k in classes])
    within = np.linalg.pinv(np.cov((points - means[trained.targets]).T), rcond=1e-4)

    def score(asked: Asked) -> Floats:
        away = of(asked)[:, np.newaxis] - means
        return np.asarray(-np.einsum("nki,ij,nkj->nk", away, within, away).min(axis=1))

    return score


def _cosine(trained: Asked) -> Score:
    """Of the angle to the mean of the nearest class."""
    unit = _normalised(trained.features)
    classes = np.unique(trained.targets)
    means = _normalised(np.array([unit[trained.targets == k].mean(axis=0) for k in classes]))
    return lambda asked: np.asarray((_normalised(asked.features) @ means.T).max(axis=1))


def _nearest(trained: Asked, of: Callable[[Asked], Floats]) -> Score:
    """What `rig` computes of logits (Sun et al., 2022, of features), with as many pictures of each class."""
    classes = [np.flatnonzero(trained.targets == k) for k in np.unique(trained.targets)]
    kept = np.concatenate([places[:: max(1, len(places) // _KEPT)][:_KEPT] for places in classes])
    familiar = of(trained)[kept].astype(np.float32)
    return lambda asked: np.array([-novelty_of(point, familiar) for point in of(asked).astype(np.float32)])


def _normalised(points: Floats) -> Floats:
    return np.asarray(points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9))


def averaged(scores: Floats, bricks: NDArray[np.str_], views: int) -> Floats:
    """Means over so many neighbouring pictures of each brick; what is left over is left out."""
    means = []
    for brick in np.unique(bricks):
        mine = scores[bricks == brick]
        means.append(mine[: len(mine) // views * views].reshape(-1, views).mean(axis=1))
    return np.concatenate(means)


def auroc(known: Floats, strange: Floats) -> float:
    """How often a known picture scores higher than a strange one."""
    order = np.sort(strange)
    below, up_to = (np.searchsorted(order, known, side=side) for side in ("left", "right"))
    return float((below + up_to).mean() / 2 / len(strange))


def rejected(known: Floats, strange: Floats, lost: float) -> float:
    """Share of strangers below the limit that loses such a share of the known."""
    return float((strange < np.quantile(known, lost)).mean())


def rounds(photographs: Path, renders: Path, epochs: int) -> Iterator[Round]:
    """Train on two thirds of the classes, and ask about all."""
    recipe = Recipe().with_epochs(epochs)
    samples = (*read_dataset(photographs).samples, *read_dataset(renders).samples)
    crops = load_crops(Dataset(photographs, samples), preprocess_of(recipe), lambda event: None, threads=1)
    for number in range(ROUNDS):
        strange = crops.labels[number::ROUNDS]
        yield _round(crops, strange, recipe, number)


def _round(crops: Crops, strange: Sequence[str], recipe: Recipe, number: int) -> Round:
    known = tuple(label for label in crops.labels if label not in strange)
    is_strange = np.isin(np.array(crops.labels)[crops.targets], strange)
    own, others = _some(crops, ~is_strange, known), _some(crops, is_strange, tuple(strange))
    held_out = np.isin(own.groups, _held_out(own, number))
    with tempfile.TemporaryDirectory() as folder:
        model = fit(
            own,
            np.flatnonzero(~held_out),
            np.array([], np.int64),
            recipe,
            stage=f"without {', '.join(strange)}",
            seed=number,
            state=Path(folder) / "state",
            checkpoint=Path(folder) / "best.weights.h5",
            progress=Progress(recipe.work(len(own))),
            emit=lambda event: None,
        )
    features, (weights, bias) = features_of(model), model.get_layer(HEAD).get_weights()

    def ask(asked: Crops, targets: NDArray[np.int64]) -> Asked:
        inputs = network_inputs(asked.images, asked.sizes, recipe.contrast).astype(np.float32)
        given = features.predict(inputs, batch_size=_BATCH, verbose=0).astype(np.float64)
        rendered = np.array([sample.source == SIMULATED for sample in asked.samples])
        return Asked(given @ weights + bias, given, asked.groups, targets, rendered)

    mine, theirs = ask(own, own.targets), ask(others, np.full(len(others), -1))
    return Round(mine.only(~held_out), mine.only(held_out), theirs)


def _held_out(crops: Crops, number: int) -> list[str]:
    """Bricks of each class that has several of them, other ones each round, and a fifth of the colours."""
    photographs = [sample for sample in crops.samples if sample.source != SIMULATED]
    bricks = deal_folds(judging_sizes(photographs, {}), ROUNDS)[number].tested
    rendered = sorted({sample.group_key for sample in crops.samples if sample.source == SIMULATED})
    return [*bricks, *rendered[number::_RENDERS_HELD_OUT]]


def _some(crops: Crops, which: NDArray[np.bool_], labels: tuple[str, ...]) -> Crops:
    """Of some classes only, as if there were no others."""
    places = np.flatnonzero(which)
    samples = tuple(crops.samples[place] for place in places)
    return replace(
        crops,
        images=crops.images[places],
        masks=crops.masks[places],
        sizes=crops.sizes[places],
        targets=np.array([labels.index(sample.label) for sample in samples], np.int64),
        groups=crops.groups[places],
        digests=tuple(crops.digests[place] for place in places),
        fingerprints=crops.fingerprints[places],
        samples=samples,
        labels=labels,
        located=crops.located[places],
    )


def report(taught: Sequence[Round], *, rendered: bool) -> Table:
    """One row a score: means over the rounds."""
    kind = "renders of other placements and colours" if rendered else "photographs of other bricks"
    table = Table(title=f"Strangers among {kind}: mean of {len(taught)} rounds", title_justify="left")
    for column in (
        "score",
        "AUROC",
        "rejected, 5 % lost",
        "2 % lost",
        f"AUROC, {_VIEWS} views",
        "5 %",
        "2 %",
    ):
        table.add_column(column)
    rows: dict[str, list[list[float]]] = {}
    for each in taught:
        known, strange = (side.only(side.rendered == rendered) for side in (each.known, each.strange))
        for name, score in scores_of(each).items():
            figures = []
            for views in (1, _VIEWS):
                high = averaged(score(known), known.bricks, views)
                low = averaged(score(strange), strange.bricks, views)
                figures += [auroc(high, low), rejected(high, low, 0.05), rejected(high, low, 0.02)]
            rows.setdefault(name, []).append(figures)
    for name, each_round in rows.items():
        table.add_row(name, *(f"{100 * mean:.1f} %" for mean in np.mean(each_round, axis=0)))
    return table


def rejects(taught: Sequence[Round], *, rendered: bool) -> Table:
    """What one look sends to the reject bin: as unsure, and with the limit of the chosen score besides."""
    table = Table(title="Rejected after one look, of known parts and of strangers", title_justify="left")
    for column in ("without", "known, unsure", "or beyond the limit", "strangers, unsure", "or beyond"):
        table.add_column(column)
    for each in taught:
        known, strange = (side.only(side.rendered == rendered) for side in (each.known, each.strange))
        score = scores_of(each)[CHOSEN]
        limit = np.quantile(score(known), _LOST)
        shares = []
        for side in (known, strange):
            unsure = _probability(side, each.known) < REJECT_THRESHOLD
            shares += [unsure.mean(), (unsure | (score(side) < limit)).mean()]
        missing = sorted({brick.split("/")[0] for brick in strange.bricks.tolist()})
        table.add_row(", ".join(missing), *(f"{100 * share:.1f} %" for share in shares))
    return table


def main() -> None:
    """Train, ask and print."""
    photographs = Path(sys.argv[1]) if len(sys.argv) > 1 else PHOTOGRAPHS
    renders = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("renders")
    epochs = int(sys.argv[3]) if len(sys.argv) > 3 else _EPOCHS
    for folder in (photographs, renders):
        if not folder.is_dir():
            sys.exit(f"there are no pictures in {folder}: name folders of class folders")
    taught = list(rounds(photographs, renders, epochs))
    for rendered in (False, True):
        Console().print(report(taught, rendered=rendered), rejects(taught, rendered=rendered))


if __name__ == "__main__":
    main()
