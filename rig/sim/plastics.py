"""What parts are made of: LDraw's colours, with the finish that says how each answers to the light."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from rig.catalog import COLOURS, ColourCode
from rig.errors import BadInput

Srgb = tuple[int, int, int]

OWN_COLOUR = ColourCode(16)
"""What a face has that takes the colour of its part."""

EDGE_COLOUR = ColourCode(24)
"""What a face has that takes the colour which LDraw gives to the edges of its part."""

# A direct colour is 0x2RRGGBB, or 0x3RRGGBB where it is transparent.
_DIRECT_OPAQUE, _DIRECT_TRANSPARENT = 0x2, 0x3
_DIRECT_ALPHA = 0.5
# As many as the simulator has of itself are listed in an error.
_SHOWN_COLOURS = 30
# What LDConfig.ldr gives to most colours.
_USUAL_EDGE: Srgb = (0x33, 0x33, 0x33)


class Finish(Enum):
    """How the surface of a plastic answers to the light."""

    SOLID = "solid"
    TRANSPARENT = "transparent"
    CHROME = "chrome"
    PEARL = "pearl"
    METAL = "metal"
    RUBBER = "rubber"


@dataclass(frozen=True)
class Plastic:
    """A material of LDraw's colour table.

    Attributes:
        code: LDraw colour code; that of a direct colour holds its value.
        name: LDraw's, with spaces.
        rgb: sRGB, 0 to 255.
        alpha: 1 where it is opaque, towards 0 the clearer it is. Rubber may be transparent, too.
        finish: of its surface. Speckles and glitter are left out: a speckled plastic counts as solid.
        edge_rgb: sRGB of the edges of a part in this colour, which a few faces take (colour 24).
    """

    code: ColourCode
    name: str
    rgb: Srgb
    alpha: float = 1.0
    finish: Finish = Finish.SOLID
    edge_rgb: Srgb = _USUAL_EDGE


class Plastics(Mapping[ColourCode, Plastic]):
    """The plastics of a colour table, by code; direct colours (0x2RRGGBB, 0x3RRGGBB) are in every table.

    Args:
        table: what there is beside direct colours.
        name: of the table, for errors.
    """

    def __init__(self, table: Mapping[ColourCode, Plastic], name: str) -> None:
        self._table = MappingProxyType(dict(table))
        self.name = name

    def __getitem__(self, code: ColourCode) -> Plastic:
        plastic = self._table.get(code) or _direct_plastic(code)
        if plastic is None:
            raise KeyError(code)
        return plastic

    def __iter__(self) -> Iterator[ColourCode]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def of(self, code: ColourCode) -> Plastic:
        """The plastic of a colour code.

        Raises:
            BadInput: the table has no such colour.
        """
        try:
            return self[code]
        except KeyError:
            few = sorted(self)[:_SHOWN_COLOURS]
            known = ", ".join(f"{known} {self[known].name}" for known in few)
            more = "" if len(few) == len(self) else f" and {len(self) - len(few)} more"
            raise BadInput(f"{self.name} has no colour {code}", hint=f"it has: {known}{more}") from None

    def edge_of(self, code: ColourCode) -> ColourCode:
        """The direct colour of the edges of a part in colour `code`.

        Raises:
            BadInput: the table has no such colour.
        """
        red, green, blue = self.of(code).edge_rgb
        return ColourCode(_DIRECT_OPAQUE << 24 | red << 16 | green << 8 | blue)


def read_ldconfig(path: Path) -> Plastics:
    """The colours of an LDraw library.

    Args:
        path: of its `LDConfig.ldr`.

    Raises:
        BadInput: the file cannot be read, or one of its colours is damaged.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}", hint="check the file") from error
    table = {}
    for number, line in enumerate(text.splitlines(), start=1):
        match line.split():
            case ["0", "!COLOUR", name, *words]:
                plastic = _plastic(name, words)
                if plastic is None:
                    raise BadInput(
                        f"{path}, line {number}: {name} is no colour",
                        hint="it needs CODE and VALUE, as in the file of ldraw.org",
                    )
                table[plastic.code] = plastic
    return Plastics(table, path.name)


_FINISH_WORDS = {
    "CHROME": Finish.CHROME,
    "PEARLESCENT": Finish.PEARL,
    "METAL": Finish.METAL,
    "MATTE_METALLIC": Finish.METAL,
    "RUBBER": Finish.RUBBER,
}
_HEX = re.compile(r"(?:#|0x)([0-9A-Fa-f]{6})")


def _plastic(name: str, words: list[str]) -> Plastic | None:
    """What a `!COLOUR` line says behind the name; None where that is damaged."""
    # The words behind MATERIAL tell of its grains, which have a VALUE and an ALPHA of their own.
    own = words[: words.index("MATERIAL")] if "MATERIAL" in words else words
    values = dict(pairwise(own))
    rgb, edge = _srgb(values.get("VALUE", "")), values.get("EDGE", "")
    code, alpha = values.get("CODE", ""), values.get("ALPHA", "255")
    if rgb is None or not code.isdecimal() or not alpha.isdecimal():
        return None
    finish = next((_FINISH_WORDS[word] for word in own if word in _FINISH_WORDS), None)
    if finish is None:
        finish = Finish.SOLID if int(alpha) >= 255 else Finish.TRANSPARENT
    return Plastic(
        ColourCode(int(code)),
        name.replace("_", " "),
        rgb,
        min(int(alpha), 255) / 255,
        finish,
        # An edge may also be given as the code of another colour, of which nothing is made here.
        _srgb(edge) or _USUAL_EDGE,
    )


def _srgb(text: str) -> Srgb | None:
    match = _HEX.fullmatch(text)
    return None if match is None else _split(int(match[1], 16))


def _split(value: int) -> Srgb:
    return value >> 16 & 255, value >> 8 & 255, value & 255


def _direct_plastic(code: ColourCode) -> Plastic | None:
    match code >> 24:
        case kind if kind == _DIRECT_OPAQUE:
            return Plastic(code, f"#{code & 0xFFFFFF:06X}", _split(code))
        case kind if kind == _DIRECT_TRANSPARENT:
            name = f"transparent #{code & 0xFFFFFF:06X}"
            return Plastic(code, name, _split(code), _DIRECT_ALPHA, Finish.TRANSPARENT)
    return None


def _plastics_at_hand() -> Plastics:
    solid = (Plastic(colour.code, colour.name, colour.rgb) for colour in COLOURS.values())
    # Two or three of each other finish, as in LDConfig.ldr of 2024-04-05.
    others = (
        (33, "Trans Dark Blue", 0x0020A0, 128, Finish.TRANSPARENT),
        (36, "Trans Red", 0xC91A09, 128, Finish.TRANSPARENT),
        (46, "Trans Yellow", 0xF5CD2F, 128, Finish.TRANSPARENT),
        (47, "Trans Clear", 0xFCFCFC, 128, Finish.TRANSPARENT),
        (80, "Metallic Silver", 0x767676, 255, Finish.METAL),
        (82, "Metallic Gold", 0xDBAC34, 255, Finish.METAL),
        (148, "Pearl Dark Grey", 0x484D48, 255, Finish.PEARL),
        (179, "Pearl Silver", 0x898788, 255, Finish.PEARL),
        (297, "Pearl Gold", 0xAA7F2E, 255, Finish.PEARL),
        (256, "Rubber Black", 0x1B2A34, 255, Finish.RUBBER),
        (324, "Rubber Red", 0xB40000, 255, Finish.RUBBER),
        (334, "Chrome Gold", 0xDFC176, 255, Finish.CHROME),
        (383, "Chrome Silver", 0xCECECE, 255, Finish.CHROME),
    )
    special = (
        Plastic(ColourCode(code), name, _split(value), alpha / 255, finish)
        for code, name, value, alpha, finish in others
    )
    return Plastics({plastic.code: plastic for plastic in (*solid, *special)}, "the simulator")


PLASTICS = _plastics_at_hand()
"""What the simulator knows without an LDraw library."""
