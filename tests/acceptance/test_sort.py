"""`rig sort` on the simulated rig: decisions in the ledger, parts in their bins, and what bad input says."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rig.catalog import PartNumber
from rig.cli.settings import counted
from rig.sorting.evidence import Decision
from rig.sorting.ledger import Ledger, RunId
from rig.vision.classifier import Candidate
from tests.acceptance.conftest import PARTS, Shell, Trained


@pytest.fixture
def desk(trained: Trained, tmp_path: Path) -> Shell:
    """A folder with a trained model and an empty ledger."""
    (tmp_path / "models").symlink_to(trained.shell.folder / "models")
    return Shell(tmp_path)


def _ledger(shell: Shell) -> list[tuple[str | None, str, str, str | None, str | None]]:
    """Part, bin, outcome, true part and picture of each row."""
    database = sqlite3.connect(shell.folder / "ledger_simulated" / "ledger.sqlite3")
    try:
        return database.execute(
            "SELECT part, bin, outcome, true_part, picture FROM parts ORDER BY id"
        ).fetchall()
    finally:
        database.close()


def test_every_part_is_decided_dropped_and_on_record(desk: Shell) -> None:
    document = desk.json("sort", "--count", "5")
    rows = _ledger(desk)
    assert len(rows) == document["summary"]["parts"] == 5
    for part, bin_name, outcome, true_part, picture in rows:
        assert bin_name == (part or "reject")
        assert outcome == "dropped"
        assert true_part in PARTS
        assert picture is not None
        assert (desk.folder / "ledger_simulated" / picture).stat().st_size > 1000
    with closing(sqlite3.connect(desk.folder / "ledger_simulated" / "ledger.sqlite3")) as database:
        (looks,) = database.execute("SELECT count(*) FROM views").fetchone()
    assert looks >= 5
    assert Path(desk.folder / document["report"]).read_text().count("<img") == looks


def test_the_table_names_the_figures(desk: Shell) -> None:
    done = desk.run("sort", "--count", "2")
    assert done.returncode == 0, done.stderr
    for word in ("parts sorted", "rejects", "top-1", "parts a minute", "Report:"):
        assert word in done.stdout
    assert "┃" not in done.stdout, "the table has a header, and nothing in it"


def test_a_threshold_of_certainty_rejects_every_part_that_leaves_a_doubt(desk: Shell) -> None:
    (desk.folder / "rig.toml").write_text("[sim]\nenabled = true\n[sorting]\nreject_threshold = 1.0\n")
    done = desk.run("sort", "--count", "3")
    assert done.returncode == 0, done.stderr
    assert "less than 100.0% sure of after 4 looks are rejected" in " ".join(done.stderr.split())
    assert "held-out parts" in done.stderr
    with closing(sqlite3.connect(desk.folder / "ledger_simulated" / "ledger.sqlite3")) as database:
        rows = database.execute("SELECT part, bin, probability FROM parts").fetchall()
    assert len(rows) == 3
    rejected = [row[:2] for row in rows if row[2] < 1.0]
    assert rejected == [(None, "reject")] * len(rejected)
    if rejected:
        waiting = f"Of this run {counted(len(rejected), 'part')} may wait for a name"
        assert waiting in " ".join(done.stdout.split())


_MIXED_PILE = """
[sim]
enabled = true
seed = 2
[sim.pile]
parts = { 3001 = 2, 3004 = 1 }
damaged = 0.3
foreign = 0.3
foreign_parts = ["2456", "3010"]
stuck = 0.3
stays = 0.2
"""


def test_the_summary_tells_what_became_of_odd_pieces(desk: Shell) -> None:
    (desk.folder / "rig.toml").write_text(_MIXED_PILE)
    done = desk.run("sort", "--count", "8")
    assert done.returncode == 0, done.stderr
    [foreign] = [line for line in done.stdout.splitlines() if "foreign pieces" in line]
    with closing(sqlite3.connect(desk.folder / "ledger_simulated" / "ledger.sqlite3")) as database:
        truths = set(database.execute("SELECT true_kind, true_part FROM parts"))
        (rejected,) = database.execute(
            "SELECT count(*) FROM parts WHERE true_kind = 'foreign' AND outcome = 'dropped' AND part IS NULL"
        ).fetchone()
    assert (f"{rejected} rejected" in foreign) == (rejected > 0)
    assert {kind for kind, _ in truths} == {"sound", "damaged", "foreign", "stuck"}
    assert {part for kind, part in truths if kind == "foreign"} <= {"2456", "3010"}
    assert {part for kind, part in truths if kind == "stuck"} <= {
        f"{one}+{other}" for one in ("3001", "3004") for other in ("3001", "3004")
    }
    [report] = (desk.folder / "ledger_simulated" / "reports").iterdir()
    assert ", foreign</small>" in report.read_text()


_UNRULY_PILE = """
[sim]
enabled = true
seed = 2
[sim.pile]
stays = 0.4
bounces = 0.4
"""


def test_where_pieces_really_ended_is_on_record(desk: Shell) -> None:
    (desk.folder / "rig.toml").write_text(_UNRULY_PILE)
    summary = desk.json("sort", "--count", "12")["summary"]
    ends = summary["ends"]
    fates = _fates(desk)
    assert [number for number, *_ in fates] == list(range(ends["pieces"]))
    # Every part has left, by its last push; some of those before it moved nothing.
    assert summary["parts"] == 12
    assert sum(pushes for _, _, pushes, _, _ in fates) == 12 + ends["vain_pushes"]
    assert ends["vain_pushes"] > 0
    assert ends["bounced"] == sum(outcome == "bounced" for *_, outcome, _ in fates) > 0
    lie_there = [(bin_name, part) for _, part, _, outcome, bin_name in fates if outcome == "in_bin"]
    assert ends["right_bin"] == sum(bin_name == part for bin_name, part in lie_there)
    assert ends["right_bin"] + ends["other_bin"] == len(lie_there)
    [report] = (desk.folder / "ledger_simulated" / "reports").iterdir()
    assert f"sprung out of a bin {ends['bounced']}," in report.read_text()


def _fates(shell: Shell) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(shell.folder / "ledger_simulated" / "ledger.sqlite3")) as database:
        return database.execute(
            "SELECT number, true_part, pushes, outcome, bin FROM fates ORDER BY number"
        ).fetchall()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_was_decided_before_a_stop_is_on_record(desk: Shell, how: signal.Signals) -> None:
    process = desk.start("sort", "--count", "1000")
    pictures = desk.folder / "ledger_simulated" / "pictures"
    while len(list(pictures.glob("*/?????.jpg"))) < 4:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(how)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == (-how if how == signal.SIGKILL else 130)
    assert how == signal.SIGKILL or "rig: stopped" in stderr
    assert how == signal.SIGKILL or "what was sorted is on record" in stderr
    rows = _ledger(desk)
    assert len(rows) >= 3
    assert all(row[2] == "dropped" for row in rows[:-1])
    assert rows[-1][2] in ("dropped", "decided" if how == signal.SIGKILL else "unfinished")
    ended = [outcome for *_, outcome, _ in _fates(desk) if outcome != "stayed"]
    assert len(ended) >= len(rows) - 1


def test_a_part_that_was_under_way_at_a_kill_is_named_at_the_next_start(desk: Shell) -> None:
    with closing(_decided(desk)) as database:
        assert database.execute("SELECT outcome FROM parts").fetchall() == [("decided",)]
    done = desk.run("sort", "--count", "1")
    assert done.returncode == 0, done.stderr
    assert "Run gone was cut short at part 1 (3001, ledger_simulated/pictures/gone/00001.jpg)" in done.stderr
    assert "or in bin 3001. Its page: ledger_simulated/reports/gone.html" in done.stderr
    assert "(unfinished)" in (desk.folder / "ledger_simulated" / "reports" / "gone.html").read_text()
    assert [row[2] for row in _ledger(desk)] == ["unfinished", "dropped"]
    assert "cut short" not in desk.run("sort", "--count", "1").stderr


def _decided(desk: Shell) -> sqlite3.Connection:
    """What a run leaves that is killed after it has decided on its first part."""
    with Ledger(desk.folder / "ledger_simulated") as ledger:
        decision = Decision(PartNumber("3001"), 0.9, (Candidate("3001", 0.9),))
        picture = "pictures/gone/00001.jpg"
        ledger.record(RunId("gone"), "m", decision, bin_name="3001", picture=picture, truth=None)
    return sqlite3.connect(desk.folder / "ledger_simulated" / "ledger.sqlite3")


_JAMMED = '[[fault]]\nkind = "jam"\nmatches = "M280 P1 S110"\nat = 2\n'


def test_troubles_are_said_while_they_last_and_are_in_the_one_document(desk: Shell) -> None:
    (desk.folder / "fault.toml").write_text(_JAMMED)
    (desk.folder / "rig.toml").write_text('[sim]\nenabled = true\nfaults = "fault.toml"\n')
    done = desk.run("--json", "sort", "--count", "3")
    assert done.returncode == 0, done.stderr
    assert "did not leave the table after 2 pushes: free the way" in done.stderr
    assert "The way is free; sorting goes on." in done.stderr
    document = json.loads(done.stdout)
    assert document["summary"]["troubles"] == {"jam": 1}
    [picture] = (desk.folder / "ledger_simulated" / "troubles").glob("*/*.jpg")
    assert str(picture.relative_to(desk.folder)) in done.stderr


def test_a_bin_that_is_not_there_cannot_have_been_emptied(desk: Shell) -> None:
    assert "there is no bin 9999" in desk.fails("sort", "--emptied", "9999")


@pytest.mark.parametrize("fault", ["replug", "reset"])
def test_sorting_goes_on_when_a_lost_board_is_back(desk: Shell, fault: str) -> None:
    (desk.folder / "fault.toml").write_text(
        f'[[fault]]\nkind = "{fault}"\nmatches = "M280 P1 S110"\nat = 2\nduration_s = 1.0\n'
    )
    (desk.folder / "rig.toml").write_text('[sim]\nenabled = true\nfaults = "fault.toml"\n')
    done = desk.run("sort", "--count", "3")
    assert done.returncode == 0, done.stderr
    assert "Waiting for the board" in done.stderr
    assert "The board is back" in done.stderr
    assert [row[2] for row in _ledger(desk)].count("dropped") == 3


def test_a_supply_that_gives_way_again_and_again_ends_the_run(desk: Shell) -> None:
    (desk.folder / "fault.toml").write_text('[[fault]]\nkind = "brown-out"\nmatches = "M280 P1 S110"\n')
    (desk.folder / "rig.toml").write_text('[sim]\nenabled = true\nfaults = "fault.toml"\n')
    said = desk.fails("sort", "--count", "3")
    assert "restarted" in said
    assert "power supply" in said


def test_a_model_whose_labels_have_no_bin_is_refused(desk: Shell) -> None:
    text = '[sim]\nenabled = true\n[[bins]]\nname = "reject"\nchute_deg = 0\n'
    text += '[[bins]]\nname = "a"\nchute_deg = 20\nparts = ["3001"]\n'
    (desk.folder / "rig.toml").write_text(text)
    assert "3004" in desk.fails("sort")
    assert not (desk.folder / "ledger_simulated").exists()


def test_no_model_at_all_points_to_training(shell: Shell) -> None:
    assert "rig train" in shell.fails("sort")


@pytest.mark.parametrize("count", ["0", "-1", "x"])
def test_a_count_that_is_none_is_refused(desk: Shell, count: str) -> None:
    assert "--count" in desk.fails("sort", "--count", count)


def test_an_empty_pile_ends_the_run(desk: Shell) -> None:
    text = "[sim]\nenabled = true\nfeed_gap_s = 100000\n[sorting]\nwait_for_part_s = 2\n"
    (desk.folder / "rig.toml").write_text(text)
    done = desk.run("sort", "--count", "3")
    assert done.returncode == 0, done.stderr
    assert "the pile seems to be empty" in done.stderr
    assert _ledger(desk) == []


def test_sorting_and_classifying_never_load_tensorflow(desk: Shell) -> None:
    script = (
        "import sys, rig.cli.main\n"
        "sys.argv = ['rig', 'sort', '--count', '1']\n"
        "try:\n    rig.cli.main.main()\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=desk.folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


_BY_COLOUR = """
[sim]
enabled = true
seed = 5
[sim.pile]
colours = { red = 1, blue = 1 }
[feeder]
kind = "pin"
pin = 10
[sorting]
reject_threshold = 0.0
false_strangers = 0.0
[[bins]]
name = "reject"
chute_deg = 0
[[bins]]
name = "red"
chute_deg = 40
colours = ["red"]
[[bins]]
name = "others"
chute_deg = 80
rest = true
"""


def test_parts_are_sorted_and_counted_by_colour(desk: Shell) -> None:
    (desk.folder / "rig.toml").write_text(_BY_COLOUR)
    desk.json("sort", "--count", "8")
    with closing(sqlite3.connect(desk.folder / "ledger_simulated" / "ledger.sqlite3")) as database:
        seen = database.execute("SELECT bin, colour, colour_probability FROM parts ORDER BY id").fetchall()
        true = [colour for (colour,) in database.execute("SELECT colour FROM fates ORDER BY number")]
    assert {bin_name for bin_name, _, _ in seen} == {"red", "others"}
    for (bin_name, colour, probability), true_colour in zip(seen, true, strict=True):
        assert colour == (true_colour if probability >= 0.8 else None)
        assert bin_name == ("red" if colour == 4 else "others")
    lots = desk.json("inventory")["lots"]
    assert {lot["colour_name"] for lot in lots} >= {"Red", "Blue"}
    assert sum(lot["quantity"] for lot in lots) == 8
