"""Rebrickable's CSV and plain CSV, as services and spreadsheets write them, and back."""

import csv
import io

import pytest
from hypothesis import given

from rig.catalog import ColourCode, PartNumber
from rig.errors import BadInput
from rig.inventory import plain, rebrickable
from rig.inventory.colours import BRICKLINK, REBRICKABLE
from rig.inventory.lots import Condition, Lot, merged
from tests.inventory.strategies import lots

BRICK = PartNumber("3001")
RED = ColourCode(4)

SET = (
    "Part,Color,Quantity,Is Spare\n3001,4,2,False\n3070b,182,1,False\n3070b,182,3,True\n973c01,9999,1,False\n"
)


def test_the_parts_of_a_set_are_read_without_the_spare_ones() -> None:
    reading = rebrickable.read(SET, "set.csv")
    assert reading.lots == (
        Lot(BRICK, RED, 2),
        Lot(PartNumber("3070b"), ColourCode(57), 1),
        Lot(PartNumber("973c01"), None, 1),
    )
    assert reading.notes == ("Spare parts are left out: 3.",)


@pytest.mark.parametrize(
    "text",
    [
        "Part,Color,Quantity\n3001,4,2\n",
        "Part,Color,Quantity\r\n3001,4,2\r\n",
        "sep=;\nPart;Color;Quantity\n3001;4;2\n",
        "part\tcolor\tquantity\n\n3001\t4\t2\n\n",
        '"Part", "Color", "Quantity"\n"3001", "4", "1"\n3001,4,1',
        "inventory_id,part_num,color_id,quantity,is_spare,img_url\n9,3001,4,2,f,https://x/3001.png\n",
        "inventory_id,part_num,color_id,quantity,is_spare\n9,3001,4,2,False\n9,3001,0,1,True\n",
    ],
)
def test_dialects(text: str) -> None:
    assert rebrickable.read(text, "list.csv").lots == (Lot(BRICK, RED, 2),)


@given(lots([*REBRICKABLE.ids, None], [None]))
def test_a_list_of_rebrickable_comes_back(stock: list[Lot]) -> None:
    writing = rebrickable.write(stock)
    assert bool(writing.notes) == any(lot.colour is None for lot in stock)
    assert rebrickable.read(writing.texts[0], "written").lots == merged(stock)


@given(lots([*REBRICKABLE.ids, None], [None, *Condition]))
def test_a_list_of_rebrickable_has_its_three_columns(stock: list[Lot]) -> None:
    header, *rows = csv.reader(io.StringIO(rebrickable.write(stock).texts[0]))
    assert header == ["Part", "Color", "Quantity"]
    assert sum(int(quantity) for _, _, quantity in rows) == sum(lot.quantity for lot in stock)
    assert all(int(colour) in {*REBRICKABLE.codes, 9999} for _, colour, _ in rows)


def test_what_rebrickable_cannot_say_is_named() -> None:
    stock = [Lot(BRICK, RED, 2, Condition.NEW), Lot(BRICK, RED, 3), Lot(BRICK, ColourCode(256), 1)]
    writing = rebrickable.write(stock)
    assert rebrickable.read(writing.texts[0], "written").lots == (Lot(BRICK, RED, 5), Lot(BRICK, None, 1))
    assert writing.notes == (
        "LDraw colour 256 has no Rebrickable number here: 1 x 3001 written as [No Color/Any Color].",
        "Rebrickable does not tell new from used: they are counted together.",
    )


@given(lots([*BRICKLINK.ids, *REBRICKABLE.ids, ColourCode(256), None], [None, *Condition]))
def test_plain_csv_loses_nothing(stock: list[Lot]) -> None:
    writing = plain.write(stock)
    assert writing.notes == ()
    assert plain.read(writing.texts[0], "written").lots == merged(stock)


def test_plain_csv_is_what_a_spreadsheet_wants() -> None:
    text = "part,ldraw_colour,colour_name,quantity,condition\n3001,4,Red,2,new\n3001,,unknown,1,\n"
    assert plain.write([Lot(BRICK, None, 1), Lot(BRICK, RED, 2, Condition.NEW)]).texts == (text,)
    by_hand = "Quantity;Part;LDraw colour;drawer\n2;3001;red;A7\n"
    assert plain.read(by_hand, "mine.csv").lots == (Lot(BRICK, RED, 2),)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (",4,2,False", "there is no part number"),
        ("3001,,2,False", "there is no colour"),
        ("3001,Red,2,False", "the colour 'Red' is not a whole number"),
        ("3001,1008,2,False", "1008 is no Rebrickable colour that is known here"),
        ("3001,4,0,False", "the quantity '0' is out of range"),
        ("3001,4,-1,False", "the quantity '-1' is out of range"),
        ("3001,4,1e9,False", "the quantity '1e9' is not a whole number"),
        ("3001,4,99999999999999999999,False", "is not a whole number"),
        ("3001,4,,False", "there is no quantity"),
        ("3001,4,2,maybe", "'maybe' does not say whether it is spare"),
        ("3001,4,2,False,5", "5 values for 4 columns"),
        ('3001,4,"2,False', "unexpected end of data"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_with_its_line(row: str, what: str) -> None:
    with pytest.raises(BadInput) as refused:
        rebrickable.read(f"Part,Color,Quantity,Is Spare\n3003,4,1,False\n{row}", "set.csv")
    assert refused.value.what.startswith("set.csv, line 3: ")
    assert what in refused.value.what
    assert refused.value.hint


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("3001,reddish,2,new", "'reddish' is no LDraw colour"),
        ("3001,4,2,good", "'good' is no condition of a part"),
    ],
)
def test_a_row_of_plain_csv_that_cannot_be_used_is_refused(row: str, what: str) -> None:
    with pytest.raises(BadInput) as refused:
        plain.read(f"part,ldraw_colour,quantity,condition\n{row}", "mine.csv")
    assert refused.value.what.startswith(f"mine.csv, line 2: {what}")
