"""What memory alone achieves: a nearest neighbour on small pictures, and how much a leaky split flatters it.

On turntable data a nearest neighbour on 48 x 48 grey pixels names nearly every picture of a random split,
since a neighbouring view of the same brick is among the trained ones. On bricks that it has not seen it is
what a network has to beat.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.curation.fingerprint import ALIKE_BITS
from training.pictures.data import Crops
from training.pictures.split import Partition

_SIDE_PX = 48
_MOST_JUDGED = 2000
_CHUNK = 256


@dataclass(frozen=True)
class NearCopy:
    """A held-out picture, and one among the trained ones that shows nearly the same; `label/file name`."""

    held_out: str
    trained: str


@dataclass(frozen=True)
class Baseline:
    """Figures beside which those of a network are to be read.

    Attributes:
        judged: held-out pictures that were named; at most 2,000 of a partition, evenly chosen.
        top1: of the nearest neighbour on the split of the networks: by physical part and session.
        random_split_top1: of the same on a random split with as many pictures held out of the same classes.
        compared: held-out pictures that were compared with every trained one: all of them.
        near_copies: of these, by `rig.curation.fingerprint`. What a network scores on them says how well it
            remembers.
    """

    judged: int
    top1: float
    random_split_top1: float
    compared: int
    near_copies: tuple[NearCopy, ...]


def baseline(
    crops: Crops, partitions: Sequence[Partition], judges: NDArray[np.bool_], seed: int
) -> Baseline | None:
    """Judge the nearest neighbour on what each partition holds out: tested groups, else validated ones.

    Args:
        judges: whether each picture may be held out, at random too; renders beside photographs may not.

    Returns:
        None where nothing is held out.
    """
    rng = np.random.default_rng(seed)
    pixels = _pixels(crops.images)
    right: list[NDArray[np.bool_]] = []
    right_at_random: list[NDArray[np.bool_]] = []
    compared = 0
    near: list[NearCopy] = []
    for partition in partitions:
        trained = crops.in_groups(partition.trained)
        all_held_out = crops.in_groups(partition.tested or partition.validated)
        held_out = _thinned(all_held_out)
        if not len(held_out):
            continue
        compared += len(all_held_out)
        near += _near_copies(crops, trained, all_held_out)
        right.append(_named_rightly(pixels, crops.targets, trained, held_out))
        trained_at_random, at_random = _deal_at_random(crops.targets, trained, held_out, judges, rng)
        right_at_random.append(_named_rightly(pixels, crops.targets, trained_at_random, at_random))
    if not right:
        return None
    judged = np.concatenate(right)
    return Baseline(
        judged=len(judged),
        top1=float(judged.mean()),
        random_split_top1=float(np.concatenate(right_at_random).mean()),
        compared=compared,
        near_copies=tuple(near),
    )


def _pixels(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 48 * 48) float32: small, grey, and of length 1 about their mean: brightness counts little."""
    size = (_SIDE_PX, _SIDE_PX)
    small = np.stack(
        [
            cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), size, interpolation=cv2.INTER_AREA).ravel()
            for image in images
        ]
    ).astype(np.float32)
    small -= small.mean(axis=1, keepdims=True)
    return np.asarray(small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6), np.float32)


def _thinned(indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most so many of them, evenly chosen."""
    places = np.linspace(0, len(indices) - 1, min(len(indices), _MOST_JUDGED)).round().astype(np.int64)
    return indices[places]


def _named_rightly(
    pixels: NDArray[np.float32],
    targets: NDArray[np.int64],
    trained: NDArray[np.int64],
    held_out: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether the nearest of the trained pictures has the class of each held-out one."""
    known = pixels[trained].T
    nearest = [(pixels[chunk] @ known).argmax(axis=1) for chunk in _chunks(held_out)]
    return np.asarray(targets[trained[np.concatenate(nearest)]] == targets[held_out], np.bool_)


def _deal_at_random(
    targets: NDArray[np.int64],
    trained: NDArray[np.int64],
    held_out: NDArray[np.int64],
    judges: NDArray[np.bool_],
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The same pictures split without regard to groups, with as many of the same classes held out."""
    both = rng.permutation(np.concatenate((trained, held_out)))
    chosen = both[judges[both] & np.isin(targets[both], targets[held_out])][: len(held_out)]
    return np.setdiff1d(both, chosen), chosen


def _near_copies(crops: Crops, trained: NDArray[np.int64], held_out: NDArray[np.int64]) -> Iterator[NearCopy]:
    """For each held-out picture that has one, the trained picture whose fingerprint is nearest."""
    # As -1 and 1, the product of two fingerprints is their length less twice the bits that differ.
    signs = np.unpackbits(crops.fingerprints, axis=1).astype(np.float32) * 2 - 1
    known = signs[trained].T
    least = signs.shape[1] - 2 * ALIKE_BITS
    for chunk in _chunks(held_out):
        likeness = signs[chunk] @ known
        nearest = likeness.argmax(axis=1)
        for index, place in zip(chunk, nearest, strict=True):
            if np.dot(signs[index], known[:, place]) >= least:
                yield NearCopy(crops.name(index), crops.name(trained[place]))


def _chunks(indices: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Parts of at most 256: the likeness of all to all would not fit into memory."""
    for start in range(0, len(indices), _CHUNK):
        yield indices[start : start + _CHUNK]
