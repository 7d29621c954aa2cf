"""Numbers that stand for the same part, as a person wrote them down in a table of parts and aliases."""

from pathlib import Path

from rig.catalog import PartNumber
from rig.inventory.fields import Place, part
from rig.inventory.tables import read_table
from rig.spreadsheet import read_text


def read_aliases(path: Path) -> dict[PartNumber, PartNumber]:
    """The part that each alias stands for.

    Raises:
        BadInput: the file cannot be read, or a number in it stands for two parts; names the line.
    """
    found: dict[PartNumber, PartNumber] = {}
    places: dict[PartNumber, Place] = {}
    for row in read_table(read_text(path), str(path), names={}, required=("part", "alias")):
        alias, meant = part(row["alias"], row.place), part(row["part"], row.place)
        if found.setdefault(alias, meant) != meant:
            hint = f"line {places[alias].line} says that it is {found[alias]}: delete one of the two"
            raise row.place.refusal(f"{alias} cannot be {meant} as well", hint=hint)
        places[alias] = row.place
    for alias, meant in found.items():
        if meant in found:
            hint = f"write {found[meant]} in place of {meant}"
            raise places[alias].refusal(f"{meant} is itself an alias", hint=hint)
    return found
