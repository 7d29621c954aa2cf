"""The precision is chosen on the most honest pictures there are, and no larger than it must be."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rig.card import Precision
from training.conversion.variants import (
    Answers,
    Converted,
    Fitted,
    Ground,
    better_int8,
    choose,
    loses_too_much,
    median_latencies_s,
    pool,
)
from training.pictures.split import Partition

PICTURES = 1000
ANSWERS = Answers(np.zeros(0, np.int64), np.zeros((0, 2), np.float32))
SIZES = {Precision.FLOAT32: 40, Precision.FLOAT16: 20, Precision.DYNAMIC: 9, Precision.INT8: 10}


def _right(wrong: int) -> NDArray[np.bool_]:
    return np.arange(PICTURES) >= wrong


def _fitted(folder: Path, ground: Ground, **wrong: int) -> Fitted:
    """A network that is wrong about so many pictures at each precision; those left out are always right."""
    folder.mkdir()
    variants = {}
    for precision, size in SIZES.items():
        path = folder / f"{precision}.tflite"
        path.write_bytes(bytes(size))
        variants[precision] = Converted(path, ANSWERS, _right(wrong.get(precision.value, 0)))
    return Fitted(Partition((), (), ()), 1, ground, variants)


@pytest.mark.parametrize(
    ("wrong", "chosen"),
    [
        ({}, "dynamic"),
        ({"dynamic": 6}, "int8"),
        ({"dynamic": 6, "int8": 5}, "int8"),
        ({"dynamic": 6, "int8": 6}, "float16"),
        ({"float32": 6, "dynamic": 6, "int8": 11}, "float16"),
        ({"float32": 50, "float16": 50, "int8": 50}, "dynamic"),
    ],
)
def test_the_smallest_within_half_a_point_of_the_best(
    tmp_path: Path, wrong: dict[str, int], chosen: str
) -> None:
    choice = choose([_fitted(tmp_path / "final", Ground.VALIDATED, **wrong)])
    assert choice.precision == chosen


def test_of_two_that_are_as_small_it_is_the_one_that_every_runtime_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for precision in (Precision.FLOAT32, Precision.FLOAT16, Precision.INT8):
        monkeypatch.setitem(SIZES, precision, 10 * SIZES[precision])
    monkeypatch.setitem(SIZES, Precision.DYNAMIC, 98)
    assert choose([_fitted(tmp_path / "1", Ground.VALIDATED)]).precision is Precision.INT8
    assert choose([_fitted(tmp_path / "2", Ground.VALIDATED, int8=9)]).precision is Precision.DYNAMIC


def test_whoever_has_validation_pictures_decides(tmp_path: Path) -> None:
    fold = _fitted(tmp_path / "fold", Ground.VARIED, dynamic=100)
    final = _fitted(tmp_path / "final", Ground.VALIDATED, int8=100)
    assert choose([fold, final]).precision is Precision.DYNAMIC
    assert choose([fold, final]).ground is Ground.VALIDATED


def test_networks_with_the_same_ground_decide_together(tmp_path: Path) -> None:
    """Seven wrong of one thousand are too many, of two thousand they are not."""
    one = _fitted(tmp_path / "1", Ground.VARIED, dynamic=7)
    assert choose([one]).precision is Precision.INT8
    assert choose([one, _fitted(tmp_path / "2", Ground.VARIED)]).precision is Precision.DYNAMIC


@pytest.mark.parametrize(("int8", "too_much"), [(0, False), (5, False), (6, True)])
def test_half_a_point_may_be_lost(tmp_path: Path, int8: int, too_much: bool) -> None:
    fitted = _fitted(tmp_path / "final", Ground.VALIDATED, int8=int8)
    assert loses_too_much(fitted.variants) == too_much


def test_what_was_rehearsed_must_be_better() -> None:
    good, bad = (Converted(Path(name), ANSWERS, _right(wrong)) for name, wrong in (("g", 1), ("b", 9)))
    assert better_int8(bad, good) is good
    assert better_int8(good, bad) is good
    assert better_int8(good, replace(good, rehearsed=True)) is good


def test_pooled_answers_know_their_pictures() -> None:
    targets = np.array([0, 1, 0])
    first = Answers(np.array([2]), np.array([[1, 0]], np.float32))
    second = Answers(np.array([1, 0]), np.array([[1, 0], [1, 0]], np.float32))
    assert pool([first, second]).right(targets).tolist() == [True, False, True]
    assert pool([first, second]).top1(targets) == pytest.approx(2 / 3)
    assert Answers(np.empty(0, np.int64), np.empty((0, 2), np.float32)).top1(targets) is None


def test_networks_take_turns_when_they_are_timed() -> None:
    calls: list[str] = []
    picture = np.zeros((16, 16, 2), np.uint8)
    latencies_s = median_latencies_s([lambda _: calls.append("a"), lambda _: calls.append("b")], picture)
    assert calls == ["a", "b"] * (len(calls) // 2)
    assert len(calls) >= 20
    assert min(latencies_s) > 0
