"""Plans: no tree touches fewer parts, each pass can be carried out, and a thousand classes will do."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.catalog import PartNumber
from rig.errors import BadInput
from rig.sorting.planning import (
    BinContent,
    Plan,
    Source,
    catalogue_order,
    chunked_plan,
    optimal_plan,
)

BINS = ("a", "b", "c", "d")


def _counts(*parts: int) -> dict[PartNumber, int]:
    return {PartNumber(str(3001 + place)): count for place, count in enumerate(parts)}


def _splits(classes: Sequence[int], ways: int) -> Iterator[list[list[int]]]:
    """Every way to part classes into at most so many heaps that are not empty."""
    if not classes:
        yield []
        return
    first, *others = classes
    for heaps in _splits(others, ways):
        for place in range(len(heaps)):
            yield [*heaps[:place], [first, *heaps[place]], *heaps[place + 1 :]]
        if len(heaps) < ways:
            yield [[first], *heaps]


def _best(counts: Sequence[int], ways: int) -> tuple[int, int]:
    """The fewest touches, and the fewest passes of any tree that has them, by trying all trees."""

    @cache
    def best(classes: tuple[int, ...]) -> tuple[int, int]:
        below = [
            [best(tuple(heap)) for heap in heaps if len(heap) > 1]
            for heaps in _splits(classes, ways)
            if len(heaps) > 1
        ]
        touches, passes = min((sum(t for t, _ in each), sum(p for _, p in each)) for each in below)
        return touches + sum(counts[place] for place in classes), passes + 1

    return best(tuple(range(len(counts))))


_small = st.lists(st.integers(0, 30), min_size=2, max_size=6)


@given(_small, st.integers(2, 4))
def test_no_tree_touches_fewer_parts_nor_has_fewer_passes(parts: list[int], ways: int) -> None:
    plan = optimal_plan(_counts(*parts), BINS[:ways])
    assert (plan.touches, len(plan.passes)) == _best(parts, ways)


@given(_small, st.integers(2, 4))
def test_the_peer_is_a_plan_as_well_and_never_better(parts: list[int], ways: int) -> None:
    plan = chunked_plan(_counts(*parts), BINS[:ways])
    _require_carried_out(plan)
    assert plan.touches >= optimal_plan(_counts(*parts), BINS[:ways]).touches


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60), st.integers(2, 4))
def test_who_follows_a_plan_ends_with_each_class_alone(parts: list[int], ways: int) -> None:
    plan = optimal_plan(_counts(*parts), BINS[:ways])
    _require_carried_out(plan)
    assert len(plan.passes) == max(1, ceil((len(parts) - 1) / (ways - 1)))


def _require_carried_out(plan: Plan) -> None:
    """Feed heap after heap, one class at a time, as a person would."""
    heaps: dict[Source | None, set[PartNumber]] = {None: set(plan.counts)}
    finished: set[PartNumber] = set()
    touches: Counter[PartNumber] = Counter()
    most = 0
    for number, each in enumerate(plan.passes, 1):
        assert each.number == number
        fed = heaps.pop(each.source)
        touches.update(fed)
        assert sorted(part for content in each.bins for part in content.classes) == sorted(fed)
        assert len({content.bin_name for content in each.bins} & set(plan.bins)) == len(each.bins)
        for content in each.bins:
            assert content.parts == sum(plan.counts[part] for part in content.classes)
            if content.next_pass is None:
                finished.update(content.classes)
                assert len(content.classes) == 1
            else:
                heaps[Source(number, content.bin_name)] = set(content.classes)
                assert plan.passes[content.next_pass - 1].source == Source(number, content.bin_name)
        most = max(most, len(heaps))
    assert (heaps, finished) == ({}, set(plan.counts))
    assert plan.touches == sum(plan.counts[part] * times for part, times in touches.items())
    assert plan.most_waiting == most


def test_classes_that_fit_into_the_bins_take_one_pass() -> None:
    plan = optimal_plan(_counts(5, 0, 7), BINS)
    assert [content.bin_name for content in plan.passes[0].bins] == ["a", "b", "c"]
    assert (len(plan.passes), plan.touches, plan.touches_a_part, plan.most_waiting) == (1, 12, 1.0, 0)


def test_a_single_class_is_told_from_what_belongs_nowhere() -> None:
    plan = optimal_plan(_counts(5), BINS[:1])
    assert (len(plan.passes), plan.touches) == (1, 5)


def test_frequent_classes_are_finished_first() -> None:
    plan = optimal_plan(_counts(1, 1, 50, 1, 1, 40), BINS[:3])
    assert _finished(plan, 1) == {"3003", "3006"}
    assert plan.touches == 94 + 4 + 2


def _finished(plan: Plan, number: int) -> set[str]:
    return {
        part
        for content in plan.passes[number - 1].bins
        if content.next_pass is None
        for part in content.classes
    }


def test_similar_numbers_share_a_heap_where_that_costs_nothing() -> None:
    families = (("3001", "3002", "3003"), ("3062a", "3062b", "3068"), ("32064", "32316", "32523"))
    mixed = [PartNumber(name) for alike in zip(*families, strict=True) for name in alike]
    first = optimal_plan(dict.fromkeys(mixed, 10), BINS[:3]).passes[0]
    assert tuple(content.classes for content in first.bins) == families


@given(st.permutations([f"{3001 + place}" for place in range(9)]))
def test_the_order_in_which_counts_come_changes_nothing(names: list[str]) -> None:
    shuffled = optimal_plan({PartNumber(name): 4 for name in names}, BINS)
    assert shuffled.passes == optimal_plan({PartNumber(name): 4 for name in sorted(names)}, BINS).passes


def test_a_class_that_nobody_expects_costs_nothing_and_has_its_place() -> None:
    plan = optimal_plan(_counts(9, 9, 9, 0, 0, 0), BINS)
    assert plan.touches == 27
    assert _finished(plan, 1) == {"3001", "3002", "3003"}
    assert _finished(plan, 2) == {"3004", "3005", "3006"}


def test_a_class_is_finished_in_its_own_bin() -> None:
    homes = {PartNumber("3001"): "c", PartNumber("3002"): "a", PartNumber("3003"): "no such bin"}
    [only] = optimal_plan(_counts(1, 1, 1), BINS[:3], homes).passes
    assert [(content.bin_name, *content.classes) for content in only.bins] == [
        ("a", "3002"),
        ("b", "3003"),
        ("c", "3001"),
    ]


def test_heaps_are_parted_to_the_end_one_by_one() -> None:
    plan = optimal_plan(_counts(*[1] * 27), BINS[:3])
    sources = [each.source and (each.source.pass_number, each.source.bin_name) for each in plan.passes]
    assert sources[:6] == [None, (1, "a"), (2, "a"), (2, "b"), (2, "c"), (1, "b")]
    assert plan.most_waiting == 5


@pytest.mark.parametrize(("parts", "emptyings"), [(0, 0), (1, 0), (100, 0), (101, 1), (300, 2), (301, 3)])
def test_a_bin_that_overflows_is_emptied_meanwhile(parts: int, emptyings: int) -> None:
    assert BinContent("a", (PartNumber("3001"),), parts, None).emptyings(100) == emptyings


def test_part_numbers_are_ordered_as_in_a_catalogue() -> None:
    names = ["32064", "3001", "3068bpr0001", "3001a", "973", "x12", "3068b"]
    assert sorted(map(PartNumber, names), key=catalogue_order) == [
        "973",
        "3001",
        "3001a",
        "3068b",
        "3068bpr0001",
        "32064",
        "x12",
    ]


@pytest.mark.parametrize("ways", [2, 18])
@pytest.mark.parametrize("parts", [0, 7])
def test_a_thousand_classes_will_do(parts: int, ways: int) -> None:
    """Also where none is expected: no tree is so deep that Python gives up on it."""
    bins = [f"{place}" for place in range(ways)]
    for plan in (optimal_plan, chunked_plan):
        _require_carried_out(plan(_counts(*[parts] * 1000), bins))


def test_too_few_bins_or_classes_are_one_clear_error() -> None:
    with pytest.raises(BadInput, match="one bin cannot tell 2 classes apart"):
        optimal_plan(_counts(1, 1), BINS[:1])
    with pytest.raises(BadInput, match="no bin beside the reject bin"):
        optimal_plan(_counts(1), ())
    with pytest.raises(BadInput, match="no class to plan for"):
        optimal_plan({}, BINS)
