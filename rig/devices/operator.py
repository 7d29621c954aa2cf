"""The hand that puts parts on the table: a person's, or the simulator's own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rig.catalog import ColourCode, PartNumber


@dataclass(frozen=True)
class Placement:
    """What lies on the table, as far as the operator can say.

    Attributes:
        part: the mould.
        colour: LDraw colour code, None when nobody said.
        physical_part: an id of this very brick, None when nobody said.
    """

    part: PartNumber
    colour: ColourCode | None = None
    physical_part: str | None = None


class Operator(Protocol):
    """Whoever feeds the table."""

    def place(self, part: PartNumber, *, pose: int) -> Placement:
        """Have one `part` laid on the empty table for capture, in its `pose`-th position (from 0)."""
        ...

    def lay_mark(self, example: PartNumber) -> None:
        """Have something laid on the empty table that shows how far it turns, such as one part `example`."""
        ...

    def pour(self, parts: Sequence[PartNumber]) -> None:
        """Have a mixed pile made ready, from which parts come one by one; `parts` is what it may hold."""
        ...

    def true_part(self) -> PartNumber | None:
        """What really lies on the table; None where nobody can know."""
        ...


class HumanOperator:
    """A person, asked through `ask`, which shows a sentence and returns when the person has done it."""

    def __init__(self, ask: Callable[[str], None]) -> None:
        self._ask = ask

    def place(self, part: PartNumber, *, pose: int) -> Placement:
        if pose == 0:
            self._ask(f"Lay one part {part} in the middle of the table")
        else:
            self._ask(f"Lay the same part {part} on another side (pose {pose + 1})")
        return Placement(part)

    def lay_mark(self, example: PartNumber) -> None:
        self._ask(f"Lay any part, such as {example}, off the middle of the table, or a printed marker on it")

    def pour(self, parts: Sequence[PartNumber]) -> None:
        self._ask("Get the pile ready; lay one part at a time on the table once the last one is gone")

    def true_part(self) -> PartNumber | None:
        return None
