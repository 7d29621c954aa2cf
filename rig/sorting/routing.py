"""Which bin a part belongs in, by its number, its category, its colour, and what is still wanted."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from rig.bin_config import BinConfig, Rule
from rig.catalog import ColourCode, PartNumber
from rig.devices.operator import Truth
from rig.errors import BadInput, ConfigError
from rig.inventory.categories import BUILT_IN, read_categories
from rig.inventory.colours import colour_name
from rig.inventory.formats import read_list
from rig.inventory.lots import Lot
from rig.sorting.planning import shortened
from rig.sorting.wanted import WantedList
from rig.vision.palette import palette

_HOW_TO_HOUSE = (
    "add each to the `parts` of a [[bins]] without colours, or give one bin `rest = true`; the reject bin may"
    " be that"
)


class Routing:
    """The bins of rig.toml, asked by part and colour.

    A bin takes what meets all conditions of its rule. Of several, the one of the highest priority does; of
    those, the first in rig.toml; and of those with the very same rule, the first that is not full.

    Args:
        bins: all bins; `rig.bin_config.check_rules` has been passed.
        reject_bin: name of the bin for parts that nobody was sure of.
        return_bin: name of the bin for what was never classified and is fed again; the reject bin if None.
        categories: of the parts; None for a table of those that the simulator knows.
        wanted: the lists that the bins name.

    Attributes:
        bins: all of them.
    """

    def __init__(
        self,
        bins: Sequence[BinConfig],
        reject_bin: str,
        return_bin: str | None = None,
        *,
        categories: Mapping[PartNumber, str] | None = None,
        wanted: Mapping[Path, WantedList] | None = None,
    ) -> None:
        known = BUILT_IN if categories is None else categories
        self._categories = {part: category.casefold() for part, category in known.items()}
        self._wanted = dict(wanted or {})
        self.bins = tuple(bins)
        by_name = {bin_.name: bin_ for bin_ in bins}
        self._reject = by_name[reject_bin]
        self.return_bin = by_name[return_bin or reject_bin]
        # Sorting keeps the order of rig.toml among equals.
        ruled = sorted(
            (bin_ for bin_ in bins if bin_.rule.takes_something), key=lambda bin_: -bin_.rule.priority
        )
        self._bins_of: dict[Rule, list[BinConfig]] = {}
        for bin_ in ruled:
            self._bins_of.setdefault(bin_.rule, []).append(bin_)
        _require_known_categories(bins, frozenset(known.values()))

    def check(self, labels: Iterable[str]) -> None:
        """See that every part a model can name has a bin, whatever its colour and whatever is wanted.

        Raises:
            ConfigError: some have none; names them.
        """
        homeless = [label for label in labels if not self._always_has_a_bin(PartNumber(label))]
        if homeless:
            raise ConfigError(
                f"the model names parts that have no bin: {', '.join(homeless)}", hint=_HOW_TO_HOUSE
            )

    def remarks(self, labels: Collection[str]) -> list[str]:
        """What will never come into a bin that asks for it, in whole sentences.

        Args:
            labels: what the model can name.
        """
        found = []
        for path, wanted in self._wanted.items():
            if unknown := sorted(wanted.parts.difference(labels)):
                found.append(f"The model does not know these parts of {path}: {shortened(unknown)}.")
        asked = {colour for rule in self._bins_of for colour in rule.colours}
        if unseen := sorted(asked.difference(palette().codes)):
            names = ", ".join(colour_name(colour) for colour in unseen)
            found.append(f"No part is ever seen to be {names}: only solid colours are told apart.")
        return found

    def bin_for(
        self, part: PartNumber | None, colour: ColourCode | None = None, full: Collection[str] = ()
    ) -> BinConfig:
        """The bin of a part, the reject bin for None.

        Args:
            colour: None where nobody is sure of it; no bin for a colour takes the part then.
            full: names of bins that are full. Where all that have the rule are, the last of them is returned.

        Raises:
            KeyError: the part has no bin, which `check` would have found.
        """
        if part is None:
            return self._reject
        rule = next(self._accepting(part, colour), None)
        if rule is None:
            raise KeyError(part)
        chain = self._bins_of[rule]
        return next((bin_ for bin_ in chain if bin_.name not in full), chain[-1])

    def took(self, part: PartNumber | None, colour: ColourCode | None, target: BinConfig) -> None:
        """A part went into a bin: one less is missing of its list, or of all that want it where it has none.

        What nobody could name does not count.
        """
        if part is None:
            return
        for path, wanted in self._wanted.items():
            if target.wanted in (None, path):
                wanted.found(part, colour)

    def right_bin_for(self, truth: Truth, colour: ColourCode, lies_in: str | None = None) -> BinConfig:
        """Where a piece of a pile belongs; what nobody could name, foreign or two in one, in the reject bin.

        Args:
            colour: its true one.
            lies_in: the bin that it lies in. Where it may lie in several, since they have the same rule or
                since it depends on how much was wanted at that time, this is right if it is one of them.

        Raises:
            KeyError: as `bin_for`.
        """
        if truth.kind in ("foreign", "stuck", "double"):
            return self._reject
        part = PartNumber(truth.part)
        right: list[BinConfig] = []
        for rule, bins in self._bins_of.items():
            if self._meets(rule, part, colour, ever=True):
                right += bins
                if rule.wanted is None:
                    break
        if not right:
            raise KeyError(part)
        return next((bin_ for bin_ in right if bin_.name == lies_in), right[0])

    def _always_has_a_bin(self, part: PartNumber) -> bool:
        return any(rule.wanted is None for rule in self._accepting(part, None))

    def _accepting(self, part: PartNumber, colour: ColourCode | None) -> Iterator[Rule]:
        """The rules that take the part, that of the highest priority first."""
        return (rule for rule in self._bins_of if self._meets(rule, part, colour))

    def _meets(self, rule: Rule, part: PartNumber, colour: ColourCode | None, *, ever: bool = False) -> bool:
        """Whether a part meets all conditions; `ever`: or did while more was wanted."""
        if rule.parts and part not in rule.parts:
            return False
        if rule.categories and self._categories.get(part) not in rule.categories:
            return False
        if rule.colours and colour not in rule.colours:
            return False
        if rule.wanted is None:
            return True
        wanted = self._wanted[rule.wanted]
        return wanted.names(part, colour) if ever else wanted.misses(part, colour)


def read_routing(
    bins: Sequence[BinConfig],
    reject_bin: str,
    return_bin: str | None,
    categories_file: Path | None,
    stock: Callable[[frozenset[str]], Sequence[Lot]],
) -> tuple[Routing, list[str]]:
    """The bins of rig.toml, with the files that they need.

    Args:
        categories_file: of the parts; None for the table of those that the simulator knows.
        stock: gives what is there already of what may be wanted, in all bins but some. What lies in the bin
            of a list is no other's.

    Returns:
        The routing, and what of the wanted lists was left out, in whole sentences.

    Raises:
        BadInput: a file cannot be read or used.
        ConfigError: there is no such category.
    """
    wanted: dict[Path, WantedList] = {}
    notes: list[str] = []
    for bin_ in bins:
        if bin_.wanted is None or bin_.wanted in wanted:
            continue
        try:
            reading = read_list(bin_.wanted)
        except BadInput as error:
            raise BadInput(f"the wanted list of bin {bin_.name!r}: {error.what}", hint=error.hint) from error
        others = frozenset(other.name for other in bins if other.wanted not in (None, bin_.wanted))
        wanted[bin_.wanted] = WantedList(reading.lots, stock(others))
        notes += [f"{bin_.wanted}: {note}" for note in reading.notes]
    categories = None if categories_file is None else read_categories(categories_file)
    return Routing(bins, reject_bin, return_bin, categories=categories, wanted=wanted), notes


def _require_known_categories(bins: Sequence[BinConfig], known: frozenset[str]) -> None:
    by_folded = {category.casefold(): category for category in known}
    for bin_ in bins:
        for category in bin_.categories:
            if category.casefold() not in by_folded:
                near = get_close_matches(category.casefold(), by_folded)
                meant = f"did you mean {' or '.join(by_folded[name] for name in near)}?" if near else ""
                raise ConfigError(
                    f"bins: no part is in the category {category!r}, which bin {bin_.name!r} takes",
                    hint=meant or "name a table of parts and their categories: `categories` in [sorting]",
                )
