"""A small LDraw library of our own: boxes, in the dialect of ldraw.org."""

from pathlib import Path

# From -1 to 1 along each axis, each side counter-clockwise seen from outside.
BOX_FACES = """\
4 16 -1 -1 -1 1 -1 -1 1 -1 1 -1 -1 1
4 16 -1 1 -1 -1 1 1 1 1 1 1 1 -1
4 16 -1 -1 -1 -1 1 -1 1 1 -1 1 -1 -1
4 16 -1 -1 1 1 -1 1 1 1 1 -1 1 1
4 16 -1 -1 -1 -1 -1 1 -1 1 1 -1 1 -1
4 16 1 -1 -1 1 1 -1 1 1 1 1 -1 1
"""
BOX = f"0 Box\n0 BFC CERTIFY CCW\n{BOX_FACES}"
CERTIFIED = "0 Part\n0 BFC CERTIFY CCW\n"
# Half extents in LDraw units: 20 x 12 x 10, a brick of one by one and a half, 3.2 mm thick with y upright.
PLACED_BOX = "1 16 0 4 0 20 0 0 0 4 0 0 0 10 box.dat\n"
BOX_MM = (16.0, 8.0, 3.2)
LDCONFIG = """\
0 LDraw.org Configuration File
0 !COLOUR Red CODE 4 VALUE #B40000 EDGE #333333
0 !COLOUR Trans_Red CODE 36 VALUE #C91A09 EDGE #660D05 ALPHA 128
"""


def write_library(folder: Path, **parts: str) -> Path:
    """A library with a `box.dat` among its primitives, and parts by their numbers (`_` for `/`)."""
    for path, text in {
        "p/box.dat": BOX,
        "LDConfig.ldr": LDCONFIG,
        **{f"parts/{number.replace('_', '/')}.dat": text for number, text in parts.items()},
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, newline="\r\n")
    return folder
