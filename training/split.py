"""Split by group, that is by session and physical part, never by image.

Neighbouring views of one part are near-copies of each other: whoever tests on them measures memory.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from rig.dataset.reader import SIMULATED, Sample
from rig.errors import BadInput

Sizes = Mapping[str, Mapping[str, int]]
"""Number of images of each group, by label: `sizes[label][group]`."""


@dataclass(frozen=True)
class Partition:
    """Group keys by use; none is in two."""

    trained: tuple[str, ...]
    validated: tuple[str, ...]
    tested: tuple[str, ...]

    def with_all(self, groups: Iterable[str]) -> "Partition":
        """Trained on those of the groups, too, that are not held out."""
        held_out = {*self.validated, *self.tested}
        return replace(self, trained=tuple(sorted({*self.trained, *groups} - held_out)))


def judging_sizes(samples: Sequence[Sample]) -> dict[str, dict[str, int]]:
    """Sizes of the groups that a network may be judged by.

    These are all, but where renders were added to photographs the photographs' alone: a network shall not be
    called good at pictures that nobody is going to show it. A class may be left without a group.
    """
    mixed = len({sample.source == SIMULATED for sample in samples}) == 2
    sizes: dict[str, dict[str, int]] = {sample.label: {} for sample in samples}
    for sample in samples:
        if not mixed or sample.source != SIMULATED:
            of_label = sizes[sample.label]
            of_label[sample.group_key] = of_label.get(sample.group_key, 0) + 1
    return sizes


def untestable(sizes: Sizes) -> tuple[str, ...]:
    """Labels with a single group or none: it must train, so nothing is left to test or validate on."""
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
