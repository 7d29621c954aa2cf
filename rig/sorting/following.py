"""One pass of a plan as the machine follows it: which class goes into which bin, and what is fed next."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rig.bin_config import BinConfig
from rig.catalog import ColourCode, PartNumber
from rig.devices.operator import Truth
from rig.errors import BadInput, ConfigError
from rig.sorting.planning import Pass, Plan, shortened
from rig.sorting.routing import Routing


@dataclass(frozen=True)
class FollowedPass:
    """A pass of the plan that was read from `path`; make it with `follow`."""

    path: Path
    plan: Plan
    this: Pass

    @property
    def next(self) -> Pass | None:
        """The pass after it; None for the last."""
        later = self.plan.passes[self.this.number :]
        return later[0] if later else None

    @property
    def fed(self) -> frozenset[PartNumber]:
        """The classes that it feeds."""
        return frozenset(part for content in self.this.bins for part in content.classes)

    def unplanned(self, labels: Iterable[str]) -> list[str]:
        """Those of a model's labels that the plan has no place for: their parts are rejected."""
        return [label for label in labels if label not in self.plan.counts]


def follow(path: Path, plan: Plan, number: int) -> FollowedPass:
    """The `number`-th pass of a plan.

    Raises:
        BadInput: it has no such pass.
    """
    if not 1 <= number <= len(plan.passes):
        raise BadInput(
            f"{path} has no pass {number}: its last is pass {len(plan.passes)}", hint="such as: --pass 1"
        )
    return FollowedPass(path, plan, plan.passes[number - 1])


class PassRouting(Routing):
    """The bins of a pass in place of those that rig.toml has for each part.

    Args:
        bins: all bins of rig.toml.
        reject_bin: name of the bin for parts that nobody was sure of, or that the pass does not feed.

    Raises:
        ConfigError: rig.toml lacks a bin of the pass, or means it for rejects.
    """

    def __init__(
        self,
        bins: Sequence[BinConfig],
        reject_bin: str,
        followed: FollowedPass,
        return_bin: str | None = None,
    ) -> None:
        self._followed = followed
        self._fed = followed.fed
        parts = {content.bin_name: content.classes for content in followed.this.bins}
        usable = {bin_.name for bin_ in bins} - {reject_bin, return_bin}
        lacking = [name for name in parts if name not in usable]
        if lacking:
            raise ConfigError(
                f"{followed.path} sorts into bins that rig.toml has not, the reject bin left out:"
                f" {', '.join(lacking)}",
                hint="add [[bins]] of these names to rig.toml, or plan again with: rig plan --out FILE",
            )
        super().__init__(
            [bin_.emptied_of_rules(parts.get(bin_.name, ())) for bin_ in bins], reject_bin, return_bin
        )

    def check(self, labels: Iterable[str]) -> None:
        """See that a model can name every part of the plan.

        Raises:
            ConfigError: it does not know some; names them.
        """
        known = set(labels)
        unknown = [part for part in self._followed.plan.counts if part not in known]
        if unknown:
            raise ConfigError(
                f"{self._followed.path} plans for parts that the model does not know: {shortened(unknown)}",
                hint="plan for the classes of the model with: rig plan --model NAME --out FILE",
            )

    def bin_for(
        self, part: PartNumber | None, colour: ColourCode | None = None, full: Collection[str] = ()
    ) -> BinConfig:
        """The bin of a part in this pass, the reject bin for None and for a part that it does not feed."""
        return super().bin_for(part if part in self._fed else None, colour, full)

    def right_bin_for(self, truth: Truth, colour: ColourCode, lies_in: str | None = None) -> BinConfig:
        """Where a piece belongs in this pass, the reject bin for a part that it does not feed."""
        if truth.part not in self._fed:
            return self.bin_for(None)
        return super().right_bin_for(truth, colour, lies_in)
