"""BrickStore's files against its schema, and back."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given

from rig.catalog import ColourCode, PartNumber
from rig.errors import BadInput
from rig.inventory import brickstore
from rig.inventory.colours import BRICKLINK
from rig.inventory.lots import Condition, Lot, Reading, merged
from tests.inventory.strategies import lots

BRICK = PartNumber("3001")
_COLOURS = sorted(set(BRICKLINK.codes.values()))
# What BrickStoreXML.rnc says of the elements that are written here.
_SCHEMA = {
    "ItemID": r".+",
    "ItemTypeID": r".",
    "ColorID": r"-?[0-9]+",
    "Status": r"I|X|E",
    "Qty": r"-?[0-9]+",
    "Price": r"[0-9.]+",
    "Condition": r"N|U",
}
_REQUIRED = {"ItemID", "ItemTypeID", "ColorID"}

SAMPLE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE BrickStoreXML>
<BrickStoreXML>
 <Inventory Currency="EUR">
  <Item>
   <ItemID>3001</ItemID>
   <ItemTypeID>P</ItemTypeID>
   <ColorID>5</ColorID>
   <ItemName>Brick 2 x 4</ItemName>
   <ItemTypeName>Part</ItemTypeName>
   <ColorName>Red</ColorName>
   <CategoryID>5</CategoryID>
   <CategoryName>Brick</CategoryName>
   <Status>I</Status>
   <Qty>12</Qty>
   <Price>0.053</Price>
   <Condition>N</Condition>
   <Remarks>drawer &lt;3&gt;</Remarks>
  </Item>
  <Item><ItemID>3001</ItemID><ItemTypeID>P</ItemTypeID><ColorID>0</ColorID><Qty>1</Qty><Retain/></Item>
  <Item><ItemID>3003</ItemID><ItemTypeID>P</ItemTypeID><ColorID>5</ColorID><Status>X</Status><Qty>4</Qty></Item>
  <Item><ItemID>6080-1</ItemID><ItemTypeID>S</ItemTypeID><ColorID>0</ColorID><Qty>1</Qty></Item>
 </Inventory>
 <GuiState Application="BrickStore" Version="2">
  <Item><ItemID>not of the list</ItemID></Item>
  <Item><ItemID>nor is this</ItemID><Inventory><Item/></Inventory></Item>
 </GuiState>
</BrickStoreXML>
"""


@pytest.mark.parametrize("root", ["BrickStoreXML", "BrickStockXML"])
def test_a_file_of_brickstore_is_read(root: str) -> None:
    assert brickstore.read(SAMPLE.replace("BrickStoreXML", root), "shop.bsx") == Reading(
        (Lot(BRICK, ColourCode(4), 12, Condition.NEW), Lot(BRICK, None, 1)),
        ("Line 21: '3003' is marked as excluded.", "Line 22: '6080-1' is no part and is left out."),
    )


@given(lots([*_COLOURS, None], [None, *Condition]))
def test_a_stock_comes_back(stock: list[Lot]) -> None:
    writing = brickstore.write(stock)
    (text,) = writing.texts
    assert bool(writing.notes) == any(lot.colour is None for lot in stock)
    assert brickstore.read(text, "written").lots == merged(stock)


@given(lots([*_COLOURS, None], [None, *Condition]))
def test_a_stock_follows_the_schema(stock: list[Lot]) -> None:
    root = ElementTree.fromstring(brickstore.write(stock).texts[0])
    (inventory,) = root
    assert (root.tag, inventory.tag, inventory.attrib) == ("BrickStoreXML", "Inventory", {})
    for item in inventory:
        names = [field.tag for field in item]
        assert item.tag == "Item" and len(names) == len(set(names)) and set(names) >= _REQUIRED
        for field in item:
            assert re.fullmatch(_SCHEMA[field.tag], field.text or "")


def test_a_colour_that_bricklink_lacks_is_written_without_one_and_named() -> None:
    writing = brickstore.write([Lot(BRICK, ColourCode(256), 3)])
    assert brickstore.read(writing.texts[0], "written").lots == (Lot(BRICK, None, 3),)
    assert writing.notes == (
        "LDraw colour 256 has no BrickLink number here: 3 x 3001 written without a colour.",
    )


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ("<ItemTypeID>P</ItemTypeID><ColorID>5</ColorID><Qty>1</Qty>", "there is no part number"),
        ("<ItemID>3001</ItemID><ColorID>5</ColorID><Qty>1</Qty>", "there is no ItemTypeID"),
        ("<ItemID>3001</ItemID><ItemTypeID>P</ItemTypeID><Qty>1</Qty>", "there is no colour"),
        ("<ItemID>3001</ItemID><ItemTypeID>P</ItemTypeID><ColorID>5</ColorID>", "there is no quantity"),
        (
            "<ItemID>3001</ItemID><ItemTypeID>P</ItemTypeID><ColorID>5</ColorID><Qty>-2</Qty>",
            "the quantity '-2' is out of range",
        ),
    ],
)
def test_an_item_that_cannot_be_used_is_refused_with_its_line(fields: str, what: str) -> None:
    text = f"<BrickStoreXML>\n<Inventory>\n<Item>{fields}</Item></Inventory></BrickStoreXML>"
    with pytest.raises(BadInput) as refused:
        brickstore.read(text, "shop.bsx")
    assert refused.value.what == f"shop.bsx, line 3: {what}"


def test_another_root_is_refused() -> None:
    with pytest.raises(BadInput, match="line 2: the outermost element is 'INVENTORY'"):
        brickstore.read("\n<INVENTORY/>", "shop.bsx")
