"""`rig capture` as a user calls it, and what it leaves behind when it is stopped."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest

from rig.dataset.reader import read_dataset
from tests.acceptance.conftest import Shell


def _rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "captures" / "metadata.jsonl").read_text().splitlines()]


def _check_whole(folder: Path) -> int:
    """Every row has its readable image, every image its row; returns how many."""
    rows = _rows(folder)
    named = sorted(str(row["file_name"]) for row in rows)
    found = sorted(
        path.relative_to(folder / "captures").as_posix() for path in folder.glob("captures/*/[!.]*")
    )
    assert named == found
    for name in named:
        assert cv2.imread(str(folder / "captures" / name)) is not None
    return len(rows)


def test_views_of_a_part_are_where_it_says(shell: Shell) -> None:
    done = shell.run("capture", "--part", "3001", "--steps", "8")
    assert done.returncode == 0, done.stderr
    assert "8 views of 3001 are in captures/3001" in done.stdout
    assert done.stderr.count("Simulated rig (no rig.toml here).") == 1
    assert _check_whole(shell.folder) == 8
    rows = _rows(shell.folder)
    assert [row["angle_deg"] for row in rows] == [0, 45, 90, 135, 180, 225, 270, 315]
    assert [row["microsteps"] for row in rows] == [400 * step for step in range(8)]
    for row in rows:
        settled = float(str(row["exposed_from_s"])) - float(str(row["motion_end_s"]))
        assert settled >= 0.2
        assert row["source"] == "simulated"
        assert row["box"] is not None
    assert not list(shell.folder.glob("captures/.*.session.json"))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--part", "3001", "--steps", "0"), "--steps: 0 is out of range"),
        (("--part", "3001", "--steps", "-5"), "--steps: -5 is out of range"),
        (("--part", "3001", "--steps", "7.5"), "7.5"),
        (("--part", "3001", "--steps", "3201"), "3200"),
        (("--part", "../x"), "'../x'"),
        (("--part", ""), "part number"),
        (("--part", "a/b"), "'a/b'"),
        (("--part", "9999"), "9999"),
        ((), "--part"),
        (("--resume",), "no unfinished session"),
        (("--resume", "--part", "3001"), "--resume"),
        (("--resume", "--sweep"), "--resume"),
        (("--part", "3001", "--steps", "3000", "--sweep"), "3000 views are too many for a sweep"),
        (("--colour",), "--colour"),
        (("--part", "3001", "--colour", "3"), "no colour 3"),
        (("--batch", "nowhere.csv"), "there is no file nowhere.csv"),
        (("--batch", "nowhere.csv", "--colour", "4"), "--colour"),
        (("--batch", "nowhere.csv", "--resume"), "--resume"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    shell: Shell, arguments: tuple[str, ...], named: str
) -> None:
    assert named in shell.fails("capture", *arguments)
    assert not list(shell.folder.rglob("*.jpg"))


def test_a_new_session_of_a_part_tells_of_one_that_is_unfinished(shell: Shell) -> None:
    process = shell.start("capture", "--part", "3003", "--steps", "36")
    while not list(shell.folder.glob("captures/3003/*.jpg")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    unfinished = "An earlier session of 3003 is unfinished"
    assert unfinished in shell.run("capture", "--part", "3003", "--steps", "1").stderr
    assert unfinished not in shell.run("capture", "--part", "3004", "--steps", "1").stderr
    [plan] = (shell.folder / "captures").glob(".*.session.json")
    plan.write_text("{")
    done = shell.run("capture", "--part", "3003", "--steps", "1")
    assert done.returncode == 0, done.stderr
    assert f"{plan.name} is damaged" in done.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_session_is_whole_and_can_be_resumed(shell: Shell, how: signal.Signals) -> None:
    process = shell.start("capture", "--part", "3003", "--steps", "36")
    while len(list(shell.folder.glob("captures/3003/*.jpg"))) < 5:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(how)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == (-how if how == signal.SIGKILL else 130), stderr
    assert "Traceback" not in stderr
    if how != signal.SIGKILL:
        assert "rig: stopped" in stderr
        assert "rig capture --resume" in stderr
    before = {path.name: path.read_bytes() for path in shell.folder.glob("captures/3003/*.jpg")}
    assert 5 <= len(before) < 36

    done = shell.run("capture", "--resume")
    assert done.returncode == 0, done.stderr
    assert _check_whole(shell.folder) == 36
    angles = [row["angle_deg"] for row in _rows(shell.folder)]
    assert sorted(angles) == [10 * step for step in range(36)]
    rows = {str(row["file_name"]).split("/")[1] for row in _rows(shell.folder)}
    kept = [
        name
        for name, content in before.items()
        if (shell.folder / "captures/3003" / name).read_bytes() == content
    ]
    assert len(kept) >= len(before) - 1
    assert rows >= before.keys()
    assert len({str(row["physical_part"]) for row in _rows(shell.folder)}) == 1


def test_the_same_seed_gives_the_same_bytes(shell: Shell) -> None:
    for folder in ("a", "b"):
        text = f'[sim]\nenabled = true\nseed = 3\n[paths]\ncaptures = "{folder}"\n'
        (shell.folder / "rig.toml").write_text(text)
        shell.json("capture", "--part", "3039", "--steps", "5")
    first, second = (
        [path.read_bytes() for path in sorted(shell.folder.glob(f"{name}/3039/*.jpg"))] for name in ("a", "b")
    )
    assert len(first) == 5
    assert first == second


def test_what_is_said_of_a_brick_is_in_every_row(shell: Shell) -> None:
    words = "--part 3001 --steps 2 --colour red --pose upright,on-its-side --poses 3 --physical-part red-1"
    shell.json("capture", *words.split())
    rows = _rows(shell.folder)
    assert {(row["colour"], row["physical_part"]) for row in rows} == {(4, "red-1")}
    names = ["upright", "on-its-side", None]
    assert [row["pose_name"] for row in rows] == [name for name in names for _ in range(2)]


def test_two_sessions_of_one_brick_are_one_group(shell: Shell) -> None:
    for brick in ("red-1", "red-1", "red-2"):
        shell.json("capture", "--part", "3001", "--steps", "2", "--physical-part", brick)
    (stats,) = shell.json("dataset", "stats")["parts"]
    assert (stats["sessions"], stats["physical_parts"], stats["groups"]) == (3, 2, 2)
    groups: dict[str, set[str]] = {}
    for sample in read_dataset(shell.folder / "captures", least_classes=1).samples:
        groups.setdefault(sample.group, set()).add(sample.path.name.split("_")[0])
    assert sorted(map(len, groups.values())) == [1, 2]


@pytest.fixture
def busy(shell: Shell) -> Iterator[subprocess.Popen[str]]:
    """A capture that takes its time."""
    (shell.folder / "rig.toml").write_text("[sim]\nenabled = true\nreal_time = true\n")
    with shell.start("capture", "--part", "3001", "--steps", "72") as process:
        while not list(shell.folder.glob("captures/3001/*.jpg")):
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        yield process
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def test_a_second_job_on_one_rig_is_refused_with_the_name_of_the_first(
    shell: Shell, busy: subprocess.Popen[str]
) -> None:
    first = f"the rig is in use by: rig capture --part 3001 --steps 72 (process {busy.pid})"
    for second in (("capture", "--part", "3003"), ("calibrate", "table")):
        said = shell.fails(*second)
        assert first in said
        assert "rig stop" in said
    assert first in shell.run("doctor", "--motion").stdout
    assert not (shell.folder / "captures" / "3003").exists()


def test_a_list_is_captured_and_what_became_of_it_is_said(shell: Shell) -> None:
    (shell.folder / "parts.csv").write_text("part;colour;steps\r\n3001;4;2\r\n\r\n3003;;\r\n")
    told = shell.json("capture", "--batch", "parts.csv", "--steps", "3")
    assert (told["captured"], told["skipped"]) == (2, 0)
    assert [(row["line"], row["part"], row["views"]) for row in told["rows"]] == [
        (2, "3001", 2),
        (4, "3003", 3),
    ]
    assert _check_whole(shell.folder) == 5


def test_a_list_may_be_swept(shell: Shell) -> None:
    (shell.folder / "parts.csv").write_text("part\n3003\n3004\n")
    shell.json("capture", "--batch", "parts.csv", "--steps", "12", "--sweep")
    assert _check_whole(shell.folder) == 24
    assert all(row["measured_angle_deg"] is not None for row in _rows(shell.folder))


def test_a_killed_list_goes_on_with_the_same_command(shell: Shell) -> None:
    (shell.folder / "parts.csv").write_text("part\n3001\n3003\n3004\n")
    with shell.start("capture", "--batch", "parts.csv", "--steps", "8") as process:
        while len(list(shell.folder.glob("captures/3003/*.jpg"))) < 2:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.kill()
    done = shell.run("capture", "--batch", "parts.csv", "--steps", "8")
    assert done.returncode == 0, done.stderr
    assert "1 of 3 rows are done" in done.stderr
    assert _check_whole(shell.folder) == 24
    rows = _rows(shell.folder)
    assert len({row["session"] for row in rows}) == len({row["physical_part"] for row in rows}) == 3


def test_a_cable_that_was_pulled_is_told_once(shell: Shell) -> None:
    (shell.folder / "rig.toml").write_text('[sim]\nenabled = true\nfaults = "unplug"\n')
    said = shell.fails("capture", "--part", "3001", "--steps", "8")
    assert said.count("was unplugged or closed\n") == 1
    assert "could not switch the lamp off, for the same reason\n" in said
    assert "rig capture --resume" in said
    assert "plug the board in" in said
    assert "Errno" not in said


def test_a_motor_that_stalls_stops_the_session_with_the_reason(shell: Shell) -> None:
    (shell.folder / "rig.toml").write_text('[sim]\nenabled = true\nseed = 1\nfaults = "stall"\n')
    said = shell.fails("capture", "--part", "3001", "--steps", "24")
    assert "cannot be kept: the part has not turned since the last view" in said
    assert "rig doctor --motion" in said
    assert "rig capture --resume" in said
    kept = _check_whole(shell.folder)
    assert 5 < kept < 15
    (shell.folder / "rig.toml").write_text("[sim]\nenabled = true\n")
    assert shell.run("capture", "--resume").returncode == 0
    assert _check_whole(shell.folder) == 24


@pytest.mark.parametrize("words", ["--part 3001", "--batch parts.csv"])
def test_a_sweep_with_a_webcam_is_refused_before_anything_is_opened(shell: Shell, words: str) -> None:
    (shell.folder / "rig.toml").write_text('[serial]\nport = "/dev/nothing"\n[camera]\nkind = "webcam"\n')
    (shell.folder / "parts.csv").write_text("part\n3001\n")
    said = shell.fails("capture", *words.split(), "--sweep")
    assert "--sweep needs a Pi camera" in said
    assert "leave out --sweep, and the table stops for each view" in said
    assert not (shell.folder / "captures").exists()


def test_a_sweep_that_is_stopped_on_its_way_can_be_resumed(shell: Shell) -> None:
    rig_toml = shell.folder / "rig.toml"
    rig_toml.write_text("[sim]\nenabled = true\nreal_time = true\n")
    process = shell.start("capture", "--part", "3003", "--steps", "36", "--sweep")
    while len(list(shell.folder.glob("captures/3003/*.jpg"))) < 3:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert "rig capture --resume" in stderr
    assert 3 <= _check_whole(shell.folder) < 36

    rig_toml.write_text("[sim]\nenabled = true\n")
    done = shell.run("capture", "--resume")
    assert done.returncode == 0, done.stderr
    assert _check_whole(shell.folder) == 36
    rows = _rows(shell.folder)
    for row in rows:
        off_deg = float(str(row["measured_angle_deg"])) - float(str(row["angle_deg"]))
        assert abs((off_deg + 180) % 360 - 180) <= 0.5
        assert row["motion_end_s"] is None
        assert row["exposure_us"] == 1500
    assert {row["angle_deg"] for row in rows} == {10 * step for step in range(36)}
