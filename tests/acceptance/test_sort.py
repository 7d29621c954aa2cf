"""`rig sort` on the simulated rig: decisions in the ledger, parts in their bins, and what bad input says."""

import signal
import sqlite3
import time
from pathlib import Path

import pytest

from tests.acceptance.conftest import Shell, Trained


@pytest.fixture
def desk(trained: Trained, tmp_path: Path) -> Shell:
    """A folder with a trained model and an empty ledger."""
    (tmp_path / "models").symlink_to(trained.shell.folder / "models")
    return Shell(tmp_path)


def _ledger(shell: Shell) -> list[tuple[str, ...]]:
    database = sqlite3.connect(shell.folder / "ledger" / "ledger.sqlite3")
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
        assert true_part in ("3001", "3004")
        assert (desk.folder / "ledger" / picture).stat().st_size > 1000
    assert Path(desk.folder / document["report"]).read_text().count("<img") == 5


def test_the_table_names_the_figures(desk: Shell) -> None:
    done = desk.run("sort", "--count", "2")
    assert done.returncode == 0, done.stderr
    for word in ("parts sorted", "rejects", "top-1", "parts a minute", "Report:"):
        assert word in done.stdout


def test_a_threshold_nobody_reaches_rejects_every_part(desk: Shell) -> None:
    (desk.folder / "rig.toml").write_text("[sim]\nenabled = true\n[sorting]\nreject_threshold = 1.0\n")
    desk.json("sort", "--count", "3")
    assert [row[:2] for row in _ledger(desk)] == [(None, "reject")] * 3


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_what_was_decided_before_a_stop_is_on_record(desk: Shell, how: signal.Signals) -> None:
    process = desk.start("sort", "--count", "1000")
    pictures = desk.folder / "ledger" / "pictures"
    while len(list(pictures.glob("*/*.jpg"))) < 4:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(how)
    process.communicate(timeout=60)
    rows = _ledger(desk)
    assert len(rows) >= 3
    assert all(row[2] == "dropped" for row in rows[:-1])


def test_a_model_whose_labels_have_no_bin_is_refused(desk: Shell) -> None:
    text = '[sim]\nenabled = true\n[[bins]]\nname = "reject"\nchute_deg = 0\n'
    text += '[[bins]]\nname = "a"\nchute_deg = 20\nparts = ["3001"]\n'
    (desk.folder / "rig.toml").write_text(text)
    assert "3004" in desk.fails("sort")
    assert not (desk.folder / "ledger").exists()


def test_no_model_at_all_points_to_training(shell: Shell) -> None:
    assert "rig train" in shell.fails("sort")


@pytest.mark.parametrize("count", ["0", "-1", "x"])
def test_a_count_that_is_none_is_refused(desk: Shell, count: str) -> None:
    assert "--count" in desk.fails("sort", "--count", count)
