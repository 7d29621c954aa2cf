"""Split by group, that is by session and physical part, never by image.

Neighbouring views of one part are near-copies of each other: whoever tests on them measures memory. Groups
that share a file are one unit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from rig.dataset.layout import SPLITS
from rig.dataset.reader import SIMULATED, Sample
from rig.dataset.splits import Shares, deal_splits
from rig.errors import BadInput

Sizes = Mapping[str, Mapping[str, int]]
"""Number of images of each group, by label: `sizes[label][group]`."""

_SHARES = Shares(train=0.8, validation=0.1, test=0.1)
_LEAST_GROUPS_TO_TEST = 5
# So many groups, and a tenth of a class is a whole one.
_GROUPS_THAT_SPARE_A_TENTH = 10


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

    def of_groups(self, groups: Iterable[str], unit_of: Mapping[str, str]) -> "Partition":
        """The groups in place of the units that they belong to; a group of no other unit is one itself."""
        members: dict[str, list[str]] = {}
        for group in groups:
            members.setdefault(unit_of.get(group, group), []).append(group)

        def spread(units: Iterable[str]) -> tuple[str, ...]:
            return tuple(sorted(group for unit in units for group in members[unit]))

        return Partition(spread(self.trained), spread(self.validated), spread(self.tested))


@dataclass(frozen=True)
class Stage:
    """A network of a run, and who does what for it.

    Attributes:
        number: of the fold, from 1; 0 is the network that is kept. It tells apart what is drawn for each.
    """

    number: int
    partition: Partition

    @property
    def name(self) -> str:
        """What events, errors and logs call it."""
        return f"fold {self.number}" if self.number else "final"


@dataclass(frozen=True)
class Plan:
    """Which groups do what for which network.

    Attributes:
        folds: of the extra networks, which measure the recipe; each group of a class that has two is tested
            in one of them, or in several where the class has fewer groups than there are folds.
        final: of the network that is kept.
        untestable: labels of which nothing can be held out.
    """

    folds: tuple[Partition, ...]
    final: Partition
    untestable: tuple[str, ...]

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All networks in their order: the folds first, since they cannot know the final one."""
        return (
            *(Stage(number, fold) for number, fold in enumerate(self.folds, start=1)),
            Stage(0, self.final),
        )


def plan(
    samples: Sequence[Sample], folds: int | None, unit_of: Mapping[str, str], *, added: Sequence[Sample] = ()
) -> Plan:
    """Split a dataset.

    Args:
        folds: at least 2, or 0 for none: then the final network itself is tested, where groups suffice. None:
            0 where each class that has two groups has ten, or none has two; else 2.
        unit_of: what groups belong to that must not be torn apart; see `training.pictures.copies`.
        added: samples of groups of their own, which only train.

    Raises:
        BadInput: the folds cannot be dealt.
    """
    sizes = judging_sizes(samples, unit_of)
    single = untestable(sizes)
    if folds is None:
        folds = 0 if _spares_a_tenth(sizes) else 2
    groups = {sample.group_key for sample in (*samples, *added)}
    units = {unit_of.get(group, group) for group in groups}

    def complete(partition: Partition) -> Partition:
        return partition.with_all(units).of_groups(groups, unit_of)

    dealt = deal_folds(sizes, folds)
    return Plan(tuple(map(complete, dealt)), complete(_final(sizes, dealt)), single)


def _final(sizes: Sizes, folds: Sequence[Partition]) -> Partition:
    """What the network that is kept does: as those of the folds do, so that they measure what is kept."""
    if not folds:
        return deal_shares(sizes)
    if all(fold.validated for fold in folds):
        return hold_out(sizes)
    return _partition(sizes, tested=set(), validates=False)


def _spares_a_tenth(sizes: Sizes) -> bool:
    """Whether the network that is kept can be tested itself without missing what it is tested on.

    It is the better judge: what folds measure, temperature and looks, is of networks that have learned less.
    """
    return all(len(groups) < 2 or len(groups) >= _GROUPS_THAT_SPARE_A_TENTH for groups in sizes.values())


def may_judge(samples: Sequence[Sample]) -> list[bool]:
    """Whether a network may be judged by each.

    All may, but where renders were added to photographs the photographs alone: a network shall not be called
    good at pictures that nobody is going to show it.
    """
    mixed = len({sample.source == SIMULATED for sample in samples}) == 2
    return [not mixed or sample.source != SIMULATED for sample in samples]


def judging_sizes(samples: Sequence[Sample], unit_of: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """Sizes of the units that a network may be judged by; a class may be left without one."""
    sizes: dict[str, dict[str, int]] = {sample.label: {} for sample in samples}
    for sample, judges in zip(samples, may_judge(samples), strict=True):
        if judges:
            of_label = sizes[sample.label]
            unit = unit_of.get(sample.group_key, sample.group_key)
            of_label[unit] = of_label.get(unit, 0) + 1
    return sizes


def untestable(sizes: Sizes) -> tuple[str, ...]:
    """Labels with a single group or none: it must train, so nothing is left to test or validate on."""
    return tuple(sorted(label for label, groups in sizes.items() if len(groups) < 2))


def deal_folds(sizes: Sizes, folds: int) -> list[Partition]:
    """Deal the groups of each class to the folds; the k-th partition tests the k-th hand and trains the rest.

    No folds, no partitions.

    Large groups are dealt first, and each class begins with another fold, so that the hands get even. A class
    with fewer groups than there are folds is dealt again from its first one, so that every fold tests every
    class that it can. A class with one group trains in every fold. One group of each class validates, where
    all classes that are tested have three left.

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
        groups = _by_size(sizes[label], largest_first=True)
        for place in range(max(folds, len(groups))):
            hands[(turn + place) % folds].add(groups[place % len(groups)])
    return [_partition(sizes, tested=hand, validates=_are_left(sizes, hand, 3)) for hand in hands]


def deal_shares(sizes: Sizes) -> Partition:
    """Train on about 80 % of each class, validate on 10 % and test on 10 %, as near as groups allow.

    That takes five groups of every class that has two at all: with fewer, what is tested would be missed in
    training, and the rest would be tested on a few classes only. Then nothing is tested, and one group of
    each class validated. A single group trains.
    """
    splittable = {label: groups for label, groups in sizes.items() if len(groups) >= 2}
    if not splittable or min(map(len, splittable.values())) < _LEAST_GROUPS_TO_TEST:
        return hold_out(sizes)
    hands: dict[str, list[str]] = {split: [] for split in SPLITS}
    for groups in sizes.values():
        for group, split in deal_splits(groups, _SHARES, seed=0).items():
            hands[split].append(group)
    return Partition(*(tuple(sorted(hands[split])) for split in SPLITS))


def hold_out(sizes: Sizes) -> Partition:
    """Validate on the smallest group of each class that has two, train on the rest."""
    return _partition(sizes, tested=set(), validates=True)


def _partition(sizes: Sizes, *, tested: set[str], validates: bool) -> Partition:
    """Validate on a group of each class that has two, or on none.

    Nothing in between: whoever chose by some of the classes would choose what is good for those.
    """
    trained, validated = [], []
    for label in sorted(sizes):
        left = [group for group in _by_size(sizes[label], largest_first=False) if group not in tested]
        spare = 1 if validates and len(sizes[label]) >= 2 else 0
        validated += left[:spare]
        trained += left[spare:]
    return Partition(tuple(sorted(trained)), tuple(sorted(validated)), tuple(sorted(tested)))


def _are_left(sizes: Sizes, tested: set[str], least: int) -> bool:
    """Whether so many groups are left of each class that is tested."""
    return all(len(groups.keys() - tested) >= least for groups in sizes.values() if len(groups) >= 2)


def _by_size(groups: Mapping[str, int], *, largest_first: bool) -> list[str]:
    return sorted(groups, key=lambda group: (-groups[group] if largest_first else groups[group], group))
