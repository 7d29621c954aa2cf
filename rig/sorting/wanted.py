"""Which parts of a list are still missing, while sorting mode finds them one by one."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from rig.catalog import ColourCode, PartNumber
from rig.inventory.lots import Lot


class WantedList:
    """A list of wanted parts, and what is there of them, counted as `rig.inventory.progress` does.

    Args:
        lots: what the list asks for; of any colour where a lot has none.
        stock: what is there already; without a colour where nobody was sure of it.
    """

    def __init__(self, lots: Iterable[Lot], stock: Iterable[Lot] = ()) -> None:
        self._wanted: defaultdict[PartNumber, Counter[ColourCode | None]] = defaultdict(Counter)
        self._have: defaultdict[PartNumber, Counter[ColourCode | None]] = defaultdict(Counter)
        for lot in lots:
            self._wanted[lot.part][lot.colour] += lot.quantity
        for lot in stock:
            self._have[lot.part][lot.colour] += lot.quantity

    @property
    def parts(self) -> frozenset[PartNumber]:
        """The part numbers that it names, missing or not."""
        return frozenset(self._wanted)

    def names(self, part: PartNumber, colour: ColourCode | None) -> bool:
        """Whether such a part is on the list at all, in this colour or in any."""
        wanted = self._wanted.get(part, Counter())
        return None in wanted or (colour is not None and colour in wanted)

    def misses(self, part: PartNumber, colour: ColourCode | None) -> bool:
        """Whether one more part of a colour, None where nobody is sure of it, fills a gap."""
        wanted, have = self._wanted.get(part), self._have[part]
        if wanted is None:
            return False
        if colour is not None and have[colour] < wanted[colour]:
            return True
        left_over = sum(max(0, count - wanted[of]) for of, count in have.items() if of is not None)
        return left_over + have[None] < wanted[None]

    def found(self, part: PartNumber, colour: ColourCode | None) -> None:
        """One more part is there."""
        self._have[part][colour] += 1
