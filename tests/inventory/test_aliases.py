"""Aliases: which numbers count as the same part."""

from pathlib import Path

import pytest

from rig.catalog import ColourCode, PartNumber
from rig.errors import BadInput
from rig.inventory.aliases import read_aliases
from rig.inventory.lots import Lot
from rig.inventory.progress import progress

RED = ColourCode(4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The table of aliases."""
    return tmp_path / "aliases.csv"


def test_an_alias_counts_as_its_part_and_keeps_its_number_in_what_is_missing(path: Path) -> None:
    path.write_text("alias;part;why\n32064a;32064;x hole\n32064b;32064;square hole\n32064b;32064;again\n")
    aliases = read_aliases(path)
    wanted = [Lot(PartNumber(number), RED, 2) for number in ("32064a", "32064b", "3001")]
    found = progress(wanted, [Lot(PartNumber("32064"), RED, 3)], aliases)
    assert [row.have for row in found.rows] == [0, 2, 1]
    assert found.missing() == (Lot(PartNumber("3001"), RED, 2), Lot(PartNumber("32064b"), RED, 1))
    assert progress(wanted, [Lot(PartNumber("32064"), RED, 3)]).have == 0


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("part,number\n1,2\n", "line 1: no column is called 'alias'"),
        ("part,alias\n32064,a b\n", "line 2: 'a b' is not a part number"),
        ("part,alias\n32064,\n", "line 2: there is no part number"),
        ("part,alias\n32064,32064a\n3700,32064a\n", "line 3: 32064a cannot be 3700 as well"),
        ("part,alias\n32064,32064a\n3700,32064\n", "line 2: 32064 is itself an alias"),
        ("part,alias\n32064,32064\n", "line 2: 32064 is itself an alias"),
    ],
)
def test_aliases_that_contradict_each_other_are_refused(path: Path, text: str, what: str) -> None:
    path.write_text(text)
    with pytest.raises(BadInput) as refused:
        read_aliases(path)
    assert refused.value.what.endswith(f"aliases.csv, {what}")
