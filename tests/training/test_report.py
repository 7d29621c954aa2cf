"""The report says what was found, escapes what it was told, and needs nothing but itself."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np

from rig.card import Card, Conversion, Precision, Variant
from rig.vision.evaluation import score
from tests.test_model import make_card
from training.events import EpochDone
from training.measuring.baseline import Baseline, NearCopy
from training.measuring.figures import Mistake
from training.report.figures import curves
from training.report.findings import Findings
from training.report.page import page
from training.report.writing import write_report

LABELS = ("3001", "3003", "a<b")
TARGETS = np.repeat(np.arange(3), 40)


def _card(confusion: np.ndarray) -> Card:
    variants = tuple(
        Variant(precision=precision, size_bytes=100_000 * (4 - k), top1=0.9, latency_ms=0.5 + k)
        for k, precision in enumerate(Precision)
    )
    conversion = Conversion(
        chosen=Precision.INT8, chosen_on="validation pictures", timed_on="a test", variants=variants
    )
    scores = score(confusion, LABELS, "unseen parts")
    return make_card().model_copy(update={"labels": LABELS, "scores": scores, "conversion": conversion})


def _findings() -> Findings:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1, (120, 3)).astype(np.float32)
    logits[np.arange(120), TARGETS] += 2
    named = logits.argmax(axis=1)
    confusion = np.zeros((3, 3), np.int64)
    np.add.at(confusion, (TARGETS, named), 1)
    crops = rng.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    mistakes = [
        Mistake(crops[TARGETS[k]], f"{LABELS[TARGETS[k]]}/{k}.png", LABELS[TARGETS[k]], LABELS[named[k]], 0.7)
        for k in np.flatnonzero(named != TARGETS)
    ]
    epochs = [
        EpochDone(
            stage, epoch, 4, 32, 1 / epoch, 1 - 0.5 / epoch, 1.5 / epoch, 0.5, True, 1e-3 / epoch, False
        )
        for stage in ("fold 1", "final")
        for epoch in range(1, 5)
    ]
    return Findings(
        name="test <model>",
        card=_card(confusion),
        epochs=epochs,
        confusion=confusion,
        logits=logits,
        targets=TARGETS,
        mistakes=mistakes,
        examples={label: [crops[k]] for k, label in enumerate(LABELS)},
    )


class _Text(HTMLParser):
    """What a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_data(self, data: str) -> None:
        self.seen.append(data)


def _text(html: str) -> str:
    parser = _Text()
    parser.feed(html)
    return " ".join(" ".join(parser.seen).split())


def test_the_page_says_what_was_found() -> None:
    findings = _findings()
    said = _text(page(findings))
    top1 = findings.card.scores.top1
    assert top1 is not None
    for word in (
        "test <model>",
        f"{top1:.1%}",
        "unseen parts",
        "Risk and coverage",
        "Learning rate",
        "threshold 0.80",
        "int8",
        "3.50 ms",
        "0.10 MB",
        "taken for",
        "fold 1",
    ):
        assert word in said, word
    assert "random split" not in said


def test_the_leaky_score_stands_beside_the_honest_one() -> None:
    near = (NearCopy("a/1", "a/2"),)
    memory = Baseline(judged=30, top1=0.644, random_split_top1=0.999, compared=40, near_copies=near)
    said = _text(page(replace(_findings(), baseline=memory)))
    assert "64.4%" in said
    assert "99.9%" in said
    assert "Of 40 pictures that were compared, 1 are nearly the same" in said


def test_epochs_are_counted_in_whole_numbers_even_where_there_is_one() -> None:
    epoch = EpochDone("final", 1, 1, 32, 2.0, 0.5, None, None, True, 1e-3, False)
    ticks = re.findall(r">([\d.]+)</text>", curves([epoch])[0])
    assert "1" in ticks
    assert not [tick for tick in ticks if re.fullmatch(r"\d\.\d{2,}", tick)]


def test_the_page_needs_nothing_else() -> None:
    html = page(_findings())
    assert "<script" not in html
    assert "a<b" not in html
    sources = re.findall(r'(?:src|href|url\()="?([^")]*)', html)
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert "prefers-color-scheme: dark" in html
    # Every colour of a chart is one that the theme decides.
    charts = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(charts) == 8
    assert not [chart for chart in charts if re.search(r"#0[0-9]0[0-9]0[0-9]", chart)]


def test_nothing_measured_makes_a_page_too() -> None:
    findings = _findings()
    nothing = np.zeros((3, 3), np.int64)
    empty = replace(
        findings,
        card=_card(nothing),
        confusion=nothing,
        logits=np.empty((0, 3), np.float32),
        targets=np.empty(0, np.int64),
        mistakes=[],
    )
    said = _text(page(empty))
    assert "Confusion" not in said
    assert "Named wrongly" not in said


def test_mistakes_lie_in_folders(tmp_path: Path) -> None:
    findings = _findings()
    write_report(tmp_path / "report", findings)
    assert (tmp_path / "report" / "index.html").read_text(encoding="utf-8") == page(findings)
    pictures = sorted((tmp_path / "report" / "mistakes").rglob("*.jpg"))
    assert len(pictures) == len(findings.mistakes)
    first = findings.mistakes[0]
    path = tmp_path / "report" / "mistakes" / first.true / first.named / f"{Path(first.file_name).stem}.jpg"
    shown = cv2.imread(str(path))
    assert shown is not None
    assert shown.shape == (32, 32, 3)


def test_mistakes_of_one_name_all_stay(tmp_path: Path) -> None:
    """A picture that two folds have tested, and one of the same name and another kind."""
    mistakes = [
        Mistake(np.full((8, 8, 3), level, np.uint8), name, "3001", "3003", 0.5)
        for level, name in ((0, "3001/1.png"), (100, "3001/1.png"), (200, "3001/1.jpg"), (0, "3001/2.png"))
    ]
    write_report(tmp_path / "report", replace(_findings(), mistakes=mistakes))
    folder = tmp_path / "report" / "mistakes" / "3001" / "3003"
    seen = {path.name: cv2.imread(str(path)) for path in folder.iterdir()}
    assert {
        name: round(float(np.mean(picture))) for name, picture in seen.items() if picture is not None
    } == {
        "1.jpg": 0,
        "1-2.jpg": 100,
        "1-3.jpg": 200,
        "2.jpg": 0,
    }


def test_pairs_are_ranked_by_how_often() -> None:
    crop = np.zeros((8, 8, 3), np.uint8)
    mistakes = [
        Mistake(crop, "a/1.jpg", "a", "b", 0.5),
        Mistake(crop, "b/1.jpg", "b", "a", 0.9),
        Mistake(crop, "a/2.jpg", "a", "b", 0.8),
    ]
    pairs = replace(_findings(), mistakes=mistakes).confused_pairs()
    assert [(pair.true, pair.named, len(pair.mistakes)) for pair in pairs] == [("a", "b", 2), ("b", "a", 1)]
    assert [mistake.probability for mistake in pairs[0].mistakes] == [0.8, 0.5]
