"""Split by group, that is by session and physical part, never by image.

Neighbouring views of one part are near-copies of each other: whoever tests on them measures memory.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rig.errors import BadInput

Sizes = Mapping[str, Mapping[str, int]]
"""Number of images of each group, by label: `sizes[label][group]`."""


@dataclass(frozen=True)
class Partition:
    """Group keys by use; together they are all groups, and none is in two."""

    trained: tuple[str, ...]
    validated: tuple[str, ...]
    tested: tuple[str, ...]


def group_sizes(labels: Iterable[str], groups: Iterable[str]) -> dict[str, dict[str, int]]:
    """Count the images of each group, given label and group key of every image."""
    sizes: dict[str, dict[str, int]] = {}
    for label, group in zip(labels, groups, strict=True):
        of_label = sizes.setdefault(label, {})
        of_label[group] = of_label.get(group, 0) + 1
    return sizes


def untestable(sizes: Sizes) -> tuple[str, ...]:
    """Labels with a single group: it must train, so nothing is left to test or validate on."""
    return tuple(sorted(label for label, groups in sizes.items() if len(groups) < 2))


def deal_folds(sizes: Sizes, folds: int) -> list[Partition]:
    """Deal the groups of each class to the folds; the k-th partition tests the k-th hand and trains the rest.

    No folds, no partitions.

    Large groups are dealt first, and each class begins with another fold, so that the hands get even. A class
    with one group trains in every fold.

    Raises:
        BadInput: no class has two groups, or there is one fold or fewer than none.
    """
    if folds == 0:
        return []
    if folds < 2:
        raise BadInput(f"{folds} folds cannot be dealt", hint="use 2 or more, or 0 for none")
    testable = [label for label in sorted(sizes) if len(sizes[label]) >= 2]
    if not testable:
        raise BadInput(
            "every class has a single physical part and session, so folds cannot be tested",
            hint="capture each part twice, with another brick or in another session, or train with --folds 0",
        )
    hands: list[set[str]] = [set() for _ in range(folds)]
    for turn, label in enumerate(testable):
        for place, group in enumerate(_by_size(sizes[label], largest_first=True)):
            hands[(turn + place) % folds].add(group)
    return [_partition(sizes, tested=hand, least_groups=3) for hand in hands if hand]


def hold_out(sizes: Sizes, *, least_groups: int) -> Partition:
    """Validate on the smallest group of each class that has at least `least_groups`, train on the rest."""
    return _partition(sizes, tested=set(), least_groups=least_groups)


def _partition(sizes: Sizes, *, tested: set[str], least_groups: int) -> Partition:
    trained, validated = [], []
    for label in sorted(sizes):
        left = [group for group in _by_size(sizes[label], largest_first=False) if group not in tested]
        spare = 1 if len(left) >= least_groups else 0
        validated += left[:spare]
        trained += left[spare:]
    return Partition(tuple(sorted(trained)), tuple(sorted(validated)), tuple(sorted(tested)))


def _by_size(groups: Mapping[str, int], *, largest_first: bool) -> list[str]:
    return sorted(groups, key=lambda group: (-groups[group] if largest_first else groups[group], group))
