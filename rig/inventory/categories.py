"""Which category a part belongs in: a table of the user's, or of the parts that the simulator knows."""

from collections.abc import Mapping
from pathlib import Path

from rig.catalog import PartNumber
from rig.inventory.fields import part
from rig.inventory.tables import read_table
from rig.spreadsheet import read_text

_NAMES_FILE = "part_categories.csv"

# As Rebrickable has them.
BUILT_IN: Mapping[PartNumber, str] = {
    PartNumber(number): category
    for category, numbers in {
        "Bricks": ("2456", "3001", "3002", "3003", "3004", "3010"),
        "Bricks Sloped": ("3039", "3660"),
        "Technic Bricks": ("32064", "3701"),
    }.items()
    for number in numbers
}


NAMES: Mapping[PartNumber, str] = {
    PartNumber("2456"): "Brick 2 x 6",
    PartNumber("3001"): "Brick 2 x 4",
    PartNumber("3002"): "Brick 2 x 3",
    PartNumber("3003"): "Brick 2 x 2",
    PartNumber("3004"): "Brick 1 x 2",
    PartNumber("3010"): "Brick 1 x 4",
    PartNumber("3039"): "Slope Brick 45 2 x 2",
    PartNumber("3660"): "Slope Brick 45 2 x 2 Inverted",
    PartNumber("3701"): "Technic Brick 1 x 4 with Holes",
    PartNumber("32064"): "Technic Brick 1 x 2 with Axlehole",
}
"""What the same parts are called, as LDraw has it."""


def read_names(path: Path) -> dict[PartNumber, str]:
    """What the parts are called in a table that `read_categories` reads; none where it has no column `name`.

    Raises:
        BadInput: as that does.
    """
    rows = read_table(read_text(path), str(path), names={"part_num": "part"}, required=("part",))
    return {part(row["part"], row.place): row["name"] for row in rows if row["name"]}


def read_categories(path: Path) -> dict[PartNumber, str]:
    """The category of each part in a table with the columns `part` and `category`.

    Or in Rebrickable's download `parts.csv` (`part_num`, `part_cat_id`), and `part_categories.csv` beside it,
    which has the names (rebrickable.com/downloads).

    Raises:
        BadInput: a file cannot be read, a column is missing, or a row cannot be used; names the line.
    """
    text = read_text(path)
    renamed = {"part_num": "part", "part_cat_id": "category"}
    ids = read_table(text, str(path), names=renamed, required=("part", "category"))
    found = {part(row["part"], row.place): row["category"] for row in ids}
    names_file = path.with_name(_NAMES_FILE)
    if "part_cat_id" not in text.partition("\n")[0] or not names_file.exists():
        return found
    rows = read_table(read_text(names_file), str(names_file), names={}, required=("id", "name"))
    names = {row["id"]: row["name"] for row in rows}
    return {number: names.get(category, category) for number, category in found.items()}
