"""What stands in the fields of a list of parts, checked; an error names the file and the line."""

from dataclasses import dataclass

from rig.catalog import PartNumber, part_number
from rig.errors import BadInput
from rig.inventory.lots import MOST_PARTS, Condition


@dataclass(frozen=True)
class Place:
    """Where something was read.

    Attributes:
        source: the file.
        line: from 1.
    """

    source: str
    line: int

    def refusal(self, what: str, *, hint: str) -> BadInput:
        """The error that names this place, to be raised."""
        return BadInput(f"{self.source}, line {self.line}: {what}", hint=hint)


def part(text: str, place: Place) -> PartNumber:
    """A part number.

    Raises:
        BadInput: it is missing, or none.
    """
    if not text:
        raise place.refusal("there is no part number", hint="give it, or delete this part of the list")
    try:
        return part_number(text)
    except BadInput as error:
        raise place.refusal(error.what, hint=error.hint) from error


def quantity(text: str, place: Place, *, least: int = 1) -> int:
    """How many: a whole number from `least` to `MOST_PARTS`.

    Raises:
        BadInput: it is another number, or none.
    """
    number = whole_number(text, place, of="quantity")
    if not least <= number <= MOST_PARTS:
        hint = f"quantities are whole numbers from {least} to {MOST_PARTS}"
        raise place.refusal(f"the quantity {shown(text)} is out of range", hint=hint)
    return number


def whole_number(text: str, place: Place, *, of: str) -> int:
    """A whole number in plain digits, with or without a minus.

    Raises:
        BadInput: it is none, or has more than 18 digits.
    """
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        said = f"the {of} {shown(text)} is not a whole number" if text else f"there is no {of}"
        raise place.refusal(said, hint=f"write the {of} in digits, without separators")
    return int(text)


def condition(text: str, place: Place, codes: dict[str, Condition | None]) -> Condition | None:
    """What a code of a format stands for.

    Raises:
        BadInput: it is none of the codes.
    """
    if text not in codes:
        allowed = ", ".join(code for code in codes if code)
        raise place.refusal(f"{shown(text)} is no condition of a part", hint=f"use one of: {allowed}")
    return codes[text]


def shown(text: str) -> str:
    """A field as an error shows it: in quotes, and not pages of it."""
    return repr(text if len(text) <= 40 else text[:37] + "...")
