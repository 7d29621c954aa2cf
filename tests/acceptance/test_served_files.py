"""What the daemon shows of a rig's files is what the commands say of them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import PARTS, Shell, Trained
from tests.daemon.served import Served, serving


@pytest.fixture(scope="module")
def shell(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Captured, trained, and ten parts sorted."""
    folder = tmp_path_factory.mktemp("station")
    shutil.copytree(trained.shell.folder / "captures", folder / "captures")
    (folder / "models").symlink_to(trained.shell.folder / "models")
    shell = Shell(folder)
    shell.json("sort", "--count", "10")
    return shell


@pytest.fixture(scope="module")
def served(shell: Shell) -> Iterator[Served]:
    """The same, served."""
    with serving(shell.folder) as running:
        yield running


def test_the_dataset_is_that_of_the_command(shell: Shell, served: Served) -> None:
    stats = shell.json("dataset", "stats")
    told = served.json("/captures")
    assert told["pictures"] == told["simulated"] == stats["total"]["images"] == 108
    assert [
        (part["part"], part["pictures"], part["sessions"], part["poses"]) for part in told["classes"]
    ] == [(part["label"], part["images"], part["sessions"], part["poses"]) for part in stats["parts"]]
    sessions = served.json("/sessions")
    assert sessions["total"] == 9
    newest = sessions["sessions"][0]
    assert (newest["part"], newest["pictures"], newest["planned"]) == (PARTS[-1], 12, None)
    first = served.json(f"/sessions/{newest['session']}?limit=1")["pictures"][0]
    content = served.get(f"/captures/{first['file_name']}").body
    assert content == (shell.folder / "captures" / first["file_name"]).read_bytes()
    assert len(served.get(f"/captures/{first['file_name']}?width_px=160").body) < len(content)
    assert served.get(f"/captures/{PARTS[0]}/sheet.jpg").status == 200


def test_models_and_their_reports_are_those_of_the_command(shell: Shell, served: Served) -> None:
    (listed,) = shell.json("model", "list")["models"]
    (told,) = served.json("/models")["models"]
    assert (told["name"], told["in_use"], told["labels_count"]) == (
        listed["name"],
        listed["in_use"],
        len(PARTS),
    )
    assert served.json("/models/small")["card"] == shell.json("model", "show", "small")["card"]
    report = shell.folder / "models" / "small" / "report"
    assert served.get("/models/small/report/index.html").body == (report / "index.html").read_bytes()
    mistakes = sorted(report.glob("mistakes/*/*/*.jpg"))
    for mistake in mistakes[:1]:
        path = mistake.relative_to(report).as_posix()
        assert served.get(f"/models/small/report/{path}").body == mistake.read_bytes()


def test_a_picture_is_named_as_by_the_command(shell: Shell, served: Served) -> None:
    path = sorted((shell.folder / "captures" / PARTS[1]).glob("*.jpg"))[0]
    (named,) = shell.json("classify", path)["images"]
    told = served.ask("POST", "/classify", path.read_bytes(), {"Content-Type": "image/jpeg"}).json
    assert (told["stranger"], told["box"] is not None) == (named["stranger"], named["found"])
    assert told["candidates"] == named["candidates"]


def test_what_was_sorted_is_what_the_commands_count(shell: Shell, served: Served) -> None:
    (run,) = served.json("/runs")["runs"]
    assert (run["source"], run["models"], run["parts"]) == ("simulated", ["small"], 10)
    told = served.json(f"/runs/{run['run']}")
    assert sum(told["bins"].values()) == run["dropped"]
    assert {bin_["name"]: bin_["level"] for bin_ in served.json("/bins") if bin_["level"]} == told["bins"]
    parts = served.json(f"/runs/{run['run']}/parts?order=newest")["parts"]
    assert [part["number"] for part in parts] == list(range(10, 0, -1))
    for part in parts:
        for look in part["looks"]:
            kept = shell.folder / "ledger_simulated" / look["picture"]
            assert served.get(f"/ledger/pictures/{look['picture']}").body == kept.read_bytes()
    assert served.json("/inventory") == shell.json("inventory")


def test_the_queue_is_that_of_the_command_and_answers_join(shell: Shell, served: Served) -> None:
    waiting = shell.json("review", "--below", "1")["waiting"]
    told = served.json("/review?below=1")
    assert [part["id"] for part in told["parts"]] == [part["id"] for part in waiting]
    assert told["waiting"] == len(waiting) > 0
    shown = [f"ledger_simulated/{look['picture']}" for look in told["parts"][0]["pictures"]]
    assert [str(Path(picture)) for picture in shown] == [
        str(Path(picture)) for picture in waiting[0]["pictures"]
    ]
    useful = served.json("/review?below=1&by=use&limit=3")["parts"]
    listed = shell.json("review", "--below", "1", "--most-useful", "3")["waiting"]
    assert [part["id"] for part in useful] == [part["id"] for part in listed]
    first = told["parts"][0]["id"]
    said = served.send("POST", f"/review/{first}?below=1", {"verdict": "named", "part": PARTS[0]}).json
    assert said["added"] == len(shown)
    assert served.json("/captures")["pictures"] == 108 + said["added"]
    assert shell.json("dataset", "stats")["total"]["images"] == 108 + said["added"]
    assert served.send("POST", "/review/undo").json["removed"] == said["added"]
    assert served.json("/captures")["pictures"] == 108


def test_it_can_be_looked_at_while_a_rig_sorts(shell: Shell, served: Served) -> None:
    """Another process writes the ledger, and then this one the bins that it reads."""
    seen: list[int] = []
    with shell.start("sort", "--count", "6") as sorting:
        while sorting.poll() is None:
            newest = served.json("/runs?limit=1")["runs"][0]
            parts = served.json(f"/runs/{newest['run']}/parts?order=newest&limit=1")["parts"]
            seen.append(parts[0]["id"])
            assert served.send("POST", "/bins/reject/emptied").status == 200
        assert sorting.stderr is not None
        assert sorting.returncode == 0, sorting.stderr.read()
    assert seen == sorted(seen)
    assert served.json("/runs")["total"] == 2
