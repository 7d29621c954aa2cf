"""What a user wants captured, from the words on a command line or in a row of a list."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from rig.capture.plan import CapturePlan, new_plan
from rig.catalog import ColourCode, PartNumber, colour_code, own_name, part_number
from rig.dataset.layout import Source
from rig.errors import BadField, BadInput

STEPS = 72
POSES = 1
FIELDS = ("part", "colour", "pose", "poses", "physical_part", "steps", "round")
"""What can be said of an order, as text."""

_Value = TypeVar("_Value")
_YES = frozenset({"yes", "y", "true", "1", "x"})
_NO = frozenset({"", "no", "n", "false", "0"})
_APART = re.compile(r"[,\s]+")


@dataclass(frozen=True)
class Order:
    """One brick to be captured; the attributes are those of `CapturePlan`."""

    part: PartNumber
    steps: int
    poses: int
    colour: ColourCode | None
    pose_names: tuple[str, ...]
    physical_part: str | None
    is_round: bool = False

    def plan(
        self, *, microsteps_per_turn: int, source: Source, seed: int | None, sweep: bool = False
    ) -> CapturePlan:
        """Plan its session; arguments as `new_plan`.

        Raises:
            BadField: as `new_plan`.
        """
        return new_plan(
            self.part,
            steps=self.steps,
            poses=self.poses,
            microsteps_per_turn=microsteps_per_turn,
            source=source,
            seed=seed,
            colour=self.colour,
            pose_names=self.pose_names,
            physical_part=self.physical_part,
            sweep=sweep,
            is_round=self.is_round,
        )

    def command(self, *, sweep: bool = False) -> str:
        """What to type in order to capture just this."""
        words = ["rig capture --part", self.part, "--steps", str(self.steps)]
        if self.colour is not None:
            words += ["--colour", str(self.colour)]
        if self.pose_names:
            words += ["--pose", ",".join(self.pose_names)]
        if self.poses != max(POSES, len(self.pose_names)):
            words += ["--poses", str(self.poses)]
        if self.physical_part is not None:
            words += ["--physical-part", self.physical_part]
        if self.is_round:
            words += ["--round"]
        if sweep:
            words += ["--sweep"]
        return " ".join(words)


def read_order(said: Mapping[str, str]) -> Order:
    """Check what was said of an order, by `FIELDS`; what is empty or left out takes its default.

    Names of poses stand in one text, with commas or spaces between them. There are as many poses as names
    unless `poses` says that there are more.

    Raises:
        BadField: something cannot be used; the first that cannot.
    """

    def read(field: str, parse: Callable[[str], _Value]) -> _Value:
        try:
            return parse(said.get(field, "").strip())
        except BadInput as error:
            raise BadField(error.what, field=field, hint=error.hint) from error

    names = read("pose", _pose_names)
    return Order(
        part=read("part", part_number),
        steps=read("steps", _whole_number(STEPS)),
        poses=read("poses", _whole_number(max(POSES, len(names)))),
        colour=read("colour", lambda text: colour_code(text) if text else None),
        pose_names=names,
        physical_part=read("physical_part", lambda text: own_name(text, of="a brick") if text else None),
        is_round=read("round", _yes_or_no),
    )


def _pose_names(text: str) -> tuple[str, ...]:
    return tuple(own_name(name, of="a pose") for name in _APART.split(text) if name)


def _yes_or_no(text: str) -> bool:
    if text.casefold() not in _YES | _NO:
        raise BadInput(f"{text!r} is neither yes nor no", hint="leave it empty for no")
    return text.casefold() in _YES


def _whole_number(default: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            return int(text or default)
        except ValueError:
            raise BadInput(f"{text!r} is not a whole number", hint=f"such as {default}") from None

    return parse
