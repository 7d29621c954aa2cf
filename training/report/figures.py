"""Charts as SVG inside the page: their colours follow the reader's theme, and they scale to a phone."""

import re
from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from training.events import EpochDone
from training.measuring.temperature import Bin, RiskCoverage
from training.smoothing import smoothed

matplotlib.use("agg")

_SMOOTHING = 0.6
"""Share of the mean so far in an exponential moving average, as TensorBoard offers it."""

# Matplotlib takes no colour that depends on the page. These stand in, and are replaced in the SVG.
_INK, _FAINT, _FIRST, _SECOND = "#010203", "#020304", "#030405", "#040506"
_IN_CSS = {
    _INK: "currentColor",
    _FAINT: "var(--faint)",
    _FIRST: "var(--first)",
    _SECOND: "var(--second)",
}
_STYLE: dict[Any, Any] = {
    "axes.edgecolor": _FAINT,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": _INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": _INK,
    "axes.titlelocation": "left",
    "figure.facecolor": "none",
    "font.size": 11,
    "grid.color": _FAINT,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def curves(epochs: Sequence[EpochDone]) -> list[str]:
    """Loss, top-1 and, where it is known, learning rate of one network: each raw and smoothed."""
    charts = [
        _curve("Loss", [e.loss for e in epochs], [e.validation_loss for e in epochs]),
        _curve("Top-1", [e.top1 for e in epochs], [e.validation_top1 for e in epochs], top=1.02),
    ]
    rates = [epoch.learning_rate for epoch in epochs if epoch.learning_rate is not None]
    if rates:
        charts.append(_rates(rates))
    return charts


def reliability(before: Sequence[Bin], after: Sequence[Bin]) -> str:
    """How often the network is right when it is so sure, before and after temperature scaling."""

    def draw(axes: Axes) -> None:
        axes.plot((0, 1), (0, 1), color=_FAINT, linestyle="--")
        for bins, colour, name in ((before, _SECOND, "before"), (after, _FIRST, "after")):
            sure, right = [b.confidence for b in bins], [b.accuracy for b in bins]
            axes.plot(sure, right, color=colour, marker="o", label=f"{name} scaling")
        axes.set(
            xlabel="probability of the answer", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1.02)
        )
        axes.legend(loc="upper left")

    return _chart("Reliability", draw)


def risk_coverage(curve: RiskCoverage, threshold: float) -> str:
    """How many of the accepted are wrong, when so many are accepted."""

    def draw(axes: Axes) -> None:
        accepted, risk = curve.at(threshold)
        axes.plot(curve.coverage, curve.risk, color=_FIRST, label="accepting the surest")
        axes.plot(
            [accepted], [risk], color=_SECOND, marker="o", linestyle="", label=f"threshold {threshold:.2f}"
        )
        top = max(0.02, 1.15 * float(curve.risk.max()))
        axes.set(xlabel="share accepted", ylabel="share of these wrong", xlim=(0, 1.02), ylim=(0, top))
        axes.legend(loc="upper left")

    return _chart("Risk and coverage", draw)


def _curve(
    title: str, trained: Sequence[float], validated: Sequence[float | None], *, top: float | None = None
) -> str:
    lines = [(trained, _FIRST, "training")]
    seen = [value for value in validated if value is not None]
    if seen:
        lines.append((seen, _SECOND, "validation"))

    def draw(axes: Axes) -> None:
        for values, colour, name in lines:
            at = np.arange(1, len(values) + 1)
            axes.plot(at, values, color=colour, alpha=0.4, linewidth=1, marker=".")
            axes.plot(at, smoothed(values, _SMOOTHING), color=colour, linewidth=2, label=name)
        axes.set_ylim(0, top)
        _count_epochs(axes)
        axes.legend()

    return _chart(title, draw)


def _rates(rates: Sequence[float]) -> str:
    def draw(axes: Axes) -> None:
        axes.plot(np.arange(1, len(rates) + 1), rates, color=_FIRST, marker=".")
        axes.ticklabel_format(axis="y", scilimits=(-2, 2))
        _count_epochs(axes)

    return _chart("Learning rate", draw)


def _count_epochs(axes: Axes) -> None:
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _chart(title: str, draw: Callable[[Axes], None]) -> str:
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(4.6, 3.2), layout="constrained")
        axes = figure.subplots()
        axes.set_title(title)
        draw(axes)
        return _svg(figure, title)


def _svg(figure: Figure, says: str) -> str:
    file = StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Type": None, "Format": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    # Without a size of its own it takes the width that it is given.
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{says}" ', 1)
    for colour, css in _IN_CSS.items():
        svg = svg.replace(colour, css)
    return svg
