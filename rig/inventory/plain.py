"""Plain CSV in LDraw's colours: what a spreadsheet wants, and nothing is lost in it."""

import csv
import io
from collections.abc import Iterable

from rig.catalog import ColourCode, colour_code
from rig.errors import BadInput
from rig.inventory.colours import colour_name
from rig.inventory.fields import Place, condition, part, quantity
from rig.inventory.lots import Condition, Lot, Reading, Writing, merged
from rig.inventory.tables import read_table

_HEADER = ("part", "ldraw_colour", "colour_name", "quantity", "condition")
_CONDITIONS: dict[str, Condition | None] = {"": None, **{known.value: known for known in Condition}}

COLUMNS = frozenset({"part", "ldraw_colour", "quantity"})
"""The headings by which such a table is known; the name of the colour is for people, and not read."""


def read(text: str, source: str) -> Reading:
    """Read what `write` wrote, or a person who followed it.

    Args:
        source: what the text is from, for errors.

    Raises:
        BadInput: a row cannot be used; names the line.
    """
    return Reading(
        merged(
            Lot(
                part(row["part"], row.place),
                _colour(row["ldraw_colour"], row.place),
                quantity(row["quantity"], row.place),
                condition(row["condition"].casefold(), row.place, _CONDITIONS),
            )
            for row in read_table(text, source, names={}, required=sorted(COLUMNS))
        )
    )


def write(lots: Iterable[Lot]) -> Writing:
    """Write all lots; an empty field is what is not known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER)
    lots = merged(lots)
    for lot in lots:
        colour = "" if lot.colour is None else lot.colour
        writer.writerow((lot.part, colour, colour_name(lot.colour), lot.quantity, lot.condition or ""))
    return Writing((text.getvalue(),), lots)


def _colour(text: str, place: Place) -> ColourCode | None:
    if not text:
        return None
    try:
        return colour_code(text)
    except BadInput as error:
        raise place.refusal(error.what, hint=error.hint) from error
