"""The numbers of colours: what a sample of them is known to be, and that the table is sound."""

from collections import Counter

import pytest

from rig.catalog import COLOURS, ColourCode, colour_code
from rig.errors import BadInput
from rig.inventory.colours import BRICKLINK, REBRICKABLE, Palette, colour_name
from rig.inventory.fields import Place

PLACE = Place("list", 7)
# Of the colour guides of BrickLink and Rebrickable, chosen where the three disagree.
KNOWN = (
    ("Black", 0, 11, 0),
    ("Blue", 1, 7, 1),
    ("Red", 4, 5, 4),
    ("Yellow", 14, 3, 14),
    ("White", 15, 1, 15),
    ("Light Bluish Grey", 71, 86, 71),
    ("Dark Bluish Grey", 72, 85, 72),
    ("Trans Dark Pink", 37, 50, 45),
    ("Trans Light Blue", 43, 15, 41),
    ("Trans Orange", 57, 98, 182),
    ("Trans Brown", 40, 13, 40),
    ("Trans Black", 10375, 251, 1095),
    ("Olive Green", 330, 155, 326),
    ("Yellowish Green", 326, 158, 158),
    ("Coral", 353, 220, 1050),
)


@pytest.mark.parametrize(("name", "ldraw", "bricklink", "rebrickable"), KNOWN)
def test_the_numbers_of_a_colour(name: str, ldraw: int, bricklink: int, rebrickable: int) -> None:
    code = ColourCode(ldraw)
    assert colour_name(code) == name
    assert (BRICKLINK.number(code), REBRICKABLE.number(code)) == (bricklink, rebrickable)
    assert BRICKLINK.colour(str(bricklink), PLACE) == code == REBRICKABLE.colour(str(rebrickable), PLACE)


def test_every_common_colour_has_all_numbers_and_one_name() -> None:
    for code, colour in COLOURS.items():
        assert code in BRICKLINK.ids and code in REBRICKABLE.ids
        assert colour_name(code) == colour.name


@pytest.mark.parametrize("palette", [BRICKLINK, REBRICKABLE])
def test_the_table_is_sound(palette: Palette) -> None:
    for code in palette.ids:
        assert colour_code(str(code)) == code
    assert not palette.no_colours & set(palette.codes)
    shared = {number for number, count in Counter(palette.ids.values()).items() if count > 1}
    assert shared == ({77} if palette is BRICKLINK else set())


def test_of_two_colours_that_are_one_at_bricklink_the_usual_one_is_read() -> None:
    assert BRICKLINK.number(ColourCode(87)) == BRICKLINK.number(ColourCode(148)) == 77
    assert BRICKLINK.colour("77", PLACE) == 148


@pytest.mark.parametrize(("palette", "numbers"), [(BRICKLINK, ["0"]), (REBRICKABLE, ["9999", "-1"])])
def test_no_particular_colour(palette: Palette, numbers: list[str]) -> None:
    assert [palette.colour(number, PLACE) for number in numbers] == [None] * len(numbers)
    assert str(palette.number(None)) == numbers[0]


@pytest.mark.parametrize("text", ["123456", "-5", "red", "", "4.0", "²", "9" * 30])
def test_a_colour_that_is_not_known_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(BadInput, match=r"^list, line 7: .*colour"):
        BRICKLINK.colour(text, PLACE)
