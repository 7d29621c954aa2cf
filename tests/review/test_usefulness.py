"""The order of review: doubt that is shared by many comes first, and the same doubt not twice."""

from itertools import combinations, pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rig.review.usefulness import Opinions, in_order_of_use, uncertainty


def _opinions(*rows: tuple[float, ...]) -> Opinions:
    return np.array(rows, np.float32)


def test_uncertainty_is_0_where_the_model_is_sure_and_1_where_it_knows_nothing() -> None:
    rows = _opinions((1, 0, 0, 0), (0.5, 0.5, 0, 0), (0.25, 0.25, 0.25, 0.25))
    np.testing.assert_allclose(uncertainty(rows), (0, 0.5, 1), atol=1e-6)


def test_a_doubt_of_many_comes_before_a_doubt_of_one_and_the_sure_come_last() -> None:
    of_many = [(0.5, 0.5, 0, 0)] * 3
    of_one, sure = (0.0, 0.0, 0.5, 0.5), (0.0, 0.0, 0.0, 1.0)
    order = in_order_of_use(_opinions(sure, of_one, *of_many), 5)
    assert [place for place, _ in order][:2] == [2, 1]
    np.testing.assert_allclose(order[0][1], 3 * order[1][1], rtol=1e-5)
    # The others of the three say nothing new.
    np.testing.assert_allclose([gain for _, gain in order[2:]], 0, atol=1e-6)


def test_none_are_ordered_and_no_more_than_there_are() -> None:
    assert [place for place, _ in in_order_of_use(_opinions((0.5, 0.5)), 3)] == [0]
    assert in_order_of_use(np.empty((0, 4), np.float32), 3) == []


def _worth(opinions: Opinions, chosen: tuple[int, ...]) -> float:
    roots = np.sqrt(opinions.astype(np.float64))
    return float((uncertainty(opinions) * (roots @ roots.T)[:, chosen].max(axis=1)).sum())


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_the_first_parts_are_worth_nearly_as_much_as_the_best(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    opinions: NDArray[np.float32] = rng.dirichlet(np.full(4, 0.4), 7).astype(np.float32)
    order = in_order_of_use(opinions, 7)
    places = tuple(place for place, _ in order)
    gains = [gain for _, gain in order]
    assert sorted(places) == list(range(7))
    assert all(later <= earlier + 1e-5 for earlier, later in pairwise(gains))
    best = max(_worth(opinions, chosen) for chosen in combinations(range(7), size))
    assert _worth(opinions, places[:size]) >= (1 - 1 / np.e) * best - 1e-5
    np.testing.assert_allclose(sum(gains[:size]), _worth(opinions, places[:size]), rtol=1e-4)
