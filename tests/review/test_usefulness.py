"""The order of review: the doubt of many comes first, and what was answered before counts for less."""

from itertools import combinations
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rig.review.usefulness import Opinions, in_order_of_use, sessions_of, uncertainty
from tests.dataset.pictures import session, write_dataset

Known = NDArray[np.float32]
NOTHING_KNOWN = np.zeros(4, np.float32)


def _opinions(*rows: tuple[float, ...]) -> Opinions:
    return np.array(rows, np.float32)


def test_uncertainty_is_0_where_the_model_is_sure_and_1_where_it_knows_nothing() -> None:
    rows = _opinions((1, 0, 0, 0), (0.5, 0.5, 0, 0), (0.25, 0.25, 0.25, 0.25))
    np.testing.assert_allclose(uncertainty(rows), (0, 0.5, 1), atol=1e-6)


def test_a_doubt_of_many_comes_first_then_a_doubt_of_few_and_the_sure_come_last() -> None:
    of_five, of_two, sure = (0.5, 0.5, 0, 0), (0.0, 0.0, 0.5, 0.5), (0.0, 0.0, 0.0, 1.0)
    rows = _opinions(sure, of_two, of_two, *[of_five] * 5)
    # The n-th answer about the five is worth 5 * log(1 + 1 / n), about the two 2 * log(1 + 1 / n).
    assert in_order_of_use(rows, NOTHING_KNOWN, 8)[:5] == [3, 4, 5, 1, 6]
    assert in_order_of_use(rows, NOTHING_KNOWN, 8)[-1] == 0


def test_what_the_dataset_has_already_is_worth_less() -> None:
    often, seldom = (0.5, 0.5, 0, 0), (0.0, 0.0, 0.5, 0.5)
    rows = _opinions(*[often] * 5, *[seldom] * 2)
    assert in_order_of_use(rows, np.array((40, 40, 2, 2), np.float32), 2) == [5, 6]


def test_none_are_ordered_and_no_more_than_there_are() -> None:
    assert in_order_of_use(_opinions((0.5, 0.5, 0, 0)), NOTHING_KNOWN, 3) == [0]
    assert in_order_of_use(np.empty((0, 4), np.float32), NOTHING_KNOWN, 3) == []


def test_sessions_are_counted_not_pictures(tmp_path: Path) -> None:
    rows = session("3001", "s1", 3) | session("3001", "s2", 2) | session("3003", "s3", 4)
    assert sessions_of(write_dataset(tmp_path, rows)) == {"3001": 2, "3003": 1}
    assert sessions_of(tmp_path / "nowhere") == {}


def _worth(opinions: Opinions, known: Known, chosen: tuple[int, ...]) -> float:
    roots = np.sqrt(opinions.astype(np.float64))
    before = opinions @ known
    after = before + (roots @ roots.T)[:, chosen].sum(axis=1)
    return float((uncertainty(opinions) * (np.log1p(after) - np.log1p(before))).sum())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_the_first_parts_are_worth_nearly_as_much_as_the_best(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    opinions = rng.dirichlet(np.full(4, 0.4), 7).astype(np.float32)
    known = rng.integers(0, 5, 4).astype(np.float32)
    places = tuple(in_order_of_use(opinions, known, 7))
    assert sorted(places) == list(range(7))
    worths = {chosen: _worth(opinions, known, chosen) for chosen in combinations(range(7), size)}
    assert worths[tuple(sorted(places[:size]))] >= (1 - 1 / np.e) * max(worths.values()) - 1e-5
    if size == 1:
        assert worths[places[:1]] >= max(worths.values()) - 1e-5
