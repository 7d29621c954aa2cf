"""BrickLink XML against the rules of BrickLink's help pages, and back."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given

from rig.catalog import ColourCode, PartNumber
from rig.errors import BadInput
from rig.inventory import bricklink
from rig.inventory.colours import BRICKLINK
from rig.inventory.lots import MOST_PARTS, Condition, Lot, Reading, Writing, merged, total
from tests.inventory.strategies import lots

BRICK = PartNumber("3001")
RED = ColourCode(4)
_COLOURS = sorted(set(BRICKLINK.codes.values()))

# As BrickLink's pages download a wanted list.
WANTED = """<INVENTORY>
<ITEM>
<ITEMTYPE>P</ITEMTYPE>
<ITEMID>3001</ITEMID>
<COLOR>5</COLOR>
<MAXPRICE>-1.0000</MAXPRICE>
<MINQTY>10</MINQTY>
<QTYFILLED>4</QTYFILLED>
<CONDITION>X</CONDITION>
<REMARKS>roof &amp; walls</REMARKS>
<NOTIFY>N</NOTIFY>
</ITEM>
<ITEM><ITEMTYPE>P</ITEMTYPE><ITEMID>3068bpb0001</ITEMID><COLOR>86</COLOR><CONDITION>N</CONDITION></ITEM>
<ITEM><ITEMTYPE>P</ITEMTYPE><ITEMID>3003</ITEMID><MINQTY>2</MINQTY></ITEM>
<ITEM><ITEMTYPE>P</ITEMTYPE><ITEMID>3004</ITEMID><COLOR>0</COLOR><MINQTY>2</MINQTY><QTYFILLED>3</QTYFILLED></ITEM>
<ITEM><ITEMTYPE>M</ITEMTYPE><ITEMID>sw0001a</ITEMID><MINQTY>1</MINQTY></ITEM>
</INVENTORY>
"""
# The sample of help page 22, without its second item, that has a description in place of a number.
UPLOAD = """<INVENTORY>
    <ITEM>
        <CATEGORY></CATEGORY>
        <COLOR>11</COLOR>
        <PRICE>.10</PRICE>
        <QTY>50</QTY>
        <BULK>1</BULK>
        <DESCRIPTION></DESCRIPTION>
        <CONDITION>N</CONDITION>
        <ITEMTYPE>P</ITEMTYPE>
        <ITEMID>3622</ITEMID>
    </ITEM>
    <ITEM>
        <CATEGORY></CATEGORY>
        <COLOR>5</COLOR>
        <PRICE>0.10</PRICE>
        <QTY>1000</QTY>
        <BULK>1</BULK>
        <CONDITION>U</CONDITION>
        <ITEMTYPE>P</ITEMTYPE>
        <ITEMID>3001</ITEMID>
        <TQ1>100</TQ1>
        <TP1>0.09</TP1>
    </ITEM>
</INVENTORY>
"""


def read_back(writing: Writing) -> tuple[Lot, ...]:
    """All lots of all files."""
    return merged(lot for text in writing.texts for lot in bricklink.read(text, "written").lots)


def test_a_wanted_list_is_read() -> None:
    assert bricklink.read(WANTED, "wanted.xml") == Reading(
        (
            Lot(BRICK, RED, 6),
            Lot(PartNumber("3003"), None, 2),
            Lot(PartNumber("3068bpb0001"), ColourCode(71), 1, Condition.NEW),
        ),
        (
            "Line 15: nothing of '3004' is still wanted.",
            "Line 16: 'sw0001a' is no part and is left out.",
        ),
    )


def test_an_upload_is_read() -> None:
    assert bricklink.read(UPLOAD, "upload.xml").lots == (
        Lot(BRICK, RED, 1000, Condition.USED),
        Lot(PartNumber("3622"), ColourCode(0), 50, Condition.NEW),
    )


def test_the_inventory_of_a_set_is_read() -> None:
    """As help page 198 has it: no condition, and spaces around what it says."""
    fields = "<ITEMTYPE> P</ITEMTYPE> <ITEMID> 6265</ITEMID> <COLOR> 1</COLOR> <QTY> 2</QTY>"
    text = f"<INVENTORY> <ITEM> {fields} </ITEM> </INVENTORY>"
    assert bricklink.read(text, "set.xml").lots == (Lot(PartNumber("6265"), ColourCode(15), 2),)


@given(lots([*_COLOURS, None], [None, *Condition]))
def test_a_wanted_list_comes_back(wanted: list[Lot]) -> None:
    writing = bricklink.write_wanted(wanted)
    assert writing.notes == ()
    assert read_back(writing) == merged(wanted)


@given(lots(_COLOURS, [*Condition]).filter(bool))
def test_an_upload_comes_back(stock: list[Lot]) -> None:
    writing = bricklink.write_upload(stock, 0.05)
    assert writing.notes == ()
    assert read_back(writing) == merged(stock)


@given(lots(_COLOURS, [*Condition]).filter(bool))
def test_an_upload_follows_the_rules(stock: list[Lot]) -> None:
    (text,) = bricklink.write_upload(stock, 0.05).texts
    assert text.startswith("<INVENTORY>"), "no XML declaration: help page 2567"
    items = ElementTree.fromstring(text).findall("ITEM")
    assert len(items) == len(stock)
    for item in items:
        assert {field.tag for field in item} == {"ITEMTYPE", "ITEMID", "COLOR", "PRICE", "QTY", "CONDITION"}
        assert item.findtext("ITEMTYPE") == "P"
        assert int(item.findtext("COLOR") or 0) in BRICKLINK.codes
        assert re.fullmatch(r"[1-9][0-9]*", item.findtext("QTY") or "")
        assert re.fullmatch(r"[0-9]+\.[0-9]{3}", item.findtext("PRICE") or "")
        assert item.findtext("CONDITION") in ("N", "U")


@given(lots([*_COLOURS, None], [None, *Condition]))
def test_a_wanted_list_follows_the_rules(wanted: list[Lot]) -> None:
    (text,) = bricklink.write_wanted(wanted).texts
    assert text.startswith("<INVENTORY>")
    for item in ElementTree.fromstring(text):
        assert item.tag == "ITEM"
        assert item.findtext("ITEMTYPE") == "P" and item.findtext("ITEMID")
        assert item.findtext("COLOR") is None or int(item.findtext("COLOR") or 0) in BRICKLINK.codes
        assert int(item.findtext("MINQTY") or 0) > 0
        assert item.findtext("CONDITION") in ("X", "N", "U")
        assert item.findtext("NOTIFY") == "N"


def test_what_is_too_much_at_once_becomes_several_files() -> None:
    longest = [
        Lot(PartNumber(f"{'x' * 60}{1000 + number}"), ColourCode(10375), MOST_PARTS, Condition.USED)
        for number in range(2500)
    ]
    for writing in (bricklink.write_upload(longest, 99_999), bricklink.write_wanted(longest)):
        assert [len(ElementTree.fromstring(text)) for text in writing.texts] == [1000, 1000, 500]
        assert all(len(text.encode()) <= 204_800 for text in writing.texts)
        assert read_back(writing) == merged(longest)


def test_lots_without_a_colour_at_bricklink_are_not_uploaded_and_named() -> None:
    stock = [
        Lot(BRICK, RED, 5, Condition.USED),
        Lot(PartNumber("3003"), ColourCode(256), 3, Condition.USED),
        Lot(PartNumber("3004"), ColourCode(32), 2, Condition.USED),
        Lot(PartNumber("3005"), None, 7, Condition.USED),
    ]
    writing = bricklink.write_upload(stock, 0.05)
    assert read_back(writing) == writing.lots == (stock[0],)
    assert writing.notes == (
        "LDraw colour 256 has no BrickLink number here: 3 x 3003 left out.",
        "LDraw colour Trans Black IR Lens has no BrickLink number here: 2 x 3004 left out.",
        "No colour is known of 7 x 3005: left out.",
    )
    with pytest.raises(BadInput, match="no lot is left to upload"):
        bricklink.write_upload(stock[1:], 0.05)


def test_a_wanted_colour_that_bricklink_lacks_becomes_any_colour_and_is_named() -> None:
    writing = bricklink.write_wanted([Lot(PartNumber("3003"), ColourCode(256), 3)])
    assert read_back(writing) == (Lot(PartNumber("3003"), None, 3),)
    assert total(read_back(writing)) == 3
    assert writing.notes == (
        "LDraw colour 256 has no BrickLink number here: 3 x 3003 asked for in any colour.",
    )


def item(**changed: str | None) -> str:
    """A list whose second item, on line 4, has other fields, or lacks those that are None."""
    fields = {"ITEMTYPE": "P", "ITEMID": "3001", "COLOR": "5", "QTY": "1", "CONDITION": "U"} | changed
    good = "<ITEM><ITEMTYPE>P</ITEMTYPE><ITEMID>3001</ITEMID><COLOR>5</COLOR><QTY>1</QTY></ITEM>"
    bad = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items() if value is not None)
    return f"<INVENTORY>\n{good}\n\n<ITEM>{bad}</ITEM>\n</INVENTORY>"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (item(ITEMID=None), "there is no part number"),
        (item(ITEMID=""), "there is no part number"),
        (item(ITEMID="../3001"), "'../3001' is not a part number"),
        (item(ITEMTYPE=None), "there is no ITEMTYPE"),
        (item(ITEMTYPE="Q"), "'Q' is no item type"),
        (item(QTY="0"), "the quantity '0' is out of range"),
        (item(QTY="-3"), "the quantity '-3' is out of range"),
        (item(QTY="10000001"), "the quantity '10000001' is out of range"),
        (item(QTY="9" * 5000), "is not a whole number"),
        (item(QTY="1.5"), "the quantity '1.5' is not a whole number"),
        (item(QTY="some"), "the quantity 'some' is not a whole number"),
        (item(QTY=None, MINQTY="0"), "the quantity '0' is out of range"),
        (item(QTY=None, MINQTY="4", QTYFILLED="-1"), "the quantity '-1' is out of range"),
        (item(COLOR="red"), "the colour 'red' is not a whole number"),
        (item(COLOR="99999"), "99999 is no BrickLink colour that is known here"),
        (item(CONDITION="C"), "'C' is no condition of a part"),
        (item().replace("<QTY>1</QTY><C", "<QTY>1</QTY><QTY>2</QTY><C"), "QTY stands twice in one item"),
    ],
)
def test_an_item_that_cannot_be_used_is_refused_with_its_line(text: str, what: str) -> None:
    with pytest.raises(BadInput) as refused:
        bricklink.read(text, "list.xml")
    assert refused.value.what.startswith("list.xml, line 4: ")
    assert what in refused.value.what
    assert refused.value.hint
    assert len(refused.value.what) < 200
