"""Names of the field: part numbers as BrickLink and LDraw write them, and the colours that bricks come in.

And names that users give: to a very brick, to a side that it lies on, to a model.
"""

import re
from dataclasses import dataclass
from typing import NewType

from rig.errors import BadInput

PartNumber = NewType("PartNumber", str)
"""A part number such as `3001` or `3068bpr0001`: letters, digits, `.`, `_` and `-`; safe as a folder name."""

ColourCode = NewType("ColourCode", int)
"""An LDraw colour code."""

PART_NUMBER = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?"
"""What a part number looks like, as a regular expression."""

OWN_NAME = r"[^\W_](?:[\w.#-]{0,62}\w)?"
"""The same of a name that a person made up."""

# LDConfig.ldr counts from 0 to 511, and newer colours from 10000.
_LDRAW_CODES = (range(512), range(10000, 11000))
# In LDraw files they stand for whatever colour the part is given, and for that of its edges.
_MOST_DIGITS = 5
_NO_COLOURS = frozenset({16, 24})


def part_number(text: str) -> PartNumber:
    """Check a part number that a person typed.

    Raises:
        BadInput: it is empty, too long, or could mean a path.
    """
    if re.fullmatch(PART_NUMBER, text):
        return PartNumber(text)
    shown = repr(text) if text else "an empty part number"
    raise BadInput(
        f"{shown} is not a part number",
        hint="use the mould's number, such as 3001 or 3068b: letters, digits, dots and dashes, at most 64",
    )


def own_name(text: str, *, of: str) -> str:
    """Check a name that a person made up, for a brick, a pose or a model, such as `red-1` or `upright`.

    Args:
        of: what it names, for the error.

    Raises:
        BadInput: it is empty, too long, or has characters that could mean something else.
    """
    if re.fullmatch(OWN_NAME, text):
        return text
    raise BadInput(
        f"{text!r} is no name for {of}",
        hint="use letters, digits, dots and dashes without spaces, at most 64, such as red-1",
    )


@dataclass(frozen=True)
class Colour:
    """A plastic colour: LDraw code, LDraw name, and sRGB value from the LDraw colour table."""

    code: ColourCode
    name: str
    rgb: tuple[int, int, int]


# Common opaque colours, codes and values as in LDConfig.ldr.
COLOURS: dict[ColourCode, Colour] = {
    colour.code: colour
    for colour in (
        Colour(ColourCode(0), "Black", (27, 42, 52)),
        Colour(ColourCode(1), "Blue", (30, 90, 168)),
        Colour(ColourCode(2), "Green", (0, 133, 43)),
        Colour(ColourCode(4), "Red", (180, 0, 0)),
        Colour(ColourCode(6), "Brown", (84, 51, 36)),
        Colour(ColourCode(14), "Yellow", (250, 200, 10)),
        Colour(ColourCode(15), "White", (244, 244, 244)),
        Colour(ColourCode(19), "Tan", (215, 186, 140)),
        Colour(ColourCode(25), "Orange", (214, 121, 35)),
        Colour(ColourCode(27), "Lime", (165, 202, 24)),
        Colour(ColourCode(28), "Dark Tan", (137, 125, 98)),
        Colour(ColourCode(70), "Reddish Brown", (95, 49, 9)),
        Colour(ColourCode(71), "Light Bluish Grey", (150, 150, 150)),
        Colour(ColourCode(72), "Dark Bluish Grey", (100, 100, 100)),
        Colour(ColourCode(272), "Dark Blue", (25, 50, 90)),
        Colour(ColourCode(288), "Dark Green", (0, 69, 26)),
        Colour(ColourCode(320), "Dark Red", (114, 0, 18)),
    )
}


def colour_code(text: str) -> ColourCode:
    """The colour that a person typed: an LDraw code, or the name of a common colour in any case.

    Raises:
        BadInput: LDraw has no such code, or the name is not among the common ones.
    """
    wanted = text.strip().casefold().replace("-", " ").replace("_", " ").replace("gray", "grey")
    for colour in COLOURS.values():
        if colour.name.casefold() == wanted:
            return colour.code
    if wanted.isascii() and wanted.isdigit() and len(wanted) <= _MOST_DIGITS:
        code = int(wanted)
        if code not in _NO_COLOURS and any(code in codes for codes in _LDRAW_CODES):
            return ColourCode(code)
    common = ", ".join(f"{colour.code} {colour.name}" for colour in COLOURS.values())
    raise BadInput(
        f"{text[:40]!r} is no LDraw colour", hint=f"use its code or its name; common ones: {common}"
    )
