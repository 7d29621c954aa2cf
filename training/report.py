"""A report that one can look at: curves, confusion matrix, and the pictures that were named wrongly."""

import base64
import html
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from rig.model import Card, ClassScore
from rig.vision.evaluation import Confusion
from training.events import EpochDone

matplotlib.use("agg")

_MOST_MISTAKES = 60


@dataclass(frozen=True)
class Mistake:
    """A picture that was named wrongly.

    Attributes:
        crop: (size, size, 3) uint8, BGR.
        file_name: below the dataset's folder.
        true, named: labels.
        probability: that the network gave to its answer.
    """

    crop: NDArray[np.uint8]
    file_name: str
    true: str
    named: str
    probability: float


def write_report(
    folder: Path, card: Card, epochs: Sequence[EpochDone], confusion: Confusion, mistakes: Sequence[Mistake]
) -> None:
    """Write `curves.png`, `confusion.png` and the self-contained `index.html`.

    Args:
        confusion: of the measured pictures; all zero when none could be held out.
        mistakes: among them; the surest are shown.
    """
    folder.mkdir(parents=True)
    curves = _png(_draw_curves(epochs))
    (folder / "curves.png").write_bytes(curves)
    matrix = _png(_draw_confusion(confusion, card.labels))
    (folder / "confusion.png").write_bytes(matrix)
    surest = sorted(mistakes, key=lambda mistake: -mistake.probability)[:_MOST_MISTAKES]
    (folder / "index.html").write_text(_page(card, curves, matrix, surest, len(mistakes)), encoding="utf-8")


def _draw_curves(epochs: Sequence[EpochDone]) -> Figure:
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    loss, top1 = figure.subplots(1, 2)
    by_stage: dict[str, list[EpochDone]] = defaultdict(list)
    for epoch in epochs:
        by_stage[epoch.stage].append(epoch)
    for stage, done in by_stage.items():
        at = [epoch.epoch for epoch in done]
        (line,) = loss.plot(at, [epoch.loss for epoch in done], label=stage)
        top1.plot(at, [epoch.top1 for epoch in done], color=line.get_color())
        if done[0].validation_loss is not None:
            shown = {"color": line.get_color(), "linestyle": "--"}
            loss.plot(at, [epoch.validation_loss for epoch in done], label=f"{stage}, validation", **shown)
            top1.plot(at, [epoch.validation_top1 for epoch in done], **shown)
    loss.set(xlabel="epoch", ylabel="loss")
    top1.set(xlabel="epoch", ylabel="top-1", ylim=(0, 1.02))
    loss.legend()
    return figure


def _draw_confusion(confusion: Confusion, labels: Sequence[str]) -> Figure:
    side = 2.5 + 0.4 * len(labels)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    shares = confusion / np.maximum(1, confusion.sum(axis=1, keepdims=True))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=90)
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="named", ylabel="true")
    for row, column in zip(*np.nonzero(confusion), strict=True):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(
            column, row, str(confusion[row, column]), ha="center", va="center", color=colour, fontsize=8
        )
    return figure


def _png(figure: Figure) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def _page(card: Card, curves: bytes, matrix: bytes, mistakes: Sequence[Mistake], mistaken: int) -> str:
    scores = card.scores
    top1 = (
        "nothing could be held out"
        if scores.top1 is None
        else f"{scores.top1:.1%} of {scores.images} pictures"
    )
    untestable = html.escape(", ".join(card.split.untestable))
    warning = f"<p><b>Cannot be tested honestly</b> (one group only): {untestable}</p>" if untestable else ""
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Training report</title>
<style>
body {{ font: 15px/1.5 sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }}
td, th {{ padding: .15rem .8rem; text-align: right }}
figure {{ display: inline-block; margin: .3rem; width: 8rem; font-size: 12px; vertical-align: top }}
figure img {{ width: 8rem }} img {{ max-width: 100% }}
</style>
<h1>Training report</h1>
<p>Top-1: <b>{top1}</b> ({html.escape(scores.how)}), measured after conversion to integers.</p>
{warning}
<p>Probabilities: {html.escape(card.calibration.how)}. Temperature {card.temperature:.2f}, reject threshold
{card.reject_threshold:.2f}.</p>
<table><tr><th>part<th>precision<th>recall<th>F1<th>pictures</tr>
{"".join(_row(row) for row in scores.classes)}
</table>
<h2>Confusion</h2>{_image(matrix, "png")}
<h2>Curves</h2>{_image(curves, "png")}
<h2>Named wrongly</h2><p>{mistaken} pictures; the surest of these mistakes:</p>
{"".join(_figure(mistake) for mistake in mistakes)}
</html>
"""


def _row(row: ClassScore) -> str:
    label = html.escape(row.label)
    if not row.support:
        return f"<tr><td>{label}<td>–<td>–<td>–<td>0</tr>\n"
    return (
        f"<tr><td>{label}<td>{row.precision:.1%}<td>{row.recall:.1%}<td>{row.f1:.1%}<td>{row.support}</tr>\n"
    )


def _figure(mistake: Mistake) -> str:
    _, jpeg = cv2.imencode(".jpg", mistake.crop)
    answer = html.escape(f"{mistake.true} named {mistake.named} ({mistake.probability:.0%})")
    caption = f"<figcaption>{answer}<br>{html.escape(mistake.file_name)}</figcaption>"
    return f"<figure>{_image(jpeg.tobytes(), 'jpeg')}{caption}</figure>\n"


def _image(content: bytes, kind: str) -> str:
    return f'<img alt="" src="data:image/{kind};base64,{base64.b64encode(content).decode()}">'
