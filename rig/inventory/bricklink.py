"""BrickLink XML: what one sells (inventory upload) and what one looks for (wanted list).

Rules: BrickLink's help pages 22 (Mass Inventory Upload), 207 (Wanted List, Mass Upload) and 2567 (Importing
items on BrickLink with XML). No XML declaration; ITEMTYPE and ITEMID; an upload needs COLOR, PRICE, QTY and
CONDITION as well; in a wanted list COLOR (any), MINQTY and CONDITION (either) are optional. A file has at
most 204,800 bytes; more than 1000 lots at once are said to overwhelm the site
(github.com/rgriebl/brickstore, issue 399).
"""

from collections.abc import Iterable, Sequence

from rig.errors import BadInput
from rig.inventory.colours import BRICKLINK, colourless_notes
from rig.inventory.fields import condition, part, quantity, shown
from rig.inventory.lots import Condition, Lot, Reading, Writing, merged
from rig.inventory.xml_items import Item, read_items, write_item, write_items

ROOT = "INVENTORY"
MOST_LOTS = 1000
"""In a file: so many of the longest lots stay below the 204,800 bytes."""

LEAST_PRICE = 0.001

_ITEM = "ITEM"
_PART = "P"
_ITEM_TYPES = frozenset("PSMBGCIOU")
_CONDITIONS: dict[str, Condition | None] = {"": None, "X": None, "N": Condition.NEW, "U": Condition.USED}
_CODES = {Condition.NEW: "N", Condition.USED: "U"}


def read(text: str, source: str) -> Reading:
    """Read a wanted list, an upload, or the inventory of a set.

    Of a wanted list counts what is still to be had: MINQTY, or 1 without it, less QTYFILLED.

    Args:
        source: what the text is from, for errors.

    Raises:
        BadInput: an item cannot be used; names the line.
    """
    lots: list[Lot] = []
    notes: list[str] = []
    for item in read_items(text, source, roots=[ROOT], below=[_ITEM]):
        item_type = item["ITEMTYPE"]
        if item_type not in _ITEM_TYPES:
            what = f"{shown(item_type)} is no item type" if item_type else "there is no ITEMTYPE"
            raise item.place.refusal(what, hint=f"parts have <ITEMTYPE>{_PART}</ITEMTYPE>")
        if item_type != _PART:
            notes.append(f"Line {item.place.line}: {shown(item['ITEMID'])} is no part and is left out.")
        elif count := _still_wanted(item):
            lots.append(
                Lot(
                    part(item["ITEMID"], item.place),
                    BRICKLINK.colour(item["COLOR"], item.place) if item["COLOR"] else None,
                    count,
                    condition(item["CONDITION"], item.place, _CONDITIONS),
                )
            )
        else:
            notes.append(f"Line {item.place.line}: nothing of {shown(item['ITEMID'])} is still wanted.")
    return Reading(merged(lots), tuple(notes))


def write_upload(lots: Iterable[Lot], price: float) -> Writing:
    """Write what is to be sold; lots without a colour at BrickLink are left out: it would refuse the file.

    Args:
        lots: each in a known condition.
        price: of each part, in the currency of the shop; at least `LEAST_PRICE`.

    Raises:
        BadInput: nothing is left to write.
    """
    lots = merged(lots)
    sellable = tuple(lot for lot in lots if lot.colour in BRICKLINK.ids)
    assert all(lot.condition for lot in lots), "an upload needs the condition of every lot"
    items = [
        write_item(
            _ITEM,
            {
                "ITEMTYPE": _PART,
                "ITEMID": lot.part,
                "COLOR": BRICKLINK.number(lot.colour),
                "PRICE": f"{price:.3f}",
                "QTY": lot.quantity,
                "CONDITION": lot.condition and _CODES[lot.condition],
            },
        )
        for lot in sellable
    ]
    if not sellable:
        raise BadInput(
            "no lot is left to upload: BrickLink takes none without a colour",
            hint="export them for BrickStore and choose their colours there",
        )
    notes = (*BRICKLINK.notes(lots, done="left out"), *colourless_notes(lots, done="left out"))
    return Writing(_files(items), sellable, notes)


def write_wanted(lots: Iterable[Lot]) -> Writing:
    """Write what is wanted; without a colour, or with one that BrickLink lacks, any colour will do."""
    lots = merged(lots)
    items = [
        write_item(
            _ITEM,
            {
                "ITEMTYPE": _PART,
                "ITEMID": lot.part,
                "COLOR": BRICKLINK.number(lot.colour) or None,
                "MINQTY": lot.quantity,
                "CONDITION": _CODES[lot.condition] if lot.condition else "X",
                "NOTIFY": "N",
            },
        )
        for lot in lots
    ]
    notes = BRICKLINK.notes(lots, done="asked for in any colour")
    return Writing(_files(items), lots, tuple(notes))


def _still_wanted(item: Item) -> int:
    if item["QTY"]:
        return quantity(item["QTY"], item.place)
    wanted = quantity(item["MINQTY"] or "1", item.place)
    return max(0, wanted - quantity(item["QTYFILLED"] or "0", item.place, least=0))


def _files(items: Sequence[str]) -> tuple[str, ...]:
    """As many documents as BrickLink's limits ask for, at least one."""
    batches = (items[begin : begin + MOST_LOTS] for begin in range(0, max(1, len(items)), MOST_LOTS))
    return tuple(write_items([ROOT], batch) for batch in batches)
