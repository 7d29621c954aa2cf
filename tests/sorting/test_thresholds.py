"""Thresholds: no others would have been cheaper, or have rejected less, on the same held-out parts."""

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.looks import fuse
from rig.sorting.thresholds import (
    Costs,
    HeldOut,
    Rule,
    Verdict,
    cheapest,
    forecast,
    least_rejecting,
    one_threshold,
)

COSTS = Costs(wrong_bin=1.0, reject=0.2, look=0.02)
Trials = list[list[tuple[float, bool]]]


@st.composite
def trials(draw: st.DrawFn, looks: int) -> Trials:
    """A few parts, each looked at so often; some equally sure."""
    look = st.tuples(st.integers(0, 20).map(lambda share: share / 20), st.booleans())
    return draw(st.lists(st.lists(look, min_size=looks, max_size=looks), min_size=1, max_size=8))


def held_out(of: Trials) -> HeldOut:
    columns = np.array(of, float)
    return HeldOut(columns[..., 0], columns[..., 1] > 0, parts=len(of))


def _sorted_at(rules: Sequence[Rule], trial: list[tuple[float, bool]]) -> list[float]:
    """How sure one is of a part when it is sorted; empty where it is rejected."""
    for rule, (sure, _) in zip(rules, trial, strict=True):
        verdict = rule.verdict(sure)
        if verdict is not Verdict.LOOK_AGAIN:
            return [sure] if verdict is Verdict.SORT else []
    return []


def cost(rules: Sequence[Rule], trial: list[tuple[float, bool]], costs: Costs) -> float:
    """Of one part, look by look, if probabilities mean what they say."""
    for number, (rule, (sure, _)) in enumerate(zip(rules, trial, strict=True)):
        verdict = rule.verdict(sure)
        if verdict is Verdict.SORT:
            return number * costs.look + (1 - sure) * costs.wrong_bin
        if verdict is Verdict.REJECT:
            break
    else:
        raise AssertionError("the last rule leaves a part neither sorted nor rejected")
    return number * costs.look + costs.reject


def total(rules: Sequence[Rule], of: Trials, costs: Costs) -> float:
    return sum(cost(rules, trial, costs) for trial in of)


def every_rule(of: Trials, look: int) -> Iterator[Rule]:
    edges = sorted({trial[look][0] for trial in of} | {0.0, 2.0})
    for reject_below, sort_from in combinations_with_replacement(edges, 2):
        yield Rule(sort_from, reject_below)


prices = st.builds(
    Costs,
    wrong_bin=st.just(1.0),
    reject=st.sampled_from([0.05, 0.2, 0.7]),
    look=st.sampled_from([0.0, 0.02, 0.3]),
)


@given(trials(looks=1), prices)
def test_no_threshold_for_one_look_is_cheaper(of: Trials, costs: Costs) -> None:
    (rule,) = cheapest(held_out(of), costs)
    least = min(
        total([other], of, costs) for other in every_rule(of, 0) if other.sort_from == other.reject_below
    )
    assert total([rule], of, costs) == pytest.approx(least)


@given(trials(looks=3), prices)
def test_at_no_look_another_rule_is_cheaper_for_what_may_follow(of: Trials, costs: Costs) -> None:
    rules = cheapest(held_out(of), costs)
    for look in range(3):
        rest = [trial[look:] for trial in of]
        others = every_rule(of, look)
        if look == 2:
            others = (rule for rule in others if rule.sort_from == rule.reject_below)
        least = min(total([other, *rules[look + 1 :]], rest, costs) for other in others)
        assert total(rules[look:], rest, costs) == pytest.approx(least)


def calibrated(count: int, looks: int) -> HeldOut:
    """Parts of two kinds, of which each look tells independently and no more than it claims."""
    rng = np.random.default_rng(3)
    clues = rng.normal(1.0, 1.2, (count, looks)) * 1.4
    said = np.stack((1 / (1 + np.exp(-clues)), 1 / (1 + np.exp(clues))), axis=2)
    fused = np.stack([fuse(said[:, : look + 1], 1.0) for look in range(looks)], axis=1)
    return HeldOut(fused.max(axis=2), fused.argmax(axis=2) == 0, parts=count)


def test_no_three_thresholds_for_two_looks_are_clearly_cheaper() -> None:
    """Chosen all at once, over a grid, and for the parts that really come to the second look."""
    known = calibrated(1000, 2)
    of: Trials = [
        list(zip(sure, right, strict=True))
        for sure, right in zip(known.sure.tolist(), known.right.tolist(), strict=True)
    ]
    grid = np.linspace(0.5, 1.0, 9).tolist()
    joint = min(
        total([Rule(first, again), Rule(last, last)], of, COSTS)
        for first, again, last in product(grid, grid, grid)
        if again <= first
    )
    assert total(cheapest(known, COSTS), of, COSTS) <= 1.01 * joint


def test_another_look_that_is_dear_is_not_taken_and_one_that_is_free_is() -> None:
    known = calibrated(1000, 3)
    looks = [
        forecast(known, cheapest(known, Costs(1.0, 0.2, price))).looks for price in (0.0, 0.02, 0.08, 0.5)
    ]
    assert looks == sorted(looks, reverse=True)
    assert looks[0] > 2
    assert looks[-1] == 1


def test_where_no_held_out_part_was_that_unsure_the_rule_for_one_look_holds() -> None:
    """And nothing is rejected after the first look just because no held-out part was as unsure."""
    sure = np.linspace(0.93, 1.0, 50)
    first, last = cheapest(HeldOut(np.stack((sure, sure), axis=1), np.ones((50, 2), bool), 50), COSTS)
    assert (first.sort_from, last.sort_from) == pytest.approx((0.93, 0.8))
    assert first.verdict(0.5) is Verdict.LOOK_AGAIN
    assert last.verdict(0.5) is Verdict.REJECT


@given(trials(looks=2), st.sampled_from([0.01, 0.2, 0.5]))
def test_no_lower_threshold_meets_the_target(of: Trials, target: float) -> None:
    known = held_out(of)
    rules = least_rejecting(known, target)
    found = {
        threshold: forecast(known, one_threshold(threshold, 2))
        for threshold in {0.0, *(sure for trial in of for sure, _ in trial)}
    }
    meeting = [
        threshold
        for threshold, seen in found.items()
        if seen.error is not None and seen.feared is not None and max(seen.error, seen.feared) <= target
    ]
    if rules is None:
        assert not meeting
    else:
        assert rules[0].sort_from == min(meeting)
        assert forecast(known, rules).rejected == min(found[threshold].rejected for threshold in meeting)


def test_a_few_that_happened_to_go_right_show_no_error_that_is_smaller_than_they_are_sure() -> None:
    lucky = held_out([[(0.97, True)]] * 20 + [[(0.999, True)]] * 20)
    rules = least_rejecting(lucky, 0.01)
    assert rules is not None
    assert rules[0].sort_from == 0.999
    assert least_rejecting(held_out([[(0.97, True)]] * 20), 0.01) is None


@given(trials(looks=3), prices)
def test_the_forecast_counts_what_the_rules_do(of: Trials, costs: Costs) -> None:
    rules = cheapest(held_out(of), costs)
    seen = forecast(held_out(of), rules)
    wrong = rejected = looks = 0
    for trial in of:
        for rule, (sure, right) in zip(rules, trial, strict=True):
            looks += 1
            verdict = rule.verdict(sure)
            if verdict is not Verdict.LOOK_AGAIN:
                rejected += verdict is Verdict.REJECT
                wrong += verdict is Verdict.SORT and not right
                break
    assert seen.rejected == pytest.approx(rejected / len(of))
    assert seen.error == (pytest.approx(wrong / (len(of) - rejected)) if rejected < len(of) else None)
    sure_of = [sure for trial in of for sure in _sorted_at(rules, trial)]
    assert seen.feared == (pytest.approx(1 - sum(sure_of) / len(sure_of)) if sure_of else None)
    assert seen.looks == pytest.approx(looks / len(of))
    assert seen.looks == pytest.approx(1 + seen.goes_on[0] * (1 + seen.goes_on[1]))
