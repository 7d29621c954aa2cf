"""A sweep as a picture: how it went, and what each choice had to do with it."""

from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rig.files import write_whole
from training.sweep.search import Choice, Scale, scale_of
from training.sweep.standing import Standing, Tried

_COLUMNS = 3


def draw_sweep(standing: Standing, picture: Path) -> None:
    """Draw the scores in the order of the trials, and over each choice.

    Args:
        picture: where it goes, a PNG.

    Raises:
        StorageError: it cannot be written.
    """
    scored = [tried for tried in standing.tried if tried.top1 is not None]
    searched = [choice for choice in Choice if any(choice in tried.options for tried in scored)]
    rows = 1 + -(-len(searched) // _COLUMNS)
    figure = Figure(figsize=(11, 3.2 * rows), layout="constrained")
    grid = figure.add_gridspec(rows, _COLUMNS)
    _draw_history(figure.add_subplot(grid[0, :]), scored)
    for place, choice in enumerate(searched):
        axes = figure.add_subplot(grid[1 + place // _COLUMNS, place % _COLUMNS])
        _draw_slice(axes, choice, [tried for tried in scored if choice in tried.options])
    figure.suptitle(f"Sweep {standing.name}: top-1 on validation pictures")
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    write_whole(picture, buffer.getvalue())


def _draw_history(axes: Axes, scored: list[Tried]) -> None:
    numbers = [tried.number for tried in scored]
    _scatter(axes, np.array(numbers, float), scored)
    complete = [tried for tried in scored if not tried.given_up]
    best = np.maximum.accumulate([tried.top1 or 0 for tried in complete])
    axes.step([tried.number for tried in complete], best, where="post", color="black", label="best so far")
    axes.set(xlabel="trial", ylabel="top-1")
    axes.legend()


def _draw_slice(axes: Axes, choice: Choice, scored: list[Tried]) -> None:
    values = [tried.options[choice] for tried in scored]
    scale = scale_of(choice)
    if scale is Scale.NAMES:
        names = sorted(set(values), key=lambda name: (len(name), name) if name.isdigit() else (0, name))
        # Beside each other by their numbers: many have the same score.
        places = [
            names.index(name) + (tried.number % 9 - 4) / 25
            for name, tried in zip(values, scored, strict=True)
        ]
        _scatter(axes, np.array(places), scored)
        axes.set_xticks(range(len(names)), names, rotation=20 if len(names) > 4 else 0)
    else:
        _scatter(axes, np.array(values, float), scored)
        axes.set_xscale("log" if scale is Scale.LOGARITHMIC else "linear")
    axes.set(xlabel=choice.replace("-", " "))


def _scatter(axes: Axes, places: np.typing.NDArray[np.float64], scored: list[Tried]) -> None:
    """Filled where a network was fitted to the end."""
    scores = np.array([tried.top1 for tried in scored], float)
    given_up = np.array([tried.given_up for tried in scored], bool)
    axes.scatter(places[~given_up], scores[~given_up], label="fitted to the end")
    axes.scatter(places[given_up], scores[given_up], facecolors="none", edgecolors="grey", label="given up")
