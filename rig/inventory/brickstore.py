"""BrickStore's own files (.bsx), with which many shops are kept.

Rules: BrickStoreXML.rnc, the schema in github.com/rgriebl/brickstore. ItemID, ItemTypeID and ColorID are
required and BrickLink's; Qty is 0 and Status `I` (include) where they are absent; `X` excludes an item.
"""

from collections.abc import Iterable

from rig.inventory.colours import BRICKLINK, colourless_notes
from rig.inventory.fields import condition, part, quantity, shown
from rig.inventory.lots import Condition, Lot, Reading, Writing, merged
from rig.inventory.xml_items import read_items, write_item, write_items

ROOTS = ("BrickStoreXML", "BrickStockXML")
"""The second is BrickStock's, a descendant of BrickStore."""

_BELOW = ("Inventory", "Item")
_PART = "P"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_CONDITIONS: dict[str, Condition | None] = {"": None, "N": Condition.NEW, "U": Condition.USED}
_CODES = {Condition.NEW: "N", Condition.USED: "U"}


def read(text: str, source: str) -> Reading:
    """Read the parts of a file; other items, and excluded ones, are left out and named.

    Args:
        source: what the text is from, for errors.

    Raises:
        BadInput: an item cannot be used; names the line.
    """
    lots: list[Lot] = []
    notes: list[str] = []
    for item in read_items(text, source, roots=ROOTS, below=_BELOW):
        item_type, status = item["ItemTypeID"], item["Status"]
        if not item_type:
            raise item.place.refusal("there is no ItemTypeID", hint=f"parts have the type {_PART}")
        if item_type != _PART:
            notes.append(f"Line {item.place.line}: {shown(item['ItemID'])} is no part and is left out.")
        elif status == "X":
            notes.append(f"Line {item.place.line}: {shown(item['ItemID'])} is marked as excluded.")
        else:
            lots.append(
                Lot(
                    part(item["ItemID"], item.place),
                    BRICKLINK.colour(item["ColorID"], item.place),
                    quantity(item["Qty"], item.place),
                    condition(item["Condition"], item.place, _CONDITIONS),
                )
            )
    return Reading(merged(lots), tuple(notes))


def write(lots: Iterable[Lot]) -> Writing:
    """Write all lots; one without a colour at BrickLink is `(Not Applicable)`, to be mended in BrickStore."""
    lots = merged(lots)
    items = [
        write_item(
            "Item",
            {
                "ItemID": lot.part,
                "ItemTypeID": _PART,
                "ColorID": BRICKLINK.number(lot.colour),
                "Status": "I",
                "Qty": lot.quantity,
                "Price": 0,
                "Condition": lot.condition and _CODES[lot.condition],
            },
        )
        for lot in lots
    ]
    text = write_items((ROOTS[0], "Inventory"), items, declaration=_DECLARATION)
    done = "written without a colour"
    return Writing((text,), lots, (*BRICKLINK.notes(lots, done=done), *colourless_notes(lots, done=done)))
