"""Rebrickable's CSV: the parts of a set, and lists of parts.

Its pages export `Part,Color,Quantity`, for a set with `Is Spare` behind it, and import the first three; its
downloads call them part_num, color_id, quantity and is_spare (rebrickable.com/help/importing-parts and
/downloads). Colours are Rebrickable's numbers; part numbers mostly agree with BrickLink's and LDraw's.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import replace

from rig.inventory.colours import REBRICKABLE, colourless_notes
from rig.inventory.fields import part, quantity, shown
from rig.inventory.lots import Lot, Reading, Writing, merged, total
from rig.inventory.tables import Row, read_table

_HEADER = ("Part", "Color", "Quantity")
_NAMES = {"part_num": "part", "color_id": "color"}
_SPARE = {"": False, "false": False, "f": False, "0": False, "true": True, "t": True, "1": True}

COLUMNS = (frozenset({"part", "color", "quantity"}), frozenset({"part_num", "color_id", "quantity"}))
"""The headings by which such a table is known."""


def read(text: str, source: str) -> Reading:
    """Read a list or the parts of a set; spare parts are left out, as the set is complete without them.

    Args:
        source: what the text is from, for errors.

    Raises:
        BadInput: a row cannot be used; names the line.
    """
    lots: list[Lot] = []
    spares: list[Lot] = []
    for row in read_table(text, source, names=_NAMES, required=("part", "color", "quantity")):
        lot = Lot(
            part(row["part"], row.place),
            REBRICKABLE.colour(row["color"], row.place),
            quantity(row["quantity"], row.place),
        )
        (spares if _is_spare(row) else lots).append(lot)
    notes = [f"Spare parts are left out: {total(spares)}."] if spares else []
    return Reading(merged(lots), tuple(notes))


def write(lots: Iterable[Lot]) -> Writing:
    """Write all lots, new and used ones together; without a colour there, they are in `any colour`."""
    lots = tuple(lots)
    known = merged(replace(lot, condition=None) for lot in lots)
    done = "written as [No Color/Any Color]"
    notes = [*REBRICKABLE.notes(known, done=done), *colourless_notes(known, done=done)]
    if len({lot.condition for lot in lots}) > 1:
        notes.append("Rebrickable does not tell new from used: they are counted together.")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER)
    writer.writerows((lot.part, REBRICKABLE.number(lot.colour), lot.quantity) for lot in known)
    return Writing((text.getvalue(),), known, tuple(notes))


def _is_spare(row: Row) -> bool:
    said = row["is_spare"].casefold()
    if said not in _SPARE:
        raise row.place.refusal(f"{shown(said)} does not say whether it is spare", hint="use True or False")
    return _SPARE[said]
