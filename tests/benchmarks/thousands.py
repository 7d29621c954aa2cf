"""Thousands of parts in accelerated time, with faults: is each accounted for, and does memory stay flat?

Run as: python -m tests.benchmarks.thousands [COUNT]
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import cv2
import numpy as np

from rig.card import Preprocess
from rig.catalog import PartNumber
from rig.config import CameraConfig, Config, PathsConfig, SimConfig
from rig.files import write_whole
from rig.jobs.sort import SortFinished, sort_job
from rig.model import Bundle, write_bundle
from rig.pile_config import PileConfig
from rig.sim.part_library import EMBEDDED
from rig.sim.parts import PARTS
from rig.sim.pieces import Damage, Joint, Piece
from rig.sorting.events import PartSorted
from rig.sorting.fates import fates_of
from rig.sorting.ledger import Ledger, RunId
from rig.sorting_config import SortingConfig
from tests.benchmarks.capture import resident_mib
from tests.benchmarks.figure import Figure
from tests.test_model import make_card
from tests.vision.linear import linear_network

_COUNT = 10_000
_WARM = 1_000
_SIZE_PX = 16
_SEED = 7
_PARTS = (PartNumber("3001"), PartNumber("3004"))
_PILE = PileConfig(
    parts=dict.fromkeys(_PARTS, 1.0),
    damaged=0.05,
    stuck=0.03,
    double=0.03,
    astray=0.03,
    gap_spread_s=0.1,
    stays=0.05,
)
# Chances for each push.
_FAULTS = {"jam": 0.002, "lamp-off": 0.001, "lamp-breaks": 0.0005, "camera-stalls": 0.001, "reset": 0.001}
_MOST_GROWTH = 1.1

# A bin and what lies in it.
_Lot = tuple[str | None, str | None]


def thousands(count: int = _COUNT) -> Iterator[Figure]:
    """On a small picture; the model guesses, since nothing here depends on what it says."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _build_shapes()
        bundle = _guessing_model(folder / "models" / "guess")
        config = _config(folder)
        started_s = time.perf_counter()
        after_mib, last_mib, finished = 0.0, 0.0, None
        for event in sort_job(config, bundle, count, _SEED, lambda sentence: None):
            if isinstance(event, PartSorted) and event.done == min(_WARM, count // 2):
                after_mib = resident_mib()
            if isinstance(event, PartSorted) and event.done == count:
                last_mib = resident_mib()  # before the ledger is read back as a whole
            if isinstance(event, SortFinished):
                finished = event
        took_s = time.perf_counter() - started_s
        assert finished is not None, "a sort job ends with SortFinished"
        yield from _accounts(config.ledger, finished.run)
        waits = ", ".join(f"{kind} {times}" for kind, times in finished.summary.troubles.items())
        yield Figure(f"{count} parts sorted", f"{took_s / 60:.1f} min; waited for {waits}", "-", 1.0)
    yield Figure(
        f"memory after {count} parts",
        f"{last_mib:.0f} MiB",
        f"{after_mib:.0f} MiB after {min(_WARM, count // 2)}",
        _MOST_GROWTH * after_mib / last_mib,
    )


def _accounts(folder: Path, run: RunId) -> Iterator[Figure]:
    """The ledger beside the simulator's truth of where each piece lies."""
    with Ledger(folder) as ledger:
        rows, fates = ledger.rows(run), fates_of(ledger, run)
    outcomes = Counter(row.outcome for row in rows)
    kinds = Counter("rejected" if row.part is None else "sorted" for row in rows if row.outcome == "dropped")
    on_table = sum(fate.outcome == "stayed" for fate in fates)
    missing = len(fates) - on_table - outcomes["dropped"] - outcomes["lost"]
    yield Figure(
        "every piece accounted for",
        f"{len(fates)} pieces: {kinds['sorted']} sorted, {kinds['rejected']} rejected or returned,"
        f" {outcomes['lost']} lost, {on_table} on the table; {missing} unaccounted for",
        "0 unaccounted for",
        float(missing == 0),
    )
    booked: list[_Lot] = [(row.bin, row.true_part) for row in rows if row.outcome == "dropped"]
    true: list[_Lot] = [(fate.bin, fate.true_part) for fate in fates if fate.outcome == "in_bin"]
    wrong = sum((Counter(booked) - Counter(true)).values())
    yield Figure(
        "ledger against what lies in each bin",
        f"{len(booked)} rows, {len(true)} pieces in {len({name for name, _ in true})} bins; {wrong} differ",
        "0 differ",
        float(wrong == 0 and booked == true),
    )


def _build_shapes() -> None:
    """All that damage and pairing make of the parts, since the simulator keeps what it has built."""
    pairs = list(product(_PARTS, _PARTS))
    pieces = [
        *(Piece((part,), damage=damage) for part in _PARTS for damage in (None, *Damage)),
        *(Piece(pair, joint=joint) for pair in pairs for joint in Joint),
    ]
    for piece in pieces:
        for side in range(len(EMBEDDED.poses(piece.number))):
            EMBEDDED.baked(piece.number, side)


def _config(folder: Path) -> Config:
    faults = "".join(
        f'[[fault]]\nkind = "{kind}"\nmatches = "M280 P1 S110"\nprobability = {chance}\nduration_s = 8\n'
        for kind, chance in _FAULTS.items()
    )
    write_whole(folder / "faults.toml", faults.encode())
    return Config(
        camera=CameraConfig(width_px=160, height_px=120),
        # Of its guesses the model is about so sure: half of the parts are sorted, half rejected.
        sorting=SortingConfig(reject_threshold=0.3, pushes=3),
        sim=SimConfig(enabled=True, seed=_SEED, pile=_PILE, faults=str(folder / "faults.toml")),
        paths=PathsConfig(models=folder / "models", ledger=folder / "ledger", calibration=folder / "none"),
    )


def _guessing_model(folder: Path) -> Bundle:
    labels = tuple(sorted(PARTS))
    weights = np.random.default_rng(_SEED).normal(0, 1e-3, (len(labels), _SIZE_PX * _SIZE_PX * 2))
    network = linear_network(weights.astype(np.float32), size_px=_SIZE_PX)
    card = make_card(network).model_copy(
        update={"labels": labels, "preprocess": Preprocess(size_px=_SIZE_PX, margin=0.1)}
    )
    return write_bundle(folder, network, card)


if __name__ == "__main__":
    for figure in thousands(int(sys.argv[1]) if len(sys.argv) > 1 else _COUNT):
        print(figure)
