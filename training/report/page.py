"""The report as one HTML file: no script, no other file, light or dark as the reader's system is."""

import base64
from collections.abc import Iterable, Sequence
from html import escape

import cv2

from rig.camera.frame import Image
from rig.card import ClassScore, Variant
from training.measuring.figures import Mistake
from training.measuring.temperature import REJECT_COST, calibration_error, reliability, risk_coverage
from training.report import figures
from training.report.findings import ConfusedPair, Findings
from training.report.style import STYLE

_MOST_MISTAKES = 60
_MOST_PAIRS = 6
_PICTURES_A_SIDE = 4
_STRONG = 0.6  # a cell of this share is so dark that its number must be light


def page(findings: Findings) -> str:
    """The whole page."""
    sections = (
        _head(findings),
        _classes(findings),
        _confusion(findings),
        _pairs(findings),
        _calibration(findings),
        _variants(findings),
        _curves(findings),
        _mistakes(findings),
        _making(findings),
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Training report: {escape(findings.name)}</title><style>{STYLE}</style>"
        f"{''.join(sections)}</html>\n"
    )


def _head(findings: Findings) -> str:
    card = findings.card
    scores, accepted = card.scores, card.calibration
    tiles = [_tile(_percent(scores.top1), f"top-1 on {scores.images} pictures")]
    if scores.leaky is not None:
        what = f"by the same on {scores.leaky.images} pictures held out at random: it knows these bricks"
        tiles.append(_tile(_percent(scores.leaky.top1), what))
    memory = findings.baseline
    if memory is not None:
        tiles.append(_tile(_percent(memory.top1), "by a nearest neighbour on the same split"))
        tiles.append(_tile(_percent(memory.random_split_top1), "by this neighbour on a random split: memory"))
    if accepted.accepted is not None:
        sure = f"sure enough; {_percent(accepted.accepted_top1)} of these are right"
        tiles.append(_tile(_percent(accepted.accepted), sure))
    if card.conversion is not None:
        variant = card.conversion.variant
        tiles.append(_tile(f"{variant.latency_ms:.2f} ms", f"a picture, as {variant.precision}"))
        tiles.append(_tile(_megabytes(variant), "on disk"))
    leak = (
        "<p>A random split tests on near-copies of training pictures: it measures memory, and is shown to say"
        f" by how much it flatters. Of {memory.compared} pictures that were compared,"
        f" {len(memory.near_copies)} are nearly the same as one that the network was trained on.</p>"
        if memory is not None
        else ""
    )
    by_fold = f"<p>Fold by fold: {scores.by_fold}.</p>" if scores.by_fold else ""
    untestable = card.split.untestable
    warning = (
        f'<p class="warning">Of these parts a single brick or session was captured, so that nothing honest'
        f" can be said of them: {escape(', '.join(untestable))}.</p>"
        if untestable
        else ""
    )
    return (
        f"<h1>{escape(findings.name)}</h1>"
        f'<p class="quiet">{escape(card.network)}, {len(card.labels)} parts,'
        f" made {escape(card.created_at[:10])}</p>"
        f'<div class="tiles">{"".join(tiles)}</div>'
        f"<p>Measured on {escape(scores.how)}, with the converted network.</p>{by_fold}{leak}{warning}"
    )


def _tile(figure: str, what: str) -> str:
    return f'<div class="tile"><b>{figure}</b>{escape(what)}</div>'


def _classes(findings: Findings) -> str:
    rows = sorted(findings.card.scores.classes, key=lambda row: (row.f1 if row.support else 2, row.label))
    return _section(
        "Part by part", _table(("part", "precision", "recall", "F1", "pictures"), map(_class, rows))
    )


def _class(row: ClassScore) -> Sequence[str]:
    if not row.support:
        return escape(row.label), "–", "–", "–", "0"
    return (
        escape(row.label),
        _percent(row.precision),
        _percent(row.recall),
        _percent(row.f1),
        str(row.support),
    )


def _confusion(findings: Findings) -> str:
    if not findings.confusion.any():
        return ""
    labels = findings.card.labels
    head = "".join(f"<th>{escape(label)}" for label in labels)
    rows = "".join(
        f"<tr><th>{escape(label)}{''.join(_cells(findings, row))}</tr>" for row, label in enumerate(labels)
    )
    return _section(
        "Confusion",
        '<p class="quiet">Each row is a part, each column what it was named; the shade is its share of the'
        " row.</p>"
        f'<div class="wide"><table class="confusion"><tr><th>{head}</tr>{rows}</table></div>',
    )


def _cells(findings: Findings, row: int) -> Iterable[str]:
    counts = findings.confusion[row]
    whole = max(1, int(counts.sum()))
    for column, count in enumerate(counts):
        share = count / whole
        kind = " ".join(["right"] * (row == column) + ["strong"] * bool(share > _STRONG))
        yield f'<td class="{kind}" style="--share: {share:.3f}">{count or ""}'


def _pairs(findings: Findings) -> str:
    pairs = findings.confused_pairs()[:_MOST_PAIRS]
    return _section("Most confused", "".join(_pair(pair, findings) for pair in pairs)) if pairs else ""


def _pair(pair: ConfusedPair, findings: Findings) -> str:
    true, named = escape(pair.true), escape(pair.named)
    mistaken = [_figure(mistake.crop) for mistake in pair.mistakes[:_PICTURES_A_SIDE]]
    typical = [_figure(crop) for crop in findings.examples.get(pair.named, ())[:_PICTURES_A_SIDE]]
    return (
        f"<h3>{true} taken for {named}, {_count(len(pair.mistakes), 'time')}</h3>"
        f'<div class="pair"><div><p class="quiet">{true}, named {named}</p>{_pictures(mistaken)}</div>'
        f'<div><p class="quiet">what {named} looks like</p>{_pictures(typical)}</div></div>'
    )


def _calibration(findings: Findings) -> str:
    card = findings.card
    how = f'<p class="quiet">The probabilities are {escape(card.calibration.how)}.</p>'
    if not len(findings.targets):
        return _section("Probabilities", how)
    before = reliability(findings.logits, findings.targets, 1.0)
    after = reliability(findings.logits, findings.targets, card.temperature)
    curve = risk_coverage(findings.logits, findings.targets, card.temperature)
    coverage, risk = curve.at(card.reject_threshold)
    charts = (figures.reliability(before, after), figures.risk_coverage(curve, card.reject_threshold))
    return _section(
        "Probabilities",
        f"{how}{_charts(charts)}"
        f"<p>Dividing the logits by a temperature of {card.temperature:.2f} brings the expected calibration"
        f" error from {_percent(calibration_error(before))} to {_percent(calibration_error(after))}. The"
        " temperature was fitted on these same pictures.</p>"
        f"<p>By one look, answers below {card.reject_threshold:.2f} go to the reject bin:"
        f" {_percent(1 - coverage)} of the parts. Of the accepted, {_percent(risk)} are wrong; without a"
        f" threshold it would be {_percent(curve.risk[-1])}. If a part in the wrong bin costs 1 and one in"
        f" the reject bin {REJECT_COST:g}, a part costs {curve.cost(card.reject_threshold):.3f} with the"
        f" threshold and {curve.cost(0):.3f} without.</p>",
    )


def _variants(findings: Findings) -> str:
    conversion = findings.card.conversion
    if conversion is None:
        return ""
    rows = "".join(_variant(variant, chosen=variant is conversion.variant) for variant in conversion.variants)
    return _section(
        "Precisions",
        f'<div class="wide"><table><tr><th>precision<th>size<th>top-1<th>one picture</tr>{rows}</table></div>'
        '<p class="quiet">The smallest that loses at most half a point to the best is used, here'
        f" {conversion.chosen}; chosen on {escape(conversion.chosen_on)}. Times: median, one thread,"
        f" {escape(conversion.timed_on)}.</p>",
    )


def _variant(variant: Variant, *, chosen: bool) -> str:
    how = ", fine-tuned for it" if variant.rehearsed else ""
    return (
        f"<tr{' class=chosen' if chosen else ''}><td>{variant.precision}{how}<td>{_megabytes(variant)}"
        f"<td>{_percent(variant.top1)}<td>{variant.latency_ms:.2f} ms</tr>"
    )


def _curves(findings: Findings) -> str:
    final, *others = findings.stages().items()
    folded = "".join(f"<h3>{escape(stage)}</h3>{_charts(figures.curves(epochs))}" for stage, epochs in others)
    details = f"<details><summary>The fold networks</summary>{folded}</details>" if others else ""
    return _section("Curves", _charts(figures.curves(final[1])) + details)


def _mistakes(findings: Findings) -> str:
    if not findings.mistakes:
        return ""
    shown = findings.surest_mistakes()[:_MOST_MISTAKES]
    said = f"{_count(len(findings.mistakes), 'picture')}; all of them are in <code>report/mistakes/</code>."
    if len(shown) < len(findings.mistakes):
        said += f" The {len(shown)} that the network was surest of:"
    pictures = [_figure(mistake.crop, _caption(mistake)) for mistake in shown]
    return _section("Named wrongly", f"<p>{said}</p>{_pictures(pictures)}")


def _caption(mistake: Mistake) -> str:
    answer = f"{mistake.true} named {mistake.named} ({mistake.probability:.0%})"
    return f'{escape(answer)}<br><span class="quiet">{escape(mistake.file_name)}</span>'


def _making(findings: Findings) -> str:
    card = findings.card
    rows = [
        ("pictures", f"{card.data.images}, {', '.join(card.data.sources)}"),
        ("input", f"{card.preprocess.size_px} x {card.preprocess.size_px} px, {card.preprocess.channels}"),
        ("contrast", card.preprocess.contrast.value),
        ("network", f"{card.network}, {card.parameters} weights"),
        ("began with", card.began_with),
        *card.recipe.items(),
        ("seed", str(card.seed)),
        *card.versions.items(),
    ]
    return _section("How it was made", _table(("", ""), ((escape(k), escape(v)) for k, v in rows)))


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = f"<tr>{''.join(f'<th>{column}' for column in columns)}</tr>" if any(columns) else ""
    body = "".join(f"<tr>{''.join(f'<td>{cell}' for cell in row)}</tr>\n" for row in rows)
    return f'<div class="wide"><table>{head}{body}</table></div>'


def _charts(charts: Iterable[str]) -> str:
    return f'<div class="charts">{"".join(f"<div>{chart}</div>" for chart in charts)}</div>'


def _pictures(figures: Sequence[str]) -> str:
    return f'<div class="pictures">{"".join(figures)}</div>'


def _figure(crop: Image, caption: str = "") -> str:
    _, jpeg = cv2.imencode(".jpg", crop)
    data = base64.b64encode(jpeg.tobytes()).decode()
    said = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f'<figure><img alt="" loading="lazy" src="data:image/jpeg;base64,{data}">{said}</figure>\n'


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _megabytes(variant: Variant) -> str:
    return f"{variant.size_bytes / 1e6:.2f} MB"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
