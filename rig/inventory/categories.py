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
