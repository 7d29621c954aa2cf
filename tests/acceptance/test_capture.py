"""`rig capture` as a user calls it, and what it leaves behind when it is stopped."""

import json
import signal
import time
from pathlib import Path

import cv2
import pytest

from tests.acceptance.conftest import Shell


def _rows(folder: Path) -> list[dict[str, object]]:
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
        (("--part", "3001", "--steps", "0"), "--steps 0"),
        (("--part", "3001", "--steps", "-5"), "--steps -5"),
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
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    shell: Shell, arguments: tuple[str, ...], named: str
) -> None:
    assert named in shell.fails("capture", *arguments)
    assert not list(shell.folder.rglob("*.jpg"))


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
