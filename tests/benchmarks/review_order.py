"""Whether the order of `rig review --most-useful` teaches more than chance, measured often and cheaply.

Training a network anew for each order and each draw would take hours, and networks that are trained anew
differ by more than orders do. So only the last layer is fitted anew, to what the layer before it says of the
first set and of the answered parts, as often as one likes: two thirds of the sorted parts are a pile of their
own, of which those in doubt are ordered, the first are named by the simulator's truth, and another pile is
examined.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from rig.dataset.reader import decode_image, read_bytes, read_dataset
from rig.model import load_bundle
from rig.review.usefulness import in_order_of_use, sessions_of
from rig.vision.classifier import softmax
from rig.vision.preprocess import prepare

_BELOW = 0.9
_SMOOTHING, _DECAY, _STEPS, _RATE, _MOMENTUM = 0.1, 3e-3, 150, 0.05, 0.9

Order = Callable[[NDArray[np.intp]], Sequence[int]]
"""From the places of the parts in doubt to places among these, the first to be answered first."""


@dataclass(frozen=True)
class Seen:
    """Pictures as a network sees them: (pictures, width) of its last layer but one, logits, true classes."""

    features: NDArray[np.float32]
    logits: NDArray[np.float32]
    true: NDArray[np.intp]


def compare(folder: Path, answers: int, draws: int) -> dict[str, NDArray[np.float64]]:
    """Top-1 on the exam by the order of review, one value a draw; of "no answers" a single one.

    Args:
        folder: where `tests.benchmarks.rounds` has trained and examined `model-0`, and sorted with it.
    """
    bundle = load_bundle(folder / "models" / "model-0")
    labels = bundle.card.labels
    look = _looking(bundle.folder / "variants" / "float32.tflite", bundle.card.preprocess, labels)
    first = look([(sample.path, sample.label) for sample in read_dataset(folder / "captures").samples])
    pile, exam = (
        look(_sorted(folder / "ledger_simulated")),
        look(_sorted(folder / "exams" / "model-0_simulated")),
    )
    opinions = softmax(pile.logits, bundle.card.temperature)
    sessions = sessions_of(folder / "captures")
    known = np.array([sessions.get(label, 0) for label in labels], np.float32)
    rng = np.random.default_rng(0)
    orders: Mapping[str, Order] = {
        "most useful": lambda doubt: in_order_of_use(opinions[doubt], known, answers),
        "as they came": lambda doubt: range(len(doubt)),
        "at random": lambda doubt: [*rng.permutation(len(doubt))],
    }
    top1: dict[str, list[float]] = {name: [] for name in orders}
    for _ in range(draws):
        drawn = np.sort(rng.choice(len(pile.true), 2 * len(pile.true) // 3, replace=False))
        doubt = drawn[opinions[drawn].max(axis=1) < _BELOW]
        for name, order in orders.items():
            answered = doubt[list(order(doubt)[:answers])]
            top1[name].append(_top1(first, pile, answered, exam, len(labels)))
    none = np.array([], np.intp)
    return {"no answers": np.array([_top1(first, pile, none, exam, len(labels))])} | {
        name: np.array(values) for name, values in top1.items()
    }


def _sorted(ledger: Path) -> list[tuple[Path, str]]:
    with closing(sqlite3.connect(ledger / "ledger.sqlite3")) as database:
        rows = database.execute("SELECT picture, true_part FROM parts ORDER BY id").fetchall()
    return [(ledger / picture, truth) for picture, truth in rows]


def _looking(
    network: Path, preprocess: Any, labels: Sequence[str]
) -> Callable[[Sequence[tuple[Path, str]]], Seen]:
    interpreter = Interpreter(
        model_content=network.read_bytes(), num_threads=1, experimental_preserve_all_tensors=True
    )
    interpreter.allocate_tensors()
    layers = [step for step in interpreter._get_ops_details() if step["op_name"] == "FULLY_CONNECTED"]
    before_last = layers[-1]["inputs"][0]
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def look(pictures: Sequence[tuple[Path, str]]) -> Seen:
        features, logits = [], []
        for path, _ in pictures:
            pixels, _ = prepare(decode_image(read_bytes(path), path), preprocess)
            interpreter.set_tensor(taken["index"], pixels[np.newaxis].astype(taken["dtype"]))
            interpreter.invoke()
            features.append(interpreter.get_tensor(before_last).ravel().copy())
            logits.append(interpreter.get_tensor(given["index"])[0].copy())
        true = [labels.index(label) for _, label in pictures]
        return Seen(np.array(features), np.array(logits), np.array(true))

    return look


def _top1(first: Seen, pile: Seen, answered: NDArray[np.intp], exam: Seen, classes: int) -> float:
    """Of a softmax regression, its classes balanced, by gradient descent with momentum."""
    middle, spread = first.features.mean(axis=0), first.features.std(axis=0) + 1e-3
    inputs = (np.vstack((first.features, pile.features[answered])) - middle) / spread
    true = np.concatenate((first.true, pile.true[answered]))
    share = 1 / np.bincount(true, minlength=classes)[true]
    share /= share.sum()
    wanted = np.eye(classes)[true] * (1 - _SMOOTHING) + _SMOOTHING / classes
    weights, offsets = np.zeros((inputs.shape[1], classes)), np.zeros(classes)
    pace, offset_pace = np.zeros_like(weights), np.zeros_like(offsets)
    for _ in range(_STEPS):
        error = (softmax(inputs @ weights + offsets, 1.0) - wanted) * share[:, np.newaxis]
        pace = _MOMENTUM * pace - _RATE * (inputs.T @ error + _DECAY * weights)
        offset_pace = _MOMENTUM * offset_pace - _RATE * error.sum(axis=0)
        weights, offsets = weights + pace, offsets + offset_pace
    named = ((exam.features - middle) / spread @ weights + offsets).argmax(axis=1)
    return float((named == exam.true).mean())
