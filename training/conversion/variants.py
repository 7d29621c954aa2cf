"""One network at several precisions: what each says of pictures it was not fitted to, and which is used."""

import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rig.card import Conversion, Precision, Variant
from rig.files import storage_errors
from rig.vision.classifier import Network
from training.pictures.split import Partition

TOLERANCE = 0.005
"""Top-1 that a smaller file may cost: half a point."""

_AS_SMALL = 1.05
"""A file that is larger by less is as small: int8 keeps ranges that dynamic does not, a hundredth of it."""

_ROUNDS = 100
_LEAST_ROUNDS = 10
_TIMING_S = 10.0


class Ground(IntEnum):
    """Which pictures a precision is chosen on, the best first; never tested ones: that would be no test."""

    VALIDATED = 0
    VARIED = 1

    @property
    def in_words(self) -> str:
        """For the card."""
        return ("validation pictures", "new variations of the pictures that it was trained on")[self]


@dataclass(frozen=True)
class Judges:
    """The pictures that a precision is chosen on.

    Attributes:
        pictures: (n, height, width, channels) uint8, inputs of a network.
        targets: (n,) class indices.
    """

    ground: Ground
    pictures: NDArray[np.uint8]
    targets: NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """What a network says of some pictures.

    Attributes:
        indices: which pictures; int64, (n,).
        logits: (n, classes) float32.
    """

    indices: NDArray[np.int64]
    logits: NDArray[np.float32]

    def right(self, targets: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each is named as it should be.

        Args:
            targets: class indices of all pictures that there are.
        """
        return np.asarray(self.logits.argmax(axis=1) == targets[self.indices], np.bool_)

    def top1(self, targets: NDArray[np.int64]) -> float | None:
        """Share of right answers; None when there are no pictures."""
        return float(self.right(targets).mean()) if len(self.indices) else None


def pool(answers: Sequence[Answers]) -> Answers:
    """The answers of several networks as those of one."""
    return Answers(
        np.concatenate([some.indices for some in answers]), np.concatenate([some.logits for some in answers])
    )


def ask(network: Network, inputs: NDArray[np.uint8], indices: NDArray[np.int64]) -> Answers:
    """Show some of the inputs, (n, height, width, channels) uint8, to a network."""
    logits = np.array([network.logits(inputs[index]) for index in indices], np.float32)
    return Answers(indices, logits.reshape(len(indices), network.classes))


@dataclass(frozen=True)
class Converted:
    """A network at one precision.

    Attributes:
        path: of its file.
        measured: its answers to the pictures that the figures are of.
        judged: whether each of the pictures that the precision is chosen on is named rightly; bool, (n,).
        rehearsed: its weights were fine-tuned for this precision.
    """

    path: Path
    measured: Answers
    judged: NDArray[np.bool_]
    rehearsed: bool = False


@dataclass(frozen=True)
class Fitted:
    """A fitted network, converted.

    Attributes:
        ground: what `judged` of its variants is.
    """

    partition: Partition
    parameters: int
    ground: Ground
    variants: Mapping[Precision, Converted]

    def measured(self, precision: Precision) -> Answers:
        """Its answers to the tested pictures of a fold, else to the validated ones."""
        return self.variants[precision].measured

    def content(self, precision: Precision) -> bytes:
        """Of its .tflite file."""
        return self.variants[precision].path.read_bytes()


def examine(
    contents: Mapping[Precision, bytes],
    inputs: NDArray[np.uint8],
    measured: NDArray[np.int64],
    judges: Judges,
    folder: Path,
) -> dict[Precision, Converted]:
    """Keep the variants of a network in a folder, and ask each of them.

    Args:
        inputs: of all crops, (n, height, width, channels) uint8.
        measured: indices of those that the figures are of.

    Raises:
        StorageError: the folder cannot be written.
    """
    return {
        precision: _examine(content, folder / f"{precision}.tflite", inputs, measured, judges)
        for precision, content in contents.items()
    }


def _examine(
    content: bytes, path: Path, inputs: NDArray[np.uint8], measured: NDArray[np.int64], judges: Judges
) -> Converted:
    with storage_errors(path):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    network = Network(content, str(path))
    judged = ask(network, judges.pictures, np.arange(len(judges.pictures)))
    return Converted(path, ask(network, inputs, measured), judged.right(judges.targets))


def loses_too_much(variants: Mapping[Precision, Converted]) -> bool:
    """Whether int8 is more than `TOLERANCE` worse than the best."""
    right = {precision: converted.judged.mean() for precision, converted in variants.items()}
    return bool(right[Precision.INT8] < _least(right.values()))


def better_int8(plain: Converted, rehearsed: Converted) -> Converted:
    """The one that is right more often; the plain one if they are as good."""
    return rehearsed if rehearsed.judged.mean() > plain.judged.mean() else plain


def _least(right: Iterable[float]) -> float:
    """What is within `TOLERANCE` of the best; a share that was rounded at its end still is."""
    return max(right) - TOLERANCE - 1e-9


@dataclass(frozen=True)
class Choice:
    """The precision to use, and what it was chosen on."""

    precision: Precision
    ground: Ground


def choose(networks: Sequence[Fitted]) -> Choice:
    """The smallest that loses at most `TOLERANCE` to the best, over all networks with the best ground.

    Of those that are as small, int8: tflite-runtime 2.14 cannot load a dynamic one of TensorFlow 2.21.

    Args:
        networks: at least one.
    """
    ground = min(fitted.ground for fitted in networks)
    judges = [fitted for fitted in networks if fitted.ground is ground]
    right = {
        precision: np.concatenate([fitted.variants[precision].judged for fitted in judges]).mean()
        for precision in Precision
    }
    least = _least(right.values())
    sizes = {precision: networks[-1].variants[precision].path.stat().st_size for precision in Precision}
    good = [precision for precision in Precision if right[precision] >= least]
    small = [
        precision for precision in good if sizes[precision] < _AS_SMALL * min(map(sizes.__getitem__, good))
    ]
    return Choice(Precision.INT8 if Precision.INT8 in small else small[0], ground)


def describe_conversion(
    final: Fitted,
    measured: Mapping[Precision, Answers],
    choice: Choice,
    targets: NDArray[np.int64],
    picture: NDArray[np.uint8],
) -> Conversion:
    """What the card says of the variants; times those of the final network, on one `picture`."""
    networks = {
        precision: Network(final.content(precision), f"the {precision} network") for precision in Precision
    }
    latencies_s = median_latencies_s([networks[precision].logits for precision in Precision], picture)
    variants = tuple(
        Variant(
            precision=precision,
            size_bytes=final.variants[precision].path.stat().st_size,
            top1=measured[precision].top1(targets),
            latency_ms=1000 * latency_s,
            rehearsed=final.variants[precision].rehearsed,
        )
        for precision, latency_s in zip(Precision, latencies_s, strict=True)
    )
    return Conversion(
        chosen=choice.precision,
        chosen_on=choice.ground.in_words,
        timed_on=f"{platform.node()}, {platform.machine()}",
        variants=variants,
    )


def median_latencies_s(
    networks: Sequence[Callable[[NDArray[np.uint8]], object]], picture: NDArray[np.uint8]
) -> list[float]:
    """How long each takes for one picture, in the calling thread.

    Time on the processor, since waiting for other programs to leave it would hit the slow ones most; and in
    turns, so that what these do to caches and clock hits all alike. 100 rounds, or for slow networks as many
    as 10 s allow, but at least 10.
    """
    rounds: list[list[float]] = []
    started_s = time.perf_counter()
    while len(rounds) < _LEAST_ROUNDS or (
        len(rounds) < _ROUNDS and time.perf_counter() - started_s < _TIMING_S
    ):
        rounds.append([_duration_s(network, picture) for network in networks])
    return [float(median) for median in np.median(rounds, axis=0)]


def _duration_s(network: Callable[[NDArray[np.uint8]], object], picture: NDArray[np.uint8]) -> float:
    started_s = time.thread_time()
    network(picture)
    return time.thread_time() - started_s
