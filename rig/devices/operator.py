"""The hand that puts parts on the table: a person's, or the simulator's own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from rig.catalog import COLOURS, ColourCode, PartNumber


@dataclass(frozen=True)
class Subject:
    """A brick to be captured, as far as the user has said which.

    Attributes:
        part: the mould.
        colour: LDraw colour code.
        physical_part: an id of this very brick.
        pose_names: what its poses are called, in their order; later ones have no name.
        seed: what a simulated hand draws everything else from.
    """

    part: PartNumber
    colour: ColourCode | None = None
    physical_part: str | None = None
    pose_names: tuple[str, ...] = ()
    seed: int = 0

    def pose_name(self, pose: int) -> str | None:
        """What the `pose`-th position (from 0) is called."""
        return self.pose_names[pose] if pose < len(self.pose_names) else None


Ask = Callable[[str], None]
"""Shows a person a sentence, and returns when the person has done what it says."""

Reference = Literal["white", "grey"]
"""A sheet of white paper, or a photographer's grey card, which reflects 18 % of the light."""


@dataclass(frozen=True)
class Placement:
    """What lies on the table, as far as user and operator can say.

    Attributes:
        part: the mould.
        colour: LDraw colour code, None when nobody said.
        physical_part: an id of this very brick, None when nobody said.
    """

    part: PartNumber
    colour: ColourCode | None = None
    physical_part: str | None = None


PieceKind = Literal["sound", "damaged", "foreign", "stuck", "double"]
"""A good part; a broken one; one that is not among those that the pile was said to hold; two in one; two that
came at once."""


@dataclass(frozen=True)
class Truth:
    """What really lies on the table.

    Attributes:
        part: its number; of two both, with a plus between them.
    """

    part: str
    kind: PieceKind


Outcome = Literal["in_bin", "bounced", "missed", "stayed"]
"""Lies in a bin; sprang out of it; fell where no bin is; lies on the table, or was taken away by hand."""


@dataclass(frozen=True)
class Fate:
    """What really became of a piece of the pile.

    Attributes:
        number: its place in the pile, from 0.
        truth: what it is.
        colour: LDraw colour code.
        laid_s: when it came to lie on the table, on the machine's clock.
        pushes: how many sweeps or puffs of air it met.
        left_s: when it left the table; None when it stayed.
        outcome: how its way ended, as far as it has.
        bin_name: the bin that it lies in, or sprang out of.
    """

    number: int
    truth: Truth
    colour: ColourCode
    laid_s: float
    pushes: int
    left_s: float | None
    outcome: Outcome
    bin_name: str | None


class Operator(Protocol):
    """Whoever feeds the table."""

    def check(self, subject: Subject) -> None:
        """Refuse what can never be laid on this table.

        Raises:
            BadInput: there is no such part, colour or pose here.
        """
        ...

    def place(self, subject: Subject, *, pose: int) -> Placement:
        """Have a brick laid on the empty table for capture, in its `pose`-th position (from 0).

        Raises:
            BadInput: as `check`.
        """
        ...

    def lay_mark(self, example: PartNumber) -> None:
        """Have something laid on the empty table that shows how far it turns, such as one part `example`."""
        ...

    def lay_reference(self, reference: Reference) -> None:
        """Have a plain sheet laid on the empty table, by which light and colours are measured."""
        ...

    def clear_table(self) -> None:
        """Have everything taken off the table."""
        ...

    def pour(self, parts: Sequence[PartNumber]) -> None:
        """Have a mixed pile made ready, from which parts come one by one; `parts` is what it may hold."""
        ...

    def feed(self) -> None:
        """Have the next part of the pile laid on the empty table."""
        ...

    def clear_jam(self) -> None:
        """Have the way off the table freed, where a part did not leave it."""
        ...

    def mend_light(self) -> None:
        """Have the lamp seen to."""
        ...

    def empty_bin(self, name: str) -> None:
        """Have a full bin emptied."""
        ...

    def truth(self) -> Truth | None:
        """What really lies on the table; None where nobody can know."""
        ...

    def fates(self, since: int) -> Sequence[Fate]:
        """What became of the pieces so far, the first `since` left out; none where nobody can know."""
        ...


class HumanOperator:
    """A person, asked in sentences."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def check(self, subject: Subject) -> None:
        """A person finds any part."""

    def place(self, subject: Subject, *, pose: int) -> Placement:
        name = subject.pose_name(pose)
        if pose == 0:
            side = f", {name}" if name else ""
            self._ask(f"Lay {_described(subject)} in the middle of the table{side}")
        else:
            side = name or "on a side that it has not lain on"
            self._ask(f"Turn the same part {subject.part}: {side} (pose {pose + 1})")
        return Placement(subject.part, subject.colour, subject.physical_part)

    def lay_mark(self, example: PartNumber) -> None:
        self._ask(f"Lay any part, such as {example}, off the middle of the table, or a printed marker on it")

    def lay_reference(self, reference: Reference) -> None:
        sheet = "a sheet of white paper" if reference == "white" else "the grey card"
        self._ask(f"Lay {sheet} flat on the middle of the table")

    def clear_table(self) -> None:
        self._ask("Take everything off the table")

    def pour(self, parts: Sequence[PartNumber]) -> None:
        """The pile is ready when the person says that sorting shall begin; the first part is waited for."""

    def feed(self) -> None:
        self._ask("Lay the next part on the table")

    def clear_jam(self) -> None:
        self._ask("Free the way off the table; leave the part there to have it pushed again, or take it away")

    def mend_light(self) -> None:
        self._ask("See to the lamp over the table")

    def empty_bin(self, name: str) -> None:
        self._ask(f"Empty bin {name}, which is full")

    def truth(self) -> Truth | None:
        return None

    def fates(self, since: int) -> Sequence[Fate]:
        return ()


def _described(subject: Subject) -> str:
    """The brick in words."""
    colour = COLOURS.get(subject.colour) if subject.colour is not None else None
    words = [f"one part {subject.part}"]
    if subject.colour is not None:
        words.append(f"in {colour.name}" if colour else f"in colour {subject.colour}")
    if subject.physical_part is not None:
        words.append(f"({subject.physical_part})")
    return " ".join(words)
