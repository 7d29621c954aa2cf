"""Looks weighed together: what holds for any of them, and how a card keeps what they were worth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from rig.looks import Looks, Trial, fuse

CLASSES = 4


@st.composite
def looks_at_a_part(draw: st.DrawFn) -> NDArray[np.float64]:
    """(looks, classes), each row sums to 1 and none is impossible."""
    row = st.lists(st.floats(0.01, 1), min_size=CLASSES, max_size=CLASSES)
    rows = np.array(draw(st.lists(row, min_size=1, max_size=5)))
    return np.asarray(rows / rows.sum(axis=1, keepdims=True))


@given(looks_at_a_part(), st.floats(0.1, 1), st.randoms())
def test_the_order_of_looks_does_not_matter(
    looks: NDArray[np.float64], weight: float, random: "np.random.Generator"
) -> None:
    together = fuse(looks, weight)
    assert together.sum() == pytest.approx(1)
    shuffled = list(looks)
    random.shuffle(shuffled)
    assert fuse(np.array(shuffled), weight) == pytest.approx(together)


@given(looks_at_a_part())
def test_independent_looks_multiply_and_equal_ones_add_nothing(looks: NDArray[np.float64]) -> None:
    product = looks.prod(axis=0)
    assert fuse(looks, 1.0) == pytest.approx(product / product.sum())
    repeated = np.repeat(looks[:1], len(looks), axis=0)
    assert fuse(repeated, 1 / len(looks)) == pytest.approx(looks[0])


def test_many_parts_are_fused_at_once() -> None:
    looks = np.random.default_rng(1).dirichlet(np.ones(CLASSES), (5, 3))
    assert fuse(looks, 0.6) == pytest.approx(np.stack([fuse(of_one, 0.6) for of_one in looks]))


def test_what_one_look_holds_to_be_impossible_others_may_show() -> None:
    blind, seeing = [0.0, 1.0], [1 - 1e-9, 1e-9]
    together = fuse(np.array([blind, seeing, seeing]), 1.0)
    assert together[0] > 0.99


@given(st.lists(st.tuples(st.integers(0, 10_000), st.booleans()), min_size=2, max_size=2), st.integers(1, 9))
def test_what_is_written_is_read(outcomes: list[tuple[int, bool]], parts: int) -> None:
    sure, right = zip(*((share / 10_000, hit) for share, hit in outcomes), strict=True)
    looks = Looks(weights=(1.0, 0.7), parts=parts, trials=(Trial(sure, right),))
    text = looks.model_dump_json()
    assert Looks.model_validate_json(text) == looks
    assert len(text) < 80, "a trial is a short line of the card"
    assert looks.sure.tolist() == [list(sure)]
    assert looks.right.tolist() == [list(right)]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"weights": (0.9, 0.7)}, "a single look has the weight 1"),
        ({"weights": (1.0,)}, "more looks or fewer"),
        ({"trials": ("0.5000+ 0.6000",)}, r"does not end each look with \+ or -"),
        ({"trials": ("1.5000+ 0.6000-",)}, "less than or equal to 1"),
        ({"trials": ()}, "at least 1"),
    ],
)
def test_what_does_not_fit_together_is_refused(change: dict[str, object], complaint: str) -> None:
    good = {"weights": (1.0, 0.7), "parts": 3, "trials": ("0.5000+ 0.6000-",)}
    assert Looks.model_validate(good).trials == (Trial((0.5, 0.6), (True, False)),)
    with pytest.raises(ValidationError, match=complaint):
        Looks.model_validate(good | change)
