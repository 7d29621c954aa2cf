"""Sorts more classes than there are bins, in several passes that touch as few parts as possible.

In a pass one heap is fed, each of its parts is touched once and dropped into one of N bins. A bin that holds
one class is finished; one that holds several is a heap that a later pass feeds. A class that is finished
after d passes has cost d touches a part, and the bins that it went through, in order, are its code word. No
code word is the beginning of another: the two classes would lie in one heap still, and one of them be called
finished. So a plan is a prefix code over N letters, and the one with the fewest touches is Huffman's (D. A.
Huffman, "A method for the construction of minimum-redundancy codes", Proc. IRE 40, 1952). Nothing is gained
by feeding two heaps together, or by spreading a class over two bins.

Each merge of Huffman's but the first fills all bins, so there are also as few passes as there can be: a pass
turns one heap into N at the most, K heaps need ceil((K - 1) / (N - 1)) passes.

Which classes share a depth is free, as long as each depth keeps its number of them. So those of one depth are
laid out by part number, and similar parts come into the same heap: what a model takes for its neighbour is
told apart in a later pass, from another look.
"""

import heapq
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TypeAlias

from rig.catalog import PartNumber
from rig.errors import BadInput

_DIGITS = re.compile(r"(\d+)")

_Heap: TypeAlias = "PartNumber | tuple[_Heap, ...]"
"""What lies in a bin: one class, or what a later pass parts into these."""


@dataclass(frozen=True)
class Source:
    """A bin in which a pass left several classes."""

    pass_number: int
    bin_name: str


@dataclass(frozen=True)
class Feed:
    """What a pass feeds, None for the whole pile, and which classes it drops into each bin."""

    source: Source | None
    contents: Mapping[str, tuple[PartNumber, ...]]


@dataclass(frozen=True)
class BinContent:
    """What a pass drops into one bin.

    Attributes:
        classes: by part number.
        parts: how many are expected.
        next_pass: the pass that feeds this heap; None where it holds one class and is finished.
    """

    bin_name: str
    classes: tuple[PartNumber, ...]
    parts: int
    next_pass: int | None

    @property
    def goes(self) -> str:
        """What becomes of it after the pass, in words."""
        return "finished" if self.next_pass is None else f"kept for pass {self.next_pass}"

    def emptyings(self, capacity: int) -> int:
        """How often a bin that holds `capacity` parts has to be emptied before the end of the pass."""
        return max(0, -(-self.parts // capacity) - 1)


@dataclass(frozen=True)
class Pass:
    """One heap fed through the machine; `number` counts from 1, `source` is None for the whole pile."""

    number: int
    source: Source | None
    bins: tuple[BinContent, ...]

    @property
    def heap(self) -> str:
        """What it feeds, in words."""
        if self.source is None:
            return "the whole pile"
        return f"what bin {self.source.bin_name} of pass {self.source.pass_number} held"

    @property
    def parts(self) -> int:
        """How many parts it touches, as far as can be expected."""
        return sum(content.parts for content in self.bins)


@dataclass(frozen=True)
class Plan:
    """All passes, in the order in which they are fed.

    Attributes:
        counts: expected parts of each class.
        bins: names of the bins that may be used, the reject bin not among them.
    """

    counts: Mapping[PartNumber, int]
    bins: tuple[str, ...]
    passes: tuple[Pass, ...]

    @property
    def parts(self) -> int:
        """How many parts are expected."""
        return sum(self.counts.values())

    @property
    def touches(self) -> int:
        """How often a part is fed, summed over all of them."""
        return sum(each.parts for each in self.passes)

    @property
    def touches_a_part(self) -> float:
        """On average; 0 where no part is expected."""
        return self.touches / self.parts if self.parts else 0.0

    @property
    def most_waiting(self) -> int:
        """How many heaps stand about at the most, waiting to be fed again."""
        most = waiting = 0
        for each in self.passes:
            waiting -= each.source is not None
            waiting += sum(content.next_pass is not None for content in each.bins)
            most = max(most, waiting)
        return most

    def emptyings(self, capacity: int) -> int:
        """How often bins that hold `capacity` parts have to be emptied in the middle of a pass."""
        return sum(content.emptyings(capacity) for each in self.passes for content in each.bins)


def optimal_plan(
    counts: Mapping[PartNumber, int], bins: Sequence[str], homes: Mapping[PartNumber, str] | None = None
) -> Plan:
    """The plan with the fewest touches; among those, with the fewest passes.

    Classes of which none is expected are put where they cost nothing.

    Args:
        counts: expected parts of each class, 0 or more.
        bins: names of the bins, the reject bin left out.
        homes: bins that classes have of their own, which they get in the pass that finishes them.

    Raises:
        BadInput: there is no class or no bin, or there are several classes and one bin.
    """
    _require_enough(counts, bins)
    tree = _tree(_depths(counts, len(bins)), len(bins))
    return plan_of(counts, bins, list(_feeds(tree, bins, homes or {})))


def chunked_plan(counts: Mapping[PartNumber, int], bins: Sequence[str]) -> Plan:
    """What one would do without thinking, as a peer: by part number, about as many parts into each bin.

    Raises:
        BadInput: as `optimal_plan`.
    """
    _require_enough(counts, bins)
    tree = _chunks(sorted(counts, key=catalogue_order), counts, len(bins))
    return plan_of(counts, bins, list(_feeds(tree, bins, {})))


def plan_of(counts: Mapping[PartNumber, int], bins: Sequence[str], feeds: Sequence[Feed]) -> Plan:
    """The plan that these feeds come to, one after the other."""
    number_of = {feed.source: number for number, feed in enumerate(feeds, 1)}
    passes = tuple(
        Pass(
            number,
            feed.source,
            tuple(
                BinContent(
                    name,
                    classes,
                    sum(counts[part] for part in classes),
                    number_of.get(Source(number, name)),
                )
                for name, classes in feed.contents.items()
            ),
        )
        for number, feed in enumerate(feeds, 1)
    )
    return Plan(counts, tuple(bins), passes)


def catalogue_order(part: PartNumber) -> tuple[list[str | int], str]:
    """A key that sorts part numbers as a catalogue does: 3001, 3001a, 3002, 32064."""
    words = _DIGITS.split(part)
    # Every second one is digits, so that like is compared with like.
    return [int(word) if place % 2 else word for place, word in enumerate(words)], part


def shortened(names: Sequence[str], most: int = 6) -> str:
    """The first few of many names, and how many more there are."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"


def _require_enough(counts: Mapping[PartNumber, int], bins: Sequence[str]) -> None:
    if not counts:
        raise BadInput("there is no class to plan for", hint="say what to expect with --counts or --model")
    if not bins:
        raise BadInput("there is no bin beside the reject bin", hint="add [[bins]] to rig.toml, or --bins N")
    if len(bins) == 1 and len(counts) > 1:
        raise BadInput(
            f"one bin cannot tell {len(counts)} classes apart", hint="it takes two beside the reject bin"
        )


def _depths(counts: Mapping[PartNumber, int], ways: int) -> dict[PartNumber, int]:
    """After how many passes each class is finished: the lengths of Huffman's code words.

    Weights are (parts, classes): between plans of equal touches the one wins in which classes go through
    fewer passes, whether or not any part of them is expected. What was merged earlier comes first among
    equals, which keeps the longest word as short as it can be (E. S. Schwartz, "An optimum encoding with
    minimum longest code and total number of digits", Information and Control 7, 1964).
    """
    classes = sorted(counts, key=catalogue_order)
    heaps = [(counts[part], 1, place, [part]) for place, part in enumerate(classes)]
    heapq.heapify(heaps)
    # A single class is fed as well: it is to be told from what belongs nowhere.
    depths = dict.fromkeys(classes, 1 if len(classes) == 1 else 0)
    serial = len(classes)
    # The first merge leaves a number of heaps of which all others merge `ways` at a time.
    width = 2 + (len(classes) - 2) % (ways - 1) if len(classes) > 1 else 1
    while len(heaps) > 1:
        merged = [heapq.heappop(heaps) for _ in range(width)]
        inside = [part for *_, parts in merged for part in parts]
        for part in inside:
            depths[part] += 1
        heapq.heappush(heaps, (sum(heap[0] for heap in merged), len(inside), serial, inside))
        serial, width = serial + 1, ways
    return depths


def _tree(depths: Mapping[PartNumber, int], ways: int) -> tuple[_Heap, ...]:
    """The tree of these depths in which similar part numbers are neighbours.

    It grows from the bottom: what is finished in a level's passes, by part number, and behind it the heaps
    that go further down, in groups as large as there are bins.
    """
    heaps: list[_Heap] = []
    for depth in range(max(depths.values()), 0, -1):
        finished = sorted((part for part in depths if depths[part] == depth), key=catalogue_order)
        level = [*finished, *heaps]
        heaps = [tuple(level[start : start + ways]) for start in range(0, len(level), ways)]
    [root] = heaps
    assert isinstance(root, tuple)
    return root


def _chunks(classes: Sequence[PartNumber], counts: Mapping[PartNumber, int], ways: int) -> tuple[_Heap, ...]:
    """Runs of classes with about as many parts in each, and those again."""
    if len(classes) <= ways:
        return tuple(classes)
    heaps: list[_Heap] = []
    left = list(classes)
    for bins_left in range(ways, 0, -1):
        size = _fair_size([counts[part] for part in left], bins_left)
        chunk, left = left[:size], left[size:]
        heaps.append(chunk[0] if size == 1 else _chunks(chunk, counts, ways))
    return tuple(heaps)


def _fair_size(parts: Sequence[int], bins_left: int) -> int:
    """How many of the classes that have so many `parts` fill the next of so many bins to a fair share.

    A class goes where more than half of it has room, and each later bin gets one at least.
    """
    most = len(parts) - (bins_left - 1)
    if bins_left == 1:
        return most
    if not any(parts):
        return ceil(len(parts) / bins_left)
    fair = sum(parts) / bins_left
    size, filled = 1, parts[0]
    while size < most and filled + parts[size] / 2 <= fair:
        filled += parts[size]
        size += 1
    return size


def _feeds(tree: tuple[_Heap, ...], bins: Sequence[str], homes: Mapping[PartNumber, str]) -> Iterator[Feed]:
    """Depth first: a heap is parted to the end before its neighbour is fed, so that few stand about."""
    waiting: list[tuple[tuple[_Heap, ...], Source | None]] = [(tree, None)]
    number = 0
    while waiting:
        batch, source = waiting.pop()
        number += 1
        placed = _placed(batch, bins, homes)
        yield Feed(source, {name: _classes(heap) for name, heap in placed.items()})
        waiting += [
            (heap, Source(number, name)) for name, heap in reversed(placed.items()) if isinstance(heap, tuple)
        ]


def _placed(
    batch: tuple[_Heap, ...], bins: Sequence[str], homes: Mapping[PartNumber, str]
) -> dict[str, _Heap]:
    """Which bin each heap goes into: a class into its own where it has one, the others in order."""
    at_home = {homes[heap]: heap for heap in batch if isinstance(heap, str) and homes.get(heap) in bins}
    others = iter([heap for heap in batch if heap not in at_home.values()])
    placed = {name: at_home[name] if name in at_home else next(others, None) for name in bins}
    return {name: heap for name, heap in placed.items() if heap is not None}


def _classes(heap: _Heap) -> tuple[PartNumber, ...]:
    """All classes of a heap, by part number."""
    if isinstance(heap, str):
        return (heap,)
    return tuple(sorted((part for inner in heap for part in _classes(inner)), key=catalogue_order))
