"""`rig inventory` as a user calls it: counts, progress, exports, and lists that cannot be used."""

from xml.etree import ElementTree

import pytest

from rig.catalog import ColourCode, PartNumber
from rig.sorting.evidence import Decision
from rig.sorting.ledger import Ledger, RunId
from rig.vision.classifier import Candidate
from tests.acceptance.conftest import Shell

MONDAY, TUESDAY = RunId("20260105T080000Z-aaaa"), RunId("20260106T080000Z-bbbb")
RED, BLACK = ColourCode(4), ColourCode(0)
SET = """Part,Color,Quantity,Is Spare
3001,4,4,False
3001,0,1,False
3003,9999,2,False
3039,71,2,False
3039,71,1,True
"""


@pytest.fixture
def bins(shell: Shell) -> Shell:
    """Two runs are on record: three red 3001, a black one, one of unknown colour, one 3003 and a reject."""
    sorted_parts = [
        (MONDAY, "3001", RED),
        (MONDAY, "3001", RED),
        (MONDAY, "3001", BLACK),
        (MONDAY, None, RED),
        (TUESDAY, "3001", RED),
        (TUESDAY, "3001", None),
        (TUESDAY, "3003", None),
    ]
    with Ledger(shell.folder / "ledger_simulated") as ledger:
        for run, part, colour in sorted_parts:
            label = PartNumber(part) if part else None
            decision = Decision(label, 0.9, (Candidate(part or "3001", 0.9),))
            row = ledger.record(
                run, "model", decision, bin_name=part or "reject", picture=None, truth=None, colour=colour
            )
            ledger.dropped(row)
    (shell.folder / "set.csv").write_text(SET)
    return shell


def counts(document: dict[str, list[dict[str, object]]]) -> list[tuple[object, ...]]:
    """Part, colour and quantity of each lot of a document."""
    return [(lot["part"], lot["colour_name"], lot["quantity"]) for lot in document["lots"]]


def test_what_was_sorted_is_counted_by_part_and_colour(bins: Shell) -> None:
    everything = bins.json("inventory")
    assert everything["parts"] == 6
    assert counts(everything) == [
        ("3001", "Black", 1),
        ("3001", "Red", 3),
        ("3001", None, 1),
        ("3003", None, 1),
    ]
    assert counts(bins.json("inventory", "--run", MONDAY)) == [("3001", "Black", 1), ("3001", "Red", 2)]
    shown = bins.run("inventory").stdout
    assert "6 parts in 4 lots" in shown and "unknown" in shown
    said = bins.fails("inventory", "--run", "yesterday")
    assert "there is no run 'yesterday'" in said and f"the newest are: {TUESDAY}, {MONDAY}" in said


def test_a_rig_that_sorted_nothing_says_so_and_leaves_no_ledger(shell: Shell) -> None:
    done = shell.run("inventory")
    assert done.returncode == 0 and "Nothing to count" in done.stderr
    assert list(shell.folder.iterdir()) == []
    assert "there is nothing to export" in shell.fails("inventory", "export", "csv", "out.csv")


def test_progress_on_a_set(bins: Shell) -> None:
    document = bins.json("inventory", "--set", "set.csv")
    assert (document["wanted"], document["have"], document["perhaps"]) == (9, 5, 1)
    assert [(lot["part"], lot["have"], lot["missing"], lot["perhaps"]) for lot in document["lots"]] == [
        ("3001", 1, 0, 0),
        ("3001", 3, 1, 1),
        ("3003", 1, 1, 0),
        ("3039", 0, 2, 0),
    ]
    done = bins.run("inventory", "--set", "set.csv")
    assert "set.csv: 5 of 9 parts, 55.6%" in done.stdout
    assert "███████░░░" in done.stdout
    assert "set.csv: Spare parts are left out: 1." in done.stderr
    assert "Perhaps there: 1 missing part among those of unknown colour." in done.stderr


def test_parts_that_one_has_besides_count_as_well(bins: Shell) -> None:
    (bins.folder / "box.csv").write_text("part,ldraw_colour,quantity\n3039a,71,2\n3003,4,1\n")
    (bins.folder / "aliases.csv").write_text("part,alias\n3039,3039a\n")
    owned = ("--owned", "box.csv", "--owned", "box.csv", "--aliases", "aliases.csv")
    document = bins.json("inventory", "--set", "set.csv", *owned)
    assert [lot["missing"] for lot in document["lots"]] == [0, 1, 0, 0]


def test_what_is_missing_is_written_as_a_wanted_list(bins: Shell) -> None:
    document = bins.json("inventory", "export", "bricklink-wanted", "wanted.xml", "--set", "set.csv")
    assert (document["files"], document["parts"]) == (["wanted.xml"], 4)
    items = ElementTree.parse(bins.folder / "wanted.xml").getroot()
    assert [(i.findtext("ITEMID"), i.findtext("COLOR"), i.findtext("MINQTY")) for i in items] == [
        ("3001", "5", "1"),
        ("3003", None, "1"),
        ("3039", "86", "2"),
    ]
    done = bins.fails("inventory", "export", "csv", "x", "--wanted", "wanted.xml", "--owned", "wanted.xml")
    assert "nothing of wanted.xml is missing" in done


def test_what_is_there_is_written_and_counts_when_it_is_read(bins: Shell) -> None:
    bins.json("inventory", "export", "brickstore", "stock")
    (bins.folder / "ledger_simulated" / "ledger.sqlite3").unlink()
    assert counts(bins.json("inventory", "--owned", "stock")) == [
        ("3001", "Black", 1),
        ("3001", "Red", 3),
        ("3001", None, 1),
        ("3003", None, 1),
    ]


def test_what_cannot_be_sold_without_its_colour_is_named(bins: Shell) -> None:
    done = bins.run("inventory", "export", "bricklink-upload", "up.xml", "--price", "0.05")
    assert done.returncode == 0
    assert "No colour is known of 2 x 3001, 3003: left out." in done.stderr
    assert "4 parts in 2 lots: up.xml" in done.stderr
    items = ElementTree.parse(bins.folder / "up.xml").getroot()
    assert [(i.findtext("COLOR"), i.findtext("QTY"), i.findtext("CONDITION")) for i in items] == [
        ("11", "1", "U"),
        ("5", "3", "U"),
    ]


def test_a_list_is_converted(shell: Shell) -> None:
    (shell.folder / "set.csv").write_text(SET)
    shell.json("inventory", "convert", "set.csv", "bricklink-wanted", "set.xml")
    shell.json("inventory", "convert", "set.xml", "rebrickable", "again.csv")
    assert (shell.folder / "again.csv").read_text() == (
        "Part,Color,Quantity\n3001,0,1\n3001,4,4\n3003,9999,2\n3039,71,2\n"
    )
    before = (shell.folder / "set.csv").read_bytes()
    assert "set.csv exists already" in shell.fails("inventory", "convert", "set.xml", "csv", "set.csv")
    assert (shell.folder / "set.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--set", "bad.csv"], "bad.csv, line 3: the quantity '0' is out of range"),
        (["--set", "set.csv", "export", "csv", "out"], "belong behind the command"),
        (["--aliases", "set.csv"], "--aliases is for comparing with a list"),
        (["export", "bricklink-wanted", "out"], "what is there is not wanted any more"),
        (["export", "bricklink-upload", "out"], "BrickLink needs a price"),
        (["export", "bricklink-upload", "out", "--price", "0"], "--price 0 is not a number above 0"),
        (["export", "bricklink-upload", "out", "--set", "set.csv"], "what is missing cannot be sold"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(bins: Shell, arguments: list[str], what: str) -> None:
    (bins.folder / "bad.csv").write_text("Part,Color,Quantity\n3001,4,1\n3003,4,0\n")
    assert what in bins.fails("inventory", *arguments)
    assert not (bins.folder / "out").exists()
