"""The colours that a part is compared with: what each looks like, and how often it comes."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rig.catalog import COLOURS, ColourCode

# LDraw's other solid colours that BrickLink or Rebrickable number, and their sRGB values, as in LDConfig.ldr
# of 2024-04-05. The common ones are in the catalog.
_OTHERS: tuple[tuple[int, int], ...] = (
    (3, 0x069D9F),
    (5, 0xD3359D),
    (7, 0x8A928D),
    (8, 0x545955),
    (9, 0x97CBD9),
    (10, 0x58AB41),
    (11, 0x00AAA4),
    (12, 0xF06D61),
    (13, 0xF6A9BB),
    (17, 0xADD9A8),
    (18, 0xFFD67F),
    (20, 0xAFBED6),
    (22, 0x671F81),
    (23, 0x0E3E9A),
    (26, 0x901F76),
    (29, 0xFF9ECD),
    (30, 0xA06EB9),
    (31, 0xCDA4DE),
    (68, 0xFDC383),
    (69, 0x8A12A8),
    (73, 0x7396C8),
    (74, 0x7FC475),
    (77, 0xFECCCF),
    (78, 0xFFC995),
    (84, 0xAA7D55),
    (85, 0x441A91),
    (86, 0x7B5D41),
    (89, 0x1C58A7),
    (92, 0xBB805A),
    (100, 0xF9B7A5),
    (110, 0x26469A),
    (112, 0x4861AC),
    (115, 0xB7D425),
    (118, 0x9CD6CC),
    (120, 0xDEEA92),
    (125, 0xF9A777),
    (128, 0xAD6140),
    (151, 0xC8C8C8),
    (191, 0xFCAC00),
    (212, 0x9DC3F7),
    (216, 0x872B17),
    (218, 0x8E5597),
    (219, 0x564E9D),
    (226, 0xFFEC6C),
    (232, 0x77C9D8),
    (295, 0xFF94C2),
    (308, 0x352100),
    (313, 0xABD9FF),
    (321, 0x469BC3),
    (322, 0x68C3E2),
    (323, 0xD3F2EA),
    (326, 0xE2F99A),
    (330, 0x77774E),
    (335, 0x88605E),
    (351, 0xF785B1),
    (353, 0xFF6D77),
    (366, 0xD86D2C),
    (368, 0xEDFF21),
    (370, 0x755945),
    (371, 0xCCA373),
    (373, 0x75657D),
    (378, 0x708E7C),
    (379, 0x70819A),
    (402, 0xCA4C0B),
    (422, 0x915C3C),
    (423, 0x543F33),
    (450, 0xD27744),
    (462, 0xF58624),
    (484, 0x91501C),
    (503, 0xBCB4A5),
    (508, 0xFF8014),
    (509, 0xCF8A47),
    (510, 0x78FC78),
)

# An assumption about mixed piles. Within each of the two groups all colours are taken to be as frequent: a
# pile may well be of one colour.
_COMMON_SHARE = 0.85


@dataclass(frozen=True)
class Palette:
    """The solid colours that a part may have.

    Attributes:
        codes: (n,) their LDraw codes.
        linear: (n, 3) float64, linear blue, green and red, 0 to 1.
        prior: (n,) float64, how probable each is before anything was seen.
    """

    codes: tuple[ColourCode, ...]
    linear: NDArray[np.float64]
    prior: NDArray[np.float64]


@cache
def palette() -> Palette:
    """The common colours of the catalog and all the other solid ones."""
    common = [(colour.code, colour.rgb) for colour in COLOURS.values()]
    others = [(ColourCode(code), (rgb >> 16, rgb >> 8 & 255, rgb & 255)) for code, rgb in _OTHERS]
    prior = np.repeat(
        [_COMMON_SHARE / len(common), (1 - _COMMON_SHARE) / len(others)], [len(common), len(others)]
    )
    values = np.array([rgb for _, rgb in common + others])
    return Palette(tuple(code for code, _ in common + others), linear_light(values[:, ::-1]), prior)


def linear_light(levels: NDArray[np.generic]) -> NDArray[np.float64]:
    """Light, 0 to 1, by level, 0 to 255, after the transfer curve of sRGB (IEC 61966-2-1)."""
    encoded = levels.astype(np.float64) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
