"""`rig plan`, and `rig sort` following it pass by pass on the simulated rig."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from rig.catalog import PartNumber
from rig.sorting.plan_file import write_plan
from rig.sorting.planning import optimal_plan
from tests.acceptance.conftest import PARTS, Shell, Trained

_TWO_BINS = """
[sim]
enabled = true
seed = 3
[sorting]
reject_threshold = 0.0
[[bins]]
name = "reject"
chute_deg = 0
[[bins]]
name = "left"
chute_deg = 60
[[bins]]
name = "right"
chute_deg = 120
"""


@pytest.fixture
def desk(trained: Trained, tmp_path: Path) -> Shell:
    """A rig with two bins, and a model that knows three parts."""
    (tmp_path / "models").symlink_to(trained.shell.folder / "models")
    (tmp_path / "rig.toml").write_text(_TWO_BINS)
    return Shell(tmp_path)


def test_a_bin_is_called_by_its_very_name(desk: Shell) -> None:
    name = "[/left] :brick: [b]"
    (desk.folder / "rig.toml").write_text(_TWO_BINS.replace('"left"', f'"{name}"'))
    planned = desk.run("plan", "--model", "small", "--out", "plan.toml")
    assert planned.returncode == 0, planned.stderr
    assert name in planned.stdout
    followed = desk.run("sort", "--plan", "plan.toml", "--count", "4")
    assert followed.returncode == 0, followed.stderr
    assert name in followed.stdout


def test_three_parts_are_sorted_into_two_bins_in_two_passes(desk: Shell) -> None:
    document = desk.json("plan", "--model", "small", "--out", "plan.toml")
    assert (document["parts"], document["touches"], len(document["plan"]["passes"])) == (3, 5, 2)
    assert (desk.folder / document["picture"]).read_text().startswith("<svg")
    first = {
        part: content["bin_name"]
        for content in document["plan"]["passes"][0]["bins"]
        for part in content["classes"]
    }
    assert sorted(first) == sorted(PARTS)

    followed = desk.json("sort", "--plan", "plan.toml", "--count", "4")
    assert (followed["pass"]["number"], followed["next_pass"]["number"]) == (1, 2)
    assert [bin_ for _, bin_ in _decided(desk)] == [first[part] for part, _ in _decided(desk)]

    done = desk.run("sort", "--plan", "plan.toml", "--pass", "2", "--count", "3")
    assert done.returncode == 0, done.stderr
    assert "Pass 2 of 2: feed what bin" in done.stderr
    assert "That is the last pass." in done.stdout
    again = {
        part: content["bin_name"]
        for content in document["plan"]["passes"][1]["bins"]
        for part in content["classes"]
    }
    # What the model takes a part for need not be one of those that are fed.
    assert [bin_ for _, bin_ in _decided(desk)[4:]] == [
        again.get(part, "reject") for part, _ in _decided(desk)[4:]
    ]
    # Of what was fed twice the ledger expects each part once.
    assert desk.json("plan")["parts"] == 4


def _decided(shell: Shell) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(shell.folder / "ledger_simulated" / "ledger.sqlite3")) as database:
        return database.execute("SELECT part, bin FROM parts ORDER BY id").fetchall()


def test_a_plan_that_cannot_be_followed_is_one_clear_line(desk: Shell) -> None:
    _write(desk, "strange.toml", [*PARTS, "98138"], ["left", "right"])
    _write(desk, "wide.toml", PARTS, ["left", "right", "middle"])
    assert "does not know: 98138" in desk.fails("sort", "--plan", "strange.toml")
    assert "rig.toml has not" in desk.fails("sort", "--plan", "wide.toml")
    assert "--plan plan.toml --pass 2" in desk.fails("sort", "--pass", "2")
    assert not (desk.folder / "ledger_simulated").exists()


def _write(shell: Shell, name: str, parts: Sequence[str], bins: Sequence[str]) -> None:
    write_plan(shell.folder / name, optimal_plan({PartNumber(part): 1 for part in parts}, bins))


def test_a_plan_that_is_there_is_kept(shell: Shell) -> None:
    (shell.folder / "counts.csv").write_text("part,count\n3001,5\n3004,1\n3039,2\n")
    made = shell.run("plan", "--counts", "counts.csv", "--bins", "2", "--capacity", "2", "--out", "plan.toml")
    assert made.returncode == 0, made.stderr
    for said in ("Pass 2: feed what bin", "kept for pass 2", "touches a part", "emptied meanwhile"):
        assert said in made.stdout
    before = (shell.folder / "plan.toml").read_text()
    assert "is there already" in shell.fails("plan", "--counts", "counts.csv", "--out", "plan.toml")
    assert (shell.folder / "plan.toml").read_text() == before
    assert "--counts" in shell.fails("plan")
