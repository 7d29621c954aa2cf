"""Whether a rig learns from its doubts: rounds of sorting, reviewing and training, on the simulated rig.

All is done by what a user would type: `rig sim render` makes a first set, in which two of ten parts are rare;
then `rig sort`, `rig review` (answered by the simulator's truth) and `rig train`, again and again. After each
training the model sorts another pile, always the same one, which nobody learns from.

`make bench` prints what three rounds raise. `python -m tests.benchmarks.rounds [FILE.svg]` prints the curve
and draws it. `python -m tests.benchmarks.rounds --orders` compares orders of review (`review_order`).
"""

import csv
import json
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rig.sim.parts import PARTS
from tests.acceptance.conftest import Shell
from tests.benchmarks.figure import Figure
from tests.benchmarks.review_order import compare

RARE = ("3039", "3660")
ROUNDS = 3
_SITTINGS, _RARE_SITTINGS, _VIEWS = 40, 2, 2
_SORTED, _ANSWERS, _EXAMINED = 120, 20, 150
# Four networks are trained: small pictures and few epochs let that take five minutes of one core.
_RECIPE = ("--folds", "0", "--epochs", "6", "--size", "64")
_ORDERED_ANSWERS, _DRAWS = 12, 25
# Each of the two comes as often as four others.
_FREQUENCY = 4
_EXAM_SEED = 1_000_000
# What takes longer on two cores is stuck.
_STEP_S = 1800.0


@dataclass(frozen=True)
class Grade:
    """What a model makes of the pile that it is examined on.

    Attributes:
        top1: share of all parts whose best candidate is right.
        rare_top1: the same of the two that were rare.
        rejected: share of all.
        wrong: share of all that went into the bin of another part.
    """

    top1: float
    rare_top1: float
    rejected: float
    wrong: float


class Bench:
    """A folder in which a rig learns from its doubts.

    Args:
        folder: an empty one, or a copy of one where a bench has worked.
        seed: of renders and piles.
    """

    def __init__(self, folder: Path, seed: int = 1) -> None:
        self.folder = folder
        self._seed = seed
        self._shell = Shell(folder, timeout_s=_STEP_S)

    def begin(self) -> None:
        """Make the first set."""
        self._write("rig.toml", self._seed, "ledger")
        common = [part for part in sorted(PARTS) if part not in RARE]
        self._render(common, _SITTINGS)
        self._render(RARE, _RARE_SITTINGS)

    def train(self, name: str) -> None:
        """Train on all that is there."""
        self._shell.json("train", "--name", name, *_RECIPE)

    def sort(self, number: int) -> None:
        """Sort the `number`-th pile with the newest model."""
        self._write("rig.toml", 1000 * self._seed + number, "ledger")
        self._shell.json("sort", "--count", str(_SORTED))

    def waiting(self, *options: str) -> list[int]:
        """The parts that `rig review` would ask about, in its order."""
        return [part["id"] for part in self._shell.json("review", *options)["waiting"]]

    def answer(self, parts: Sequence[int]) -> None:
        """Name parts by the simulator's truth."""
        database = sqlite3.connect(self.folder / "ledger_simulated" / "ledger.sqlite3")
        with closing(database), (self.folder / "answers.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(("id", "part"))
            for part in parts:
                [(truth,)] = database.execute("SELECT true_part FROM parts WHERE id = ?", (part,))
                table.writerow((part, truth))
        self._shell.json("review", "--answers", "answers.csv")

    def examine(self, name: str) -> Grade:
        """What a model makes of a pile that nobody learns from."""
        self._write("exam.toml", _EXAM_SEED + self._seed, f"exams/{name}")
        self._shell.json(
            "--config", "exam.toml", "sort", "--model", f"models/{name}", "--count", str(_EXAMINED)
        )
        with closing(
            sqlite3.connect(self.folder / "exams" / f"{name}_simulated" / "ledger.sqlite3")
        ) as database:
            rows = database.execute("SELECT part, candidates, true_part FROM parts").fetchall()
        said = [(part, json.loads(candidates)[0][0], truth) for part, candidates, truth in rows]
        return Grade(
            top1=_share(best == truth for _, best, truth in said),
            rare_top1=_share(best == truth for _, best, truth in said if truth in RARE),
            rejected=_share(part is None for part, _, _ in said),
            wrong=_share(part not in (None, truth) for part, _, truth in said),
        )

    def _render(self, parts: Sequence[str], sittings: int) -> None:
        size = ("--width", "320", "--height", "240", "--quality", "fast", "--workers", "1")
        count = ("--placements", str(sittings), "--views", str(_VIEWS), "--seed", str(self._seed))
        self._shell.json("sim", "render", "--parts", ",".join(parts), "--out", "captures", *count, *size)

    def _write(self, name: str, seed: int, ledger: str) -> None:
        pile = ", ".join(f"{part} = {_FREQUENCY if part in RARE else 1}" for part in sorted(PARTS))
        lines = (
            *("[sim]", "enabled = true", f"seed = {seed}", "[sim.pile]", f"parts = {{ {pile} }}"),
            *("[camera]", "width_px = 320", "height_px = 240", "[paths]", f'ledger = "{ledger}"'),
        )
        (self.folder / name).write_text("\n".join(lines))


def _share(of: Iterator[bool]) -> float:
    said = list(of)
    return sum(said) / len(said)


def curve(folder: Path, seed: int = 1) -> Iterator[Grade]:
    """Of the first model, and after each round."""
    bench = Bench(folder, seed)
    bench.begin()
    bench.train("model-0")
    yield bench.examine("model-0")
    for number in range(1, ROUNDS + 1):
        bench.sort(number)
        bench.answer(bench.waiting("--most-useful", str(_ANSWERS)))
        bench.train(f"model-{number}")
        yield bench.examine(f"model-{number}")


def rounds() -> Iterator[Figure]:
    """What three rounds of sorting, reviewing and training raise."""
    with tempfile.TemporaryDirectory() as folder:
        grades = list(curve(Path(folder)))
    first, last = grades[0], grades[-1]
    answers = f"{ROUNDS * _ANSWERS} answers in {ROUNDS} rounds"
    for what, before, after in (
        ("top-1 on a pile", first.top1, last.top1),
        ("the same, of two parts that were rare", first.rare_top1, last.rare_top1),
    ):
        yield Figure(f"{what}, after {answers}", f"{after:.1%}", f"{before:.1%} before", after / before)


def orders(folder: Path, seed: int) -> dict[str, NDArray[np.float64]]:
    """Top-1 after as many answers, by the order of review, of a last layer fitted anew for each draw."""
    bench = Bench(folder, seed)
    bench.begin()
    bench.train("model-0")
    bench.examine("model-0")
    bench.sort(1)
    bench.sort(2)
    return compare(folder, _ORDERED_ANSWERS, _DRAWS)


def draw(grades: Sequence[Grade], out: Path) -> None:
    """The curve as a picture."""
    from matplotlib.figure import Figure as Plot

    plot = Plot(figsize=(6, 3.6), layout="constrained")
    axes = plot.add_subplot()
    answers = [_ANSWERS * number for number in range(len(grades))]
    axes.plot(answers, [100 * grade.top1 for grade in grades], "o-", label="all parts")
    rare = " and ".join(RARE)
    axes.plot(answers, [100 * grade.rare_top1 for grade in grades], "s-", label=f"{rare}, rare at first")
    axes.plot(answers, [100 * grade.rejected for grade in grades], "^--", label="rejected")
    axes.set(xlabel="answers given in review", ylabel="% of the pile", ylim=(0, 100), xticks=answers)
    axes.grid(alpha=0.3)
    plot.legend(loc="outside upper center", ncols=3)
    plot.savefig(out)


def _print(name: str, grade: Grade) -> None:
    shares = (grade.top1, grade.rare_top1, grade.rejected, grade.wrong)
    print(f"| {name} | {' | '.join(f'{share:.1%}' for share in shares)} |", flush=True)


def print_orders(top1: Mapping[str, NDArray[np.float64]]) -> None:
    """Print a comparison; what it is uncertain by is the standard error of its difference from chance."""
    print(f"| {_ORDERED_ANSWERS} answers | top-1 | more than at random |\n|---|---|---|")
    for name, values in top1.items():
        more = values - top1["at random"]
        print(f"| {name} | {values.mean():.1%} | {more.mean():+.1%} ± {more.std() / len(more) ** 0.5:.1%} |")


def main() -> None:
    """Print the curve, or the comparison of orders, as a table."""
    if sys.argv[1:] == ["--orders"]:
        with tempfile.TemporaryDirectory() as folder:
            print_orders(orders(Path(folder), seed=1))
        return
    print("| | top-1 | of the two | rejected | in a wrong bin |\n|---|---|---|---|---|", flush=True)
    grades = []
    with tempfile.TemporaryDirectory() as folder:
        for number, grade in enumerate(curve(Path(folder))):
            _print(f"{_ANSWERS * number} answers", grade)
            grades.append(grade)
    if len(sys.argv) > 1:
        draw(grades, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
