"""The numbers that LDraw, BrickLink and Rebrickable give to the same colours.

Rebrickable's API lists for each of its colours the LDraw code and BrickLink's colour; read on 2026-11-22 in
the copies that github.com/bkfunk/brickdata keeps of it (data/rebrickable/colors.json and
data/derived/color_names.ron, July 2026). BrickLink's numbers were compared by name with BrickLink's colour
guide, as github.com/Pocketkid2/Bricklink-to-CSV copied it (colors.py), and the LDraw codes with LDConfig.ldr
of 2024-04-05, whose names these are. The two newest, 430 and 431, are younger than that file and that guide.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rig.catalog import ColourCode
from rig.inventory.fields import Place, whole_number
from rig.inventory.lots import Lot, total

# LDraw's code, BrickLink's number, Rebrickable's number, LDraw's name. None where BrickLink has no such
# colour, or its number could not be confirmed. Of two that are one at BrickLink the first is the usual one.
_TABLE: tuple[tuple[int, int | None, int, str], ...] = (
    (0, 11, 0, "Black"),
    (1, 7, 1, "Blue"),
    (2, 6, 2, "Green"),
    (3, 39, 3, "Dark Turquoise"),
    (4, 5, 4, "Red"),
    (5, 47, 5, "Dark Pink"),
    (6, 8, 6, "Brown"),
    (7, 9, 7, "Light Grey"),
    (8, 10, 8, "Dark Grey"),
    (9, 62, 9, "Light Blue"),
    (10, 36, 10, "Bright Green"),
    (11, 40, 11, "Light Turquoise"),
    (12, 25, 12, "Salmon"),
    (13, 23, 13, "Pink"),
    (14, 3, 14, "Yellow"),
    (15, 1, 15, "White"),
    (17, 38, 17, "Light Green"),
    (18, 33, 18, "Light Yellow"),
    (19, 2, 19, "Tan"),
    (20, 44, 20, "Light Violet"),
    (21, 46, 21, "Glow In Dark Opaque"),
    (22, 24, 22, "Purple"),
    (23, 109, 23, "Dark Blue Violet"),
    (25, 4, 25, "Orange"),
    (26, 71, 26, "Magenta"),
    (27, 34, 27, "Lime"),
    (28, 69, 28, "Dark Tan"),
    (29, 104, 29, "Bright Pink"),
    (30, 157, 30, "Medium Lavender"),
    (31, 154, 31, "Lavender"),
    (32, None, 32, "Trans Black IR Lens"),
    (33, 14, 33, "Trans Dark Blue"),
    (34, 20, 34, "Trans Green"),
    (35, 108, 35, "Trans Bright Green"),
    (36, 17, 36, "Trans Red"),
    (37, 50, 45, "Trans Dark Pink"),
    (38, 18, 57, "Trans Neon Orange"),
    (39, 113, 43, "Trans Very Light Blue"),
    (40, 13, 40, "Trans Brown"),
    (41, 74, 143, "Trans Medium Blue"),
    (42, 16, 42, "Trans Neon Green"),
    (43, 15, 41, "Trans Light Blue"),
    (44, 114, 236, "Trans Bright Reddish Lilac"),
    (45, 107, 230, "Trans Pink"),
    (46, 19, 46, "Trans Yellow"),
    (47, 12, 47, "Trans Clear"),
    (52, 51, 52, "Trans Purple"),
    (54, 121, 54, "Trans Neon Yellow"),
    (57, 98, 182, "Trans Orange"),
    (60, 57, 60, "Chrome Antique Brass"),
    (61, 52, 61, "Chrome Blue"),
    (62, 64, 62, "Chrome Green"),
    (63, 82, 63, "Chrome Pink"),
    (64, 122, 64, "Chrome Black"),
    (68, 96, 68, "Very Light Orange"),
    (69, 93, 69, "Bright Reddish Lilac"),
    (70, 88, 70, "Reddish Brown"),
    (71, 86, 71, "Light Bluish Grey"),
    (72, 85, 72, "Dark Bluish Grey"),
    (73, 42, 73, "Medium Blue"),
    (74, 37, 74, "Medium Green"),
    (75, 116, 75, "Speckle Black Copper"),
    (76, 117, 76, "Speckle Dark Bluish Grey Silver"),
    (77, 56, 77, "Light Pink"),
    (78, 90, 78, "Light Nougat"),
    (79, 60, 79, "Milky White"),
    (80, 67, 80, "Metallic Silver"),
    (81, 70, 81, "Metallic Green"),
    (82, 65, 82, "Metallic Gold"),
    (83, 244, 1073, "Pearl Black"),
    (84, 150, 84, "Medium Nougat"),
    (85, 89, 85, "Medium Lilac"),
    (86, 91, 86, "Light Brown"),
    (89, 97, 89, "Blue Violet"),
    (92, 28, 92, "Nougat"),
    (100, 26, 100, "Light Salmon"),
    (110, 43, 110, "Violet"),
    (112, 73, 112, "Medium Violet"),
    (114, 100, 114, "Glitter Trans Dark Pink"),
    (115, 76, 115, "Medium Lime"),
    (117, 101, 117, "Glitter Trans Clear"),
    (118, 41, 118, "Aqua"),
    (120, 35, 120, "Light Lime"),
    (125, 32, 125, "Light Orange"),
    (128, 225, 1067, "Dark Nougat"),
    (129, 102, 129, "Glitter Trans Purple"),
    (132, 111, 132, "Speckle Black Silver"),
    (133, 151, 133, "Speckle Black Gold"),
    (134, 84, 134, "Copper"),
    (135, 66, 135, "Pearl Light Grey"),
    (137, 78, 137, "Metallic Blue"),
    (142, 61, 142, "Pearl Light Gold"),
    (148, 77, 148, "Pearl Dark Grey"),
    (87, 77, 1103, "Metallic Dark Grey"),
    (150, 119, 150, "Pearl Very Light Grey"),
    (151, 99, 151, "Very Light Bluish Grey"),
    (158, None, 1102, "Trans Neon Red"),
    (178, 81, 178, "Pearl Yellow"),
    (179, 95, 179, "Pearl Silver"),
    (183, 83, 183, "Pearl White"),
    (184, 252, 1069, "Metallic Bright Red"),
    (185, 254, 1070, "Metallic Bright Blue"),
    (186, 253, 1071, "Metallic Dark Green"),
    (189, 235, 1065, "Reddish Gold"),
    (191, 110, 191, "Bright Light Orange"),
    (200, None, 1086, "Lemon Metallic"),
    (212, 105, 212, "Bright Light Blue"),
    (216, 27, 216, "Rust"),
    (218, 227, 1007, "Reddish Lilac"),
    (219, 245, 1001, "Lilac"),
    (226, 103, 226, "Bright Light Yellow"),
    (227, 226, 1057, "Trans Bright Light Green"),
    (231, 164, 1004, "Trans Bright Light Orange"),
    (232, 87, 232, "Sky Blue"),
    (234, None, 1005, "Trans Fire Yellow"),
    (272, 63, 272, "Dark Blue"),
    (285, 221, 1058, "Trans Light Green"),
    (288, 80, 288, "Dark Green"),
    (293, None, 1006, "Trans Light Blue Violet"),
    (294, 118, 294, "Glow In Dark Trans"),
    (295, None, 1082, "Flamingo Pink"),
    (297, 115, 297, "Pearl Gold"),
    (300, 250, 1092, "Metallic Copper"),
    (302, 162, 1003, "Glitter Trans Light Blue"),
    (308, 120, 308, "Dark Brown"),
    (313, 72, 313, "Maersk Blue"),
    (320, 59, 320, "Dark Red"),
    (321, 153, 321, "Dark Azure"),
    (322, 156, 322, "Medium Azure"),
    (323, 152, 323, "Light Aqua"),
    (326, 158, 158, "Yellowish Green"),
    (329, 159, 1000, "Glow In Dark White"),
    (330, 155, 326, "Olive Green"),
    (334, 21, 334, "Chrome Gold"),
    (335, 58, 335, "Sand Red"),
    (339, 163, 1002, "Glitter Trans Neon Green"),
    (341, 222, 1052, "Glitter Trans Orange"),
    (351, 94, 351, "Medium Dark Pink"),
    (353, 220, 1050, "Coral"),
    (360, None, 1055, "Opal Trans Clear"),
    (362, 223, 1053, "Opal Trans Light Blue"),
    (363, None, 1056, "Opal Trans Black"),
    (364, 224, 1054, "Opal Trans Dark Pink"),
    (365, 230, 1059, "Opal Trans Purple"),
    (366, 29, 366, "Earth Orange"),
    (367, 233, 1060, "Opal Trans Green"),
    (368, 236, 1062, "Neon Yellow"),
    (370, 240, 1088, "Medium Brown"),
    (371, 241, 1089, "Medium Tan"),
    (373, 54, 373, "Sand Purple"),
    (378, 48, 378, "Sand Green"),
    (379, 55, 379, "Sand Blue"),
    (383, 22, 383, "Chrome Silver"),
    (402, 167, 1136, "Reddish Orange"),
    (422, 169, 1137, "Sienna Brown"),
    (423, 168, 1138, "Umber Brown"),
    (430, 175, 1146, "Warm Pink"),
    (431, 174, 1147, "Bright Blue Violet"),
    (450, 106, 450, "Fabuland Brown"),
    (462, 31, 462, "Medium Orange"),
    (484, 68, 484, "Dark Orange"),
    (503, 49, 503, "Very Light Grey"),
    (508, None, 1064, "Fabuland Red"),
    (509, 160, 1012, "Fabuland Orange"),
    (510, 248, 1077, "Fabuland Lime"),
    (10366, 232, 1061, "Opal Trans Dark Blue"),
    (10375, 251, 1095, "Trans Black"),
)
_NAMES = {ColourCode(code): name for code, _, _, name in _TABLE}


@dataclass(frozen=True)
class Palette:
    """How one service numbers colours.

    Attributes:
        service: its name.
        ids: its number of an LDraw colour.
        codes: the LDraw colour of a number.
        no_colours: its numbers for `not applicable`, `any` or `unknown`.
        no_colour: the one of them to write.
    """

    service: str
    ids: dict[ColourCode, int]
    codes: dict[int, ColourCode]
    no_colours: frozenset[int]
    no_colour: int

    def colour(self, text: str, place: Place) -> ColourCode | None:
        """The LDraw colour of a number; None for no particular one.

        Raises:
            BadInput: it is no number, or of no colour that is known here.
        """
        number = whole_number(text, place, of="colour")
        if number in self.no_colours:
            return None
        if number not in self.codes:
            raise place.refusal(
                f"{number} is no {self.service} colour that is known here",
                hint="delete these parts from the list, or give another colour; docs/inventory.md lists all",
            )
        return self.codes[number]

    def number(self, colour: ColourCode | None) -> int:
        """Its number for a colour, `no_colour` where it has none."""
        return self.no_colour if colour is None else self.ids.get(colour, self.no_colour)

    def notes(self, lots: Iterable[Lot], *, done: str) -> list[str]:
        """A sentence for each colour that has no number here.

        Args:
            done: what was done about it, such as `left out`.
        """
        strangers: dict[ColourCode, list[Lot]] = {}
        for lot in lots:
            if lot.colour is not None and lot.colour not in self.ids:
                strangers.setdefault(lot.colour, []).append(lot)
        return [
            f"LDraw colour {colour_name(colour)} has no {self.service} number here: {_named(few)} {done}."
            for colour, few in strangers.items()
        ]


def colour_name(colour: ColourCode | None) -> str:
    """The name of a colour for people, its code where it has none here, `unknown` for None."""
    return "unknown" if colour is None else _NAMES.get(colour, str(colour))


def colourless_notes(lots: Iterable[Lot], *, done: str) -> list[str]:
    """A sentence on the lots without a colour, if there are any; `done` is what was done about it."""
    few = [lot for lot in lots if lot.colour is None]
    return [f"No colour is known of {_named(few)}: {done}."] if few else []


def _named(lots: Sequence[Lot]) -> str:
    return f"{total(lots)} x {', '.join(sorted({lot.part for lot in lots}))}"


def _palette(service: str, numbers: Iterable[tuple[int, int | None]], no_colours: tuple[int, ...]) -> Palette:
    ids = {ColourCode(code): number for code, number in numbers if number is not None}
    codes: dict[int, ColourCode] = {}
    for code, number in ids.items():
        codes.setdefault(number, code)
    return Palette(service, ids, codes, frozenset(no_colours), no_colours[0])


BRICKLINK = _palette("BrickLink", ((row[0], row[1]) for row in _TABLE), no_colours=(0,))
"""0 is BrickLink's `(Not Applicable)`."""

REBRICKABLE = _palette("Rebrickable", ((row[0], row[2]) for row in _TABLE), no_colours=(9999, -1))
"""9999 is Rebrickable's `[No Color/Any Color]`, which it sets equal to BrickLink's 0; -1 its `[Unknown]`."""
