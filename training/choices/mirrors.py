"""Moulds that are each other's mirror image: where both are classes, a mirrored picture has a wrong label."""

import re
from collections.abc import Iterable

_PAIRS: tuple[tuple[str, str], ...] = (
    # Wedges, right and left, as BrickLink and LDraw name them.
    ("6564", "6565"),
    ("41747", "41748"),
    ("41749", "41750"),
    ("41764", "41765"),
    ("41767", "41768"),
    ("43710", "43711"),
    # Wedge plates.
    ("3933", "3934"),
    ("3935", "3936"),
    ("24299", "24307"),
    ("41769", "41770"),
    ("43722", "43723"),
    ("47397", "47398"),
    ("50304", "50305"),
    ("54383", "54384"),
    ("65426", "65429"),
    ("78443", "78444"),
    # Curved slopes with a cutout, and tiles with a cut corner.
    ("29119", "29120"),
    ("5091", "5092"),
    # Technic panel fairings.
    ("64391", "64683"),
    ("64392", "64682"),
    ("64393", "64681"),
    ("87080", "87086"),
)
_TWIN = {**dict(_PAIRS), **{second: first for first, second in _PAIRS}}
_MOULD = re.compile(r"\d+")


def mirrored_pairs(labels: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The pairs of labels, each sorted, whose moulds are known to be each other's mirror image.

    A letter or a print behind a mould's number, as in `41747pr0001` or `43722b`, leaves its shape as it is.
    """
    by_mould: dict[str, list[str]] = {}
    for label in sorted(labels):
        if digits := _MOULD.match(label):
            by_mould.setdefault(digits.group(), []).append(label)
    pairs = {
        (min(one, other), max(one, other))
        for mould, of_mould in by_mould.items()
        for one in of_mould
        for other in by_mould.get(_TWIN.get(mould, ""), ())
    }
    return tuple(sorted(pairs))
