"""Two models are compared on what is new to both, and on nothing else."""

from pathlib import Path

import pytest

from rig.dataset.reader import read_dataset
from rig.errors import DatasetError
from rig.vision.comparison import Answer, ClassRecall, compare
from rig.vision.evaluation import EvaluationProgress
from tests.vision.single_minded import write_pictures, write_single_minded


def test_recall_and_disagreement(tmp_path: Path) -> None:
    write_pictures(tmp_path / "data", bar=3, square=2)
    bars = write_single_minded(tmp_path / "models" / "bars", "bar")
    squares = write_single_minded(tmp_path / "models" / "squares", "square")
    progress: list[EvaluationProgress] = []
    found = compare(bars, squares, read_dataset(tmp_path / "data"), progress.append)
    assert (found.images, found.seen, found.strange) == (5, 0, 0)
    assert (found.first_top1, found.second_top1) == (0.6, 0.4)
    assert found.classes == (ClassRecall("bar", 3, 1, 0), ClassRecall("square", 2, 0, 1))
    assert len(found.disagreements) == 5
    assert found.disagreements[0] == Answer("bar/0.png", "bar", "bar", "square")
    assert progress[-1] == EvaluationProgress(5, 5)
    assert compare(bars, bars, read_dataset(tmp_path / "data"), progress.append).disagreements == ()


def test_what_either_has_seen_or_does_not_know_is_left_out(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path / "data", bar=3, square=2, wedge=4)
    labels = ("bar", "square")
    first = write_single_minded(
        tmp_path / "models" / "a", "bar", labels=labels, trained_on=(pictures["bar"][0],)
    )
    second = write_single_minded(tmp_path / "models" / "b", "bar", trained_on=(pictures["square"][1],))
    found = compare(first, second, read_dataset(tmp_path / "data"), lambda _: None)
    assert (found.images, found.seen, found.strange) == (3, 2, 4)
    assert found.classes == (ClassRecall("bar", 2, 1, 1), ClassRecall("square", 1, 0, 0))


def test_nothing_left_to_compare_on_is_said(tmp_path: Path) -> None:
    write_pictures(tmp_path / "data", wedge=2)
    first = write_single_minded(tmp_path / "models" / "a", "bar", labels=("bar", "square"))
    second = write_single_minded(tmp_path / "models" / "b", "bar")
    dataset = read_dataset(tmp_path / "data", least_classes=1)
    with pytest.raises(DatasetError, match=r"no picture in .* is new to both a and b: 0 were seen, 2 are"):
        compare(first, second, dataset, lambda _: None)
