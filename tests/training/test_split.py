"""Groups are never torn apart, and nothing tested has trained."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.dataset.reader import Sample
from rig.errors import BadInput
from training.pictures.split import (
    Partition,
    Sizes,
    deal_folds,
    deal_shares,
    hold_out,
    judging_sizes,
    plan,
    untestable,
)

SIZES = {
    "a": {"a/1": 200, "a/2": 186, "a/3": 4},
    "b": {"b/1": 371, "b/2": 186},
    "c": {"c/1": 248},
}

any_sizes = st.dictionaries(
    st.sampled_from("abcdef"), st.lists(st.integers(1, 300), min_size=1, max_size=5), min_size=2
).map(
    lambda drawn: {
        label: {f"{label}/{k}": size for k, size in enumerate(groups)} for label, groups in drawn.items()
    }
)


def _all_groups(sizes: Sizes) -> list[str]:
    return sorted(group for groups in sizes.values() for group in groups)


def _used(partition: Partition) -> list[str]:
    return sorted((*partition.trained, *partition.validated, *partition.tested))


def _sample(label: str, group: str, source: str) -> Sample:
    return Sample(Path(label) / "1.jpg", label, group, source)


def test_counting() -> None:
    samples = [_sample("a", "1", "camera"), _sample("a", "1", "photo"), _sample("b", "1", "unknown")]
    assert judging_sizes(samples, {}) == {"a": {"a/1": 2}, "b": {"b/1": 1}}
    rendered = [_sample("a", "sim1", "simulated"), _sample("a", "sim2", "simulated")]
    assert judging_sizes(rendered, {}) == {"a": {"a/sim1": 1, "a/sim2": 1}}


def test_renders_among_photographs_train_and_judge_nothing() -> None:
    samples = [
        *(_sample("a", group, "camera") for group in "112"),
        *(_sample(label, f"sim{k}", "simulated") for k in range(3) for label in "ab"),
    ]
    sizes = judging_sizes(samples, {})
    assert sizes == {"a": {"a/1": 2, "a/2": 1}, "b": {}}
    assert untestable(sizes) == ("b",)
    partition = hold_out(sizes).with_all(sample.group_key for sample in samples)
    assert partition.validated == ("a/2",)
    assert partition.trained == ("a/1", "a/sim0", "a/sim1", "a/sim2", "b/sim0", "b/sim1", "b/sim2")
    assert [part.tested for part in deal_folds(sizes, 2)] == [("a/1",), ("a/2",)]


def test_folds_test_every_group_of_a_class_that_has_two() -> None:
    folds = deal_folds(SIZES, 2)
    assert sorted(group for fold in folds for group in fold.tested) == ["a/1", "a/2", "a/3", "b/1", "b/2"]
    assert all("c/1" in fold.trained for fold in folds)
    assert untestable(SIZES) == ("c",)


@given(any_sizes, st.integers(2, 4))
def test_each_fold_uses_every_group_once_and_trains_every_class(sizes: Sizes, count: int) -> None:
    if len(untestable(sizes)) == len(sizes):
        with pytest.raises(BadInput, match="single physical part"):
            deal_folds(sizes, count)
        return
    testable = {label for label, groups in sizes.items() if len(groups) >= 2}
    tested: Counter[str] = Counter()
    for fold in deal_folds(sizes, count):
        assert _used(fold) == _all_groups(sizes)
        assert {group.split("/")[0] for group in fold.trained} == set(sizes)
        assert {group.split("/")[0] for group in fold.tested} == testable
        tested.update(fold.tested)
    for label in testable:
        times = [tested[group] for group in sizes[label]]
        assert min(times) >= 1
        assert max(times) - min(times) <= 1
        assert sum(times) == max(count, len(times))


@given(any_sizes)
def test_validation_takes_the_smallest_spare_group(sizes: Sizes) -> None:
    partition = hold_out(sizes)
    assert _used(partition) == _all_groups(sizes)
    assert partition.tested == ()
    for label, groups in sizes.items():
        mine = [group for group in partition.validated if group in groups]
        assert len(mine) == (1 if len(groups) >= 2 else 0), label
        assert all(groups[group] == min(groups.values()) for group in mine)


@pytest.mark.parametrize(("groups_of_b", "validates"), [(3, False), (4, True)])
def test_a_class_of_each_validates_in_all_networks_or_in_none(groups_of_b: int, validates: bool) -> None:
    """A class of four has three left beside the tested one; a class of one cannot be asked for any."""
    sizes = {"a": 6, "b": groups_of_b, "z": 1}
    samples = _samples({f"{label}/{k}": 3 for label, groups in sizes.items() for k in range(groups)})
    made = plan(samples, 4, {})
    for partition in (*made.folds, made.final):
        validated = [group.split("/")[0] for group in partition.validated]
        assert validated == (["a", "b"] if validates else [])


@pytest.mark.parametrize("folds", [1, -1])
def test_a_single_fold_cannot_be_dealt(folds: int) -> None:
    with pytest.raises(BadInput, match=str(folds)):
        deal_folds(SIZES, folds)


def test_no_folds() -> None:
    assert deal_folds(SIZES, 0) == []


many_groups = st.dictionaries(
    st.sampled_from("abcd"), st.lists(st.integers(1, 300), min_size=5, max_size=30), min_size=2
).map(
    lambda drawn: {
        label: {f"{label}/{k}": size for k, size in enumerate(groups)} for label, groups in drawn.items()
    }
)


@given(many_groups, st.booleans())
def test_with_enough_groups_each_class_is_trained_validated_and_tested(sizes: Sizes, single: bool) -> None:
    sizes = {**sizes, "z": {"z/only": 7}} if single else sizes
    partition = deal_shares(sizes)
    assert _used(partition) == _all_groups(sizes)
    for label, groups in sizes.items():
        hands = [
            set(hand) & set(groups) for hand in (partition.trained, partition.validated, partition.tested)
        ]
        assert [bool(hand) for hand in hands] == ([True, False, False] if label == "z" else [True] * 3)


@given(st.lists(st.integers(10, 30), min_size=30, max_size=60))
def test_shares_are_kept_as_near_as_groups_allow(drawn: list[int]) -> None:
    """No share is off by more than the largest group."""
    sizes = {label: {f"{label}/{k}": size for k, size in enumerate(drawn)} for label in "ab"}
    partition = deal_shares(sizes)
    for hand, share in ((partition.trained, 0.8), (partition.validated, 0.1), (partition.tested, 0.1)):
        images = sum(sizes["a"].get(group, 0) for group in hand)
        assert abs(images - share * sum(drawn)) <= max(drawn)


@given(any_sizes)
def test_where_a_class_has_too_few_groups_nothing_is_tested(sizes: Sizes) -> None:
    sizes = {**sizes, "z": {"z/1": 3, "z/2": 4}}
    assert deal_shares(sizes) == hold_out(sizes)


def _samples(groups: dict[str, int], source: str = "camera") -> list[Sample]:
    return [
        _sample(label, group, source)
        for key, size in groups.items()
        for label, group in [key.split("/")]
        for _ in range(size)
    ]


def test_groups_that_share_a_file_are_on_one_side() -> None:
    samples = _samples({"a/1": 2, "a/2": 5, "a/3": 9, "b/1": 4, "b/2": 4})
    tied = {"a/1": "a/1", "a/3": "a/1"}
    made = plan(samples, 2, tied)
    assert sorted(fold.tested for fold in made.folds) == [("a/1", "a/3", "b/2"), ("a/2", "b/1")]
    for partition in (*made.folds, made.final):
        assert _used(partition) == ["a/1", "a/2", "a/3", "b/1", "b/2"]
    assert plan(samples, 0, tied).final.validated == ("a/2", "b/1")


@pytest.mark.parametrize(("groups_of_b", "folds"), [(9, 2), (10, 0)])
def test_who_has_ten_groups_of_each_class_needs_no_folds(groups_of_b: int, folds: int) -> None:
    """A class of one group can spare nothing in any case."""
    sizes = {"a": 12, "b": groups_of_b, "z": 1}
    samples = _samples({f"{label}/{k}": 3 for label, groups in sizes.items() for k in range(groups)})
    made = plan(samples, None, {})
    assert len(made.folds) == folds
    assert {group.split("/")[0] for group in made.final.tested} == ({"a", "b"} if not folds else set())


def test_a_class_whose_groups_are_all_tied_cannot_be_tested() -> None:
    samples = _samples({"a/1": 2, "a/2": 5, "b/1": 4, "b/2": 4})
    tied = {"a/1": "a/1", "a/2": "a/1"}
    assert plan(samples, None, tied).untestable == ("a",)
    assert plan(samples, None, {}).untestable == ()


def test_renders_only_train_in_any_plan() -> None:
    photographs = _samples({f"{label}/{k}": 3 for label in "ab" for k in range(6)})
    renders = _samples({"a/sim1": 9, "b/sim1": 9}, "simulated")
    for folds in (0, 2, None):
        made = plan([*photographs, *renders], folds, {})
        for partition in (*made.folds, made.final):
            assert {"a/sim1", "b/sim1"} <= set(partition.trained)


@pytest.mark.parametrize("source", ["camera", "simulated"])
def test_what_is_added_only_trains_whatever_it_is_added_to(source: str) -> None:
    own = _samples({f"{label}/{k}": 3 for label in "ab" for k in range(6)}, source)
    added = _samples({"a/added 1": 9, "b/added 1": 9}, "simulated")
    for folds in (0, 2, None):
        alone, made = plan(own, folds, {}), plan(own, folds, {}, added=added)
        for partition, before in zip((*made.folds, made.final), (*alone.folds, alone.final), strict=True):
            assert set(partition.trained) == {*before.trained, "a/added 1", "b/added 1"}
            assert (partition.validated, partition.tested) == (before.validated, before.tested)
