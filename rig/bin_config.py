"""`[[bins]]`: the bins, how each is reached, and what belongs in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from rig.catalog import ColourCode, PartNumber
from rig.catalog_fields import AnyColour, AnyPart
from rig.section import Section

ChuteAngle = Annotated[float, Field(ge=-3600, le=3600)]
Pin = Annotated[int, Field(ge=0, le=69)]


@dataclass(frozen=True)
class Rule:
    """What belongs in a bin: whatever meets all of these conditions that are there.

    Attributes:
        parts, categories, colours: any of these; no condition where empty.
        wanted: a list of parts, of which this is one that is still missing.
        rest: whatever no other bin takes, without a condition.
        priority: the bin of the higher one takes a part that meets the rules of two.
    """

    parts: frozenset[PartNumber]
    categories: frozenset[str]
    colours: frozenset[ColourCode]
    wanted: Path | None
    rest: bool
    priority: int

    @property
    def takes_something(self) -> bool:
        """Whether there is anything that belongs in the bin."""
        return bool(self.parts or self.categories or self.colours or self.wanted or self.rest)


class BinConfig(Section):
    """`[[bins]]`: a bin, how the actuator reaches it, and what belongs in it; see `Rule`.

    Attributes:
        chute_deg: where a chute finds it.
        jet_pin: the output that opens its air valve.
        gcode: lines that bring the part into it.
        capacity: how many parts it holds before it has to be emptied; None where that is no matter.
        priority: None for what its conditions come to: the more closely they say what, the higher.
    """

    name: str = Field(min_length=1, max_length=64)
    chute_deg: ChuteAngle | None = None
    jet_pin: Pin | None = None
    gcode: tuple[str, ...] = ()
    parts: tuple[AnyPart, ...] = ()
    categories: tuple[str, ...] = ()
    colours: tuple[AnyColour, ...] = ()
    wanted: Path | None = None
    rest: bool = False
    capacity: int | None = Field(default=None, ge=1)
    priority: int | None = Field(default=None, ge=0, le=1000)

    @model_validator(mode="after")
    def _rest_stands_alone(self) -> Self:
        if self.rest and (self.parts or self.categories or self.colours or self.wanted):
            raise ValueError(f"{self.name!r} takes the rest: leave out its other conditions, or rest = true")
        return self

    @property
    def rule(self) -> Rule:
        """What belongs in it."""
        return Rule(
            frozenset(self.parts),
            frozenset(category.casefold() for category in self.categories),
            frozenset(self.colours),
            self.wanted,
            self.rest,
            self._usual_priority if self.priority is None else self.priority,
        )

    def emptied_of_rules(self, parts: Sequence[PartNumber]) -> "BinConfig":
        """The same bin, with nothing but some parts that belong in it."""
        none = {"categories": (), "colours": (), "wanted": None, "rest": False, "priority": None}
        return self.model_copy(update=none | {"parts": tuple(parts)})

    @property
    def _usual_priority(self) -> int:
        if self.wanted:
            return 50
        if self.parts:
            return 40 if self.colours else 30
        if self.colours:
            return 25 if self.categories else 20
        return 10 if self.categories else 0


def homes_of(bins: Sequence[BinConfig]) -> dict[PartNumber, str]:
    """The bin that names each part, where it takes every one of them, whatever its colour."""
    homes: dict[PartNumber, str] = {}
    for bin_ in bins:
        if not (bin_.colours or bin_.categories or bin_.wanted):
            homes |= {part: bin_.name for part in bin_.parts if part not in homes}
    return homes


def check_rules(bins: Sequence[BinConfig]) -> None:
    """See that no two bins claim the same parts with equal right.

    Of bins with the same rule, the next is filled when the one before it is full.

    Raises:
        ValueError: two do, and neither has priority; or a bin comes after one of the same rule that never is
            full.
    """
    ruled = [bin_ for bin_ in bins if bin_.rule.takes_something]
    for one, other in combinations(ruled, 2):
        if one.rule == other.rule:
            if one.capacity is None:
                raise ValueError(
                    f"bins: {_named(one.rule)} is in {one.name!r} and in {other.name!r}: give the first a"
                    " capacity, so that the second takes what comes when it is full"
                )
        elif disputed := _disputed(one.rule, other.rule):
            raise ValueError(
                f"bins: {disputed} is in {one.name!r} and in {other.name!r}: give one of them a priority"
            )


def _disputed(one: Rule, other: Rule) -> str:
    """What both claim with equal right: the same kind of conditions, the same priority; empty where nothing.

    Two lists of wanted parts are no dispute: the first in rig.toml is filled first.
    """
    if one.wanted or other.wanted or one.priority != other.priority:
        return ""
    shared = []
    for name, ours, theirs in (
        ("part", one.parts, other.parts),
        ("category", one.categories, other.categories),
        ("colour", one.colours, other.colours),
    ):
        if bool(ours) != bool(theirs):
            return ""
        if ours:
            both = sorted(str(value) for value in ours & theirs)
            if not both:
                return ""
            shared.append(f"{name} {both[0]}")
    return " in ".join(shared)


def _named(rule: Rule) -> str:
    """A rule in a few words, for errors."""
    if rule.rest:
        return "the rest"
    if rule.wanted:
        return f"the list {rule.wanted}"
    return _disputed(rule, rule)


# One bin each for the ten parts that the simulator knows, around the half circle that a servo reaches.
_SIMULATED_PARTS = ("2456", "3001", "3002", "3003", "3004", "3010", "3039", "32064", "3660", "3701")
DEFAULT_BINS = (
    BinConfig(name="reject", chute_deg=0),
    *(
        BinConfig(name=part, chute_deg=16.0 * (place + 1), parts=(PartNumber(part),))
        for place, part in enumerate(_SIMULATED_PARTS)
    ),
)
