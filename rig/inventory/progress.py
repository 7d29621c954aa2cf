"""How much of a wanted list, or of a set, is there already.

A part counts for its own number and colour only. One that is wanted in any colour is filled with what the
others leave over. Parts of a stock whose colour nobody was sure of fill only what may have any colour; where
they could stand for missing ones of a certain colour, that is told apart, as `perhaps`. New and used are not
told apart: the rig cannot see it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from rig.catalog import ColourCode, PartNumber
from rig.inventory.lots import Lot, merged

_Pool = Counter[ColourCode | None]
"""How many of one part there are in each colour."""


@dataclass(frozen=True)
class Row:
    """One wanted lot, and how far it is filled.

    Attributes:
        wanted: as the list has it.
        have: parts that are there, at most as many as wanted.
        perhaps: of the missing ones, how many lie among the parts of unknown colour.
    """

    wanted: Lot
    have: int
    perhaps: int

    @property
    def missing(self) -> int:
        """How many are not there, `perhaps` included."""
        return self.wanted.quantity - self.have


@dataclass(frozen=True)
class Progress:
    """A whole list."""

    rows: tuple[Row, ...]

    @property
    def wanted(self) -> int:
        """How many parts the list asks for."""
        return sum(row.wanted.quantity for row in self.rows)

    @property
    def have(self) -> int:
        """How many of them are there."""
        return sum(row.have for row in self.rows)

    @property
    def perhaps(self) -> int:
        """How many of the missing ones lie among the parts of unknown colour."""
        return sum(row.perhaps for row in self.rows)

    @property
    def share(self) -> float:
        """From 0 to 1; 1 for an empty list."""
        return self.have / self.wanted if self.rows else 1.0

    def missing(self) -> tuple[Lot, ...]:
        """What is not there, as a list of its own."""
        return tuple(replace(row.wanted, quantity=row.missing) for row in self.rows if row.missing)


def progress(
    wanted: Iterable[Lot], stock: Iterable[Lot], aliases: Mapping[PartNumber, PartNumber] | None = None
) -> Progress:
    """Compare a list with what is there; each part is counted once, however often the list asks for it.

    Args:
        aliases: the parts that other numbers stand for.
    """
    lots = merged(wanted)
    pools: defaultdict[PartNumber, _Pool] = defaultdict(Counter)

    def pool_of(part: PartNumber) -> _Pool:
        return pools[(aliases or {}).get(part, part)]

    for lot in stock:
        pool_of(lot.part)[lot.colour] += lot.quantity
    # Lots of a certain colour come first: what may have any must not take their parts away.
    have = {
        lot: _take(pool_of(lot.part), [lot.colour], lot.quantity) for lot in lots if lot.colour is not None
    }
    for lot in lots:
        if lot.colour is None:
            pool = pool_of(lot.part)
            # Of unknown colour last: they could still stand for missing ones of a certain colour.
            colours = sorted(pool, key=lambda colour: (colour is None, colour))
            have[lot] = _take(pool, colours, lot.quantity)
    return Progress(
        tuple(Row(lot, have[lot], _take(pool_of(lot.part), [None], lot.quantity - have[lot])) for lot in lots)
    )


def _take(pool: _Pool, colours: Iterable[ColourCode | None], count: int) -> int:
    """Take up to `count` parts of these colours out of the pool; returns how many there were."""
    taken = 0
    for colour in colours:
        some = min(pool[colour], count - taken)
        pool[colour] -= some
        taken += some
    return taken
