"""Lots: so many of one part in one colour, and what comes of reading and writing them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NewType

from rig.catalog import ColourCode, PartNumber

MOST_PARTS = 10_000_000
"""More than this of one part is a slip of the keyboard."""


class Condition(StrEnum):
    """What marketplaces tell apart."""

    NEW = "new"
    USED = "used"


class Format(StrEnum):
    """What lots can be written as."""

    BRICKLINK_UPLOAD = "bricklink-upload"
    BRICKLINK_WANTED = "bricklink-wanted"
    REBRICKABLE = "rebrickable"
    BRICKSTORE = "brickstore"
    CSV = "csv"


@dataclass(frozen=True)
class Lot:
    """So many of one part in one colour.

    Attributes:
        colour: None in a stock: nobody was sure of it; in a list of wanted parts: any will do.
        quantity: from 1 to `MOST_PARTS`.
        condition: None in a stock: not known; in a list of wanted parts: either will do.
    """

    part: PartNumber
    colour: ColourCode | None
    quantity: int
    condition: Condition | None = None


LotKey = NewType("LotKey", tuple[PartNumber, ColourCode | None, Condition | None])
"""What lots that can lie in one box have in common."""


@dataclass(frozen=True)
class Reading:
    """What a file came to.

    Attributes:
        lots: merged, in order.
        notes: what of the file was left out, and why; whole sentences.
    """

    lots: tuple[Lot, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Writing:
    """What lots come to in a format.

    Attributes:
        texts: one file each; several where a service takes only so much at once.
        lots: those that are in them, as far as the format can say it.
        notes: what the format could not say, and what was done about it; whole sentences.
    """

    texts: tuple[str, ...]
    lots: tuple[Lot, ...]
    notes: tuple[str, ...] = ()


def merged(lots: Iterable[Lot]) -> tuple[Lot, ...]:
    """One lot for all of the same part, colour and condition, in order; what is not known comes last."""
    counts: Counter[LotKey] = Counter()
    for lot in lots:
        counts[LotKey((lot.part, lot.colour, lot.condition))] += lot.quantity
    found = (Lot(part, colour, count, condition) for (part, colour, condition), count in counts.items())
    return tuple(sorted(found, key=_order))


def total(lots: Iterable[Lot]) -> int:
    """How many parts there are altogether."""
    return sum(lot.quantity for lot in lots)


def in_condition(lots: Iterable[Lot], condition: Condition) -> tuple[Lot, ...]:
    """The lots, where no condition was known in this one."""
    return merged(lot if lot.condition else replace(lot, condition=condition) for lot in lots)


def _order(lot: Lot) -> tuple[str, bool, int, bool, str]:
    return (lot.part, lot.colour is None, lot.colour or 0, lot.condition is None, lot.condition or "")
