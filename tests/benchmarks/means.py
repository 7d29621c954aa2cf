"""What each means of training brings on bricks that were never seen: a table, fold by fold.

`python -m tests.benchmarks.means [FOLDER [EPOCHS [MEANS ...]]]` trains by `rig train`, once with everything
and once otherwise for each of the means, and prints the rows of a Markdown table as they come; all of them
take some hours on two cores. The folder holds photographs in class folders, and a manifest names bricks;
each fold tests every class that has two bricks on an unseen one.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import cv2
import numpy as np

from rig.dataset.reader import Sample, decode_image, read_bytes, read_dataset
from rig.model import Bundle, load_bundle
from rig.vision.classifier import Classifier
from tests.acceptance.conftest import Shell
from tests.benchmarks.realism import PHOTOGRAPHS

_FOLDS = 3
_RENDERS = 300
# The photographs' camera was nearer than that of the usual scene, as the boxes around parts show.
_RIG = "[sim]\nenabled = true\n[sim.scene]\ndistance_mm = [103, 116]\n"
_TRAINING_S = 4 * 3600.0
_FUSED_VIEWS = 3

_EVERYTHING = "everything"
MEANS: Mapping[str, Mapping[str, str]] = {
    _EVERYTHING: {},
    "no renders": {"--with-renders": "0"},
    "light augmentation": {"--augment": "light"},
    "no augmentation": {"--augment": "none"},
    "grey values not normalised": {"--contrast": "plain"},
    "colours": {"--contrast": "colour"},
    "whole pictures": {"--no-crop": ""},
    "no label smoothing": {"--label-smoothing": "0"},
    "mixing": {"--mixing": "0.3"},
    "classes not balanced": {"--balance": "none"},
    "160 pixels for 96": {"--size": "160"},
    "MobileNetV3-small, minimalistic": {"--network": "MobileNetV3Small-minimalistic"},
}
"""What is changed, and the options of `rig train` that change it; one without a value is a flag."""


@dataclass(frozen=True)
class Row:
    """Top-1 of each fold on its unseen bricks, and what the training took, on this machine."""

    what: str
    folds: tuple[float, ...]
    minutes: float | None = None

    def __str__(self) -> str:
        cells = [self.what, *(f"{100 * top1:.1f}" for top1 in self.folds), f"{100 * fmean(self.folds):.1f}"]
        return "| " + " | ".join([*cells, "" if self.minutes is None else f"{self.minutes:.0f}"]) + " |"


def rows(photographs: Path, epochs: int, means: Sequence[str]) -> Iterator[Row]:
    """One row a means, and two of what looking again brings to the network that has them all."""
    with tempfile.TemporaryDirectory() as name:
        shell = Shell(Path(name), timeout_s=_TRAINING_S)
        (shell.folder / "rig.toml").write_text(_RIG)
        usual = {"--with-renders": str(_RENDERS), "--epochs": str(epochs), "--folds": str(_FOLDS)}
        for what in means:
            words = [word for option in (usual | dict(MEANS[what])).items() for word in option if word]
            began_s = time.monotonic()
            said = shell.json("train", "--data", photographs.resolve(), "--name", _name(what), *words)
            yield Row(what, tuple(said["folds"]), (time.monotonic() - began_s) / 60)
        if _EVERYTHING not in means:
            return
        everything = load_bundle(shell.folder / "models" / _name(_EVERYTHING))
        for what, mirrored, views in (
            ("mirrored, too", True, 1),
            ("three views of a brick", False, _FUSED_VIEWS),
        ):
            yield Row(what, tuple(_looking_again(everything, photographs, mirrored=mirrored, views=views)))


def _name(what: str) -> str:
    return what.replace(",", "").replace(" ", "-")


def _looking_again(bundle: Bundle, photographs: Path, *, mirrored: bool, views: int) -> Iterator[float]:
    """Top-1 of each fold, with the log-probabilities of several looks added up."""
    samples = read_dataset(photographs).samples
    for fold in bundle.folds():
        classifier = Classifier(fold)
        tested = {*fold.card.split.tested}
        of_brick: dict[str, list[Sample]] = {}
        for sample in samples:
            if sample.group_key in tested:
                of_brick.setdefault(sample.group_key, []).append(sample)
        right = [
            hit
            for mine in of_brick.values()
            for hit in _hits(classifier, mine, mirrored=mirrored, views=views)
        ]
        yield float(np.mean(right))


def _hits(classifier: Classifier, samples: Sequence[Sample], *, mirrored: bool, views: int) -> Iterator[bool]:
    """Whether each run of neighbouring views of one brick is named rightly."""
    ordered = sorted(samples, key=lambda sample: sample.path)
    for start in range(0, len(ordered), views):
        seen = ordered[start : start + views]
        evidence = np.zeros(len(classifier.card.labels))
        for sample in seen:
            image = decode_image(read_bytes(sample.path), sample.path)
            for picture in (image, cv2.flip(image, 1)) if mirrored else (image,):
                evidence += np.log(classifier.classify(np.asarray(picture, np.uint8)).probabilities + 1e-9)
        yield classifier.card.labels[int(evidence.argmax())] == seen[0].label


def main() -> None:
    """Print the rows as they come."""
    photographs = Path(sys.argv[1]) if len(sys.argv) > 1 else PHOTOGRAPHS
    epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    means = sys.argv[3:] or list(MEANS)
    if unknown := [what for what in means if what not in MEANS]:
        sys.exit(f"there is no {unknown[0]!r}: {', '.join(MEANS)}")
    if not photographs.is_dir():
        sys.exit(f"there are no photographs in {photographs}: name a folder of class folders")
    folds = [f"fold {number}" for number in range(1, _FOLDS + 1)]
    print("| | " + " | ".join([*folds, "mean", "minutes"]) + " |")
    print("|---" * (len(folds) + 3) + "|", flush=True)
    for row in rows(photographs, epochs, means):
        print(row, flush=True)


if __name__ == "__main__":
    main()
