"""How often the colour of a part is told rightly, how sure of it the rig is, and how long that takes."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np

from rig.catalog import COLOURS, ColourCode
from rig.inventory.colours import colour_name
from rig.sim.drop import drop
from rig.sim.part_library import EMBEDDED
from rig.sim.parts import PARTS
from rig.sim.scene import draw_scene
from rig.sim.shot import Shot, take
from rig.sorting_config import SortingConfig
from rig.vision.colour import estimate
from rig.vision.locate import locate
from rig.vision.table import EmptyTable
from tests.benchmarks.figure import Figure

# The constants of the estimate were fitted to sessions 1000 to 1015.
_SESSIONS = range(5000, 5012)
_MOST_ECE = 0.03
_LEAST_RIGHT = 0.95
_BINS = 10


@dataclass(frozen=True)
class _Guess:
    true: ColourCode
    seen: ColourCode
    probability: float
    took_s: float


def colours() -> Iterator[Figure]:
    """Each common colour once a session, on any part and side, with the empty table known and without."""
    cv2.setNumThreads(1)
    with_table, without = [], []
    for session in _SESSIONS:
        calibrated, bare = _guesses(session)
        with_table += calibrated
        without += bare
    yield from _figures("against the empty table", with_table)
    yield from _figures("against the table around", without)


def _guesses(session: int) -> tuple[list[_Guess], list[_Guess]]:
    rng = np.random.default_rng(session)
    scene = draw_scene(rng.spawn(1)[0])
    empty = EmptyTable(take(Shot(scene, None)).image)
    found: tuple[list[_Guess], list[_Guess]] = ([], [])
    for colour in COLOURS:
        part = sorted(PARTS)[rng.integers(len(PARTS))]
        poses = EMBEDDED.poses(part)
        lying = drop(part, colour, rng, poses, range(len(poses)))
        image = take(Shot(scene, lying, rng.uniform(0, 360), noise_seed=int(rng.integers(2**31)))).image
        for guesses, table in zip(found, (empty, None), strict=True):
            box = locate(image, table)
            if box is None:
                continue
            started_s = time.thread_time()
            guess = estimate(image, box, table)
            if guess is not None:
                took_s = time.thread_time() - started_s
                guesses.append(_Guess(colour, guess.code, guess.probability, took_s))
    return found


def _figures(how: str, guesses: list[_Guess]) -> Iterator[Figure]:
    right = np.array([guess.seen == guess.true for guess in guesses])
    probability = np.array([guess.probability for guess in guesses])
    sure = probability >= SortingConfig().colour_threshold
    mistaken = Counter(
        f"{colour_name(guess.true)} for {colour_name(guess.seen)}"
        for guess in guesses
        if guess.seen != guess.true
    )
    often = "; ".join(f"{name} {count}x" for name, count in mistaken.most_common(2)) or "no mistakes"
    yield Figure(
        f"colours {how}",
        f"{right.mean():.1%} of {len(guesses)} right",
        often,
        float(right.mean()) / _LEAST_RIGHT,
    )
    yield Figure(
        "colours that count as known",
        f"{sure.mean():.1%}, of which {right[sure].mean():.1%} are right",
        f"{SortingConfig().colour_threshold:.0%} sure at least",
        float(right[sure].mean()) / SortingConfig().colour_threshold,
    )
    error = _calibration_error(probability, right)
    yield Figure("calibration error of colours", f"{error:.3f}", f"{_MOST_ECE}", _MOST_ECE / error)
    took_s = median(guess.took_s for guess in guesses)
    yield Figure("telling a colour", f"{1000 * took_s:.1f} ms", "15 ms", 0.015 / took_s)


def _calibration_error(probability: np.ndarray, right: np.ndarray) -> float:
    """Expected calibration error over ten bins of equal width (Naeini et al. 2015)."""
    place = np.minimum((probability * _BINS).astype(int), _BINS - 1)
    gaps = [
        (place == bin_).mean() * abs(probability[place == bin_].mean() - right[place == bin_].mean())
        for bin_ in np.unique(place)
    ]
    return float(sum(gaps))


if __name__ == "__main__":
    for figure in colours():
        print(figure)
