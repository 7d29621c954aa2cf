"""Which bin a part belongs in."""

from collections.abc import Iterable, Sequence

from rig.bin_config import BinConfig
from rig.catalog import PartNumber
from rig.devices.operator import Truth
from rig.errors import ConfigError


class Routing:
    """The bins of rig.toml, asked by part.

    Args:
        bins: all bins.
        reject_bin: name of the bin for parts that nobody was sure of.
    """

    def __init__(self, bins: Sequence[BinConfig], reject_bin: str) -> None:
        self._by_part = {part: bin_ for bin_ in bins for part in bin_.parts}
        self._reject = next(bin_ for bin_ in bins if bin_.name == reject_bin)

    def check(self, labels: Iterable[str]) -> None:
        """See that every part a model can name has a bin.

        Raises:
            ConfigError: some have none; names them.
        """
        homeless = [label for label in labels if label not in self._by_part]
        if homeless:
            raise ConfigError(
                f"the model names parts that have no bin: {', '.join(homeless)}",
                hint="add each to the `parts` of a [[bins]] in rig.toml (rig init writes one)",
            )

    def bin_for(self, part: PartNumber | None) -> BinConfig:
        """The bin of a part, the reject bin for None.

        Raises:
            KeyError: the part has no bin, which `check` would have found.
        """
        return self._reject if part is None else self._by_part[part]

    def right_bin_for(self, truth: Truth) -> BinConfig:
        """Where a piece of a pile belongs; what nobody could name, foreign or stuck, in the reject bin.

        Raises:
            KeyError: as `bin_for`.
        """
        return self.bin_for(None if truth.kind in ("foreign", "stuck") else PartNumber(truth.part))
