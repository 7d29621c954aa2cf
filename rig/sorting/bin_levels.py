"""How full the bins are, and what belongs in each, in words."""

from collections.abc import Iterator
from dataclasses import dataclass

from rig.bin_config import BinConfig
from rig.config import Config
from rig.inventory.colours import colour_name
from rig.sorting.ledger import Ledger
from rig.sorting.planning import shortened
from rig.sorting_config import SortingConfig


@dataclass(frozen=True)
class BinLevel:
    """A bin.

    Attributes:
        level: parts that lie in it since it was emptied last.
        capacity: how many it holds; None where that is no matter.
        takes: what belongs in it, in words.
    """

    name: str
    level: int
    capacity: int | None
    takes: str


def bin_levels(config: Config) -> list[BinLevel]:
    """All bins, in the order of rig.toml.

    Raises:
        StorageError: the ledger cannot be read.
    """
    # To ask makes no ledger.
    if not (config.ledger / Ledger.FILE_NAME).exists():
        return [_bin_level(bin_, 0, config.sorting) for bin_ in config.bins]
    with Ledger(config.ledger) as ledger:
        return [_bin_level(bin_, ledger.level(bin_.name), config.sorting) for bin_ in config.bins]


def _bin_level(bin_: BinConfig, level: int, sorting: SortingConfig) -> BinLevel:
    return BinLevel(bin_.name, level, bin_.capacity, "; ".join(_contents(bin_, sorting)) or "nothing")


def _contents(bin_: BinConfig, sorting: SortingConfig) -> Iterator[str]:
    conditions = []
    if bin_.parts:
        conditions.append(shortened(bin_.parts))
    if bin_.categories:
        conditions.append(f"of {' or '.join(bin_.categories)}")
    if bin_.colours:
        conditions.append(f"in {' or '.join(colour_name(colour) for colour in bin_.colours)}")
    if bin_.wanted:
        conditions.append(f"what is missing of {bin_.wanted}")
    if conditions:
        yield " ".join(conditions)
    if bin_.rest:
        yield "what no other bin takes"
    if bin_.name == sorting.reject_bin:
        yield "what nobody is sure of"
    if bin_.name == (sorting.return_bin or sorting.reject_bin):
        yield "what is fed again"
