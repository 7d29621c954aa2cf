"""A disk that fills up, or turns read-only, while capturing: one clear line, whole files, and it goes on."""

import json
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import cv2
import pytest

from tests.acceptance.conftest import Shell
from tests.vision.single_minded import write_single_minded


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 900 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=900k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root may mount the small file system that this needs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_loses_nothing(small_disk: Path) -> None:
    shell = Shell(small_disk)
    captures = small_disk / "captures"
    padding = small_disk / "padding"
    padding.write_bytes(b"x" * 730_000)

    said = shell.fails("capture", "--part", "3001", "--steps", "12")
    assert "No space left" in said
    assert "free some space" in said
    images = sorted(path.relative_to(captures).as_posix() for path in captures.glob("3001/*"))
    rows = [json.loads(line)["file_name"] for line in (captures / "metadata.jsonl").read_text().splitlines()]
    assert 0 < len(rows) < 12
    assert set(images) - set(rows) <= set(images[-1:])
    assert all(cv2.imread(str(captures / name)) is not None for name in images)

    padding.unlink()
    assert shell.run("capture", "--resume").returncode == 0
    rows = [json.loads(line)["file_name"] for line in (captures / "metadata.jsonl").read_text().splitlines()]
    assert len(rows) == len(set(rows)) == len(list(captures.glob("3001/*"))) == 12


def _remount(folder: Path, how: str) -> bool:
    """False while somebody has a file open for writing there."""
    ran = subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], capture_output=True, check=False)
    return ran.returncode == 0


def test_a_disk_that_turns_read_only_loses_nothing(small_disk: Path) -> None:
    shell = Shell(small_disk)
    captures = small_disk / "captures"
    (small_disk / "rig.toml").write_text("[sim]\nenabled = true\nreal_time = true\n")
    with shell.start("capture", "--part", "3001", "--steps", "16") as process:
        while len(list(captures.glob("3001/*.jpg"))) < 3 or not _remount(small_disk, "ro"):
            assert process.poll() is None
            time.sleep(0.005)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    (said,) = [line for line in stderr.splitlines() if line.startswith("rig: ")]
    assert "Read-only file system" in said
    assert "complete the session with: rig capture --resume" in stderr
    assert "Read-only file system" in shell.fails("capture", "--resume")
    assert "Read-only file system" in shell.fails("capture", "--part", "3003", "--steps", "2")

    assert _remount(small_disk, "rw")
    (small_disk / "rig.toml").unlink()
    assert shell.run("capture", "--resume").returncode == 0
    rows = [json.loads(line)["file_name"] for line in (captures / "metadata.jsonl").read_text().splitlines()]
    assert sorted(rows) == sorted(f"3001/{path.name}" for path in captures.glob("3001/*"))
    assert len(rows) == 16


def test_a_disk_that_fills_up_while_sorting_moves_no_part_that_is_not_on_record(
    small_disk: Path, tmp_path: Path
) -> None:
    shell = Shell(small_disk)
    model = write_single_minded(tmp_path / "model", "3004", labels=("3001", "3004"))
    padding = small_disk / "padding"
    padding.write_bytes(b"x" * 550_000)
    said = shell.fails("sort", "--count", "1000", "--model", model.folder)
    assert "No space left" in said or "disk is full" in said
    assert "what was sorted is on record" in said
    with closing(sqlite3.connect(small_disk / "ledger_simulated" / "ledger.sqlite3")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = database.execute("SELECT outcome, picture FROM parts ORDER BY id").fetchall()
    assert rows
    assert {outcome for outcome, _ in rows[:-1]} <= {"dropped"}
    assert all(cv2.imread(str(small_disk / "ledger_simulated" / picture)) is not None for _, picture in rows)
    padding.unlink()
    done = shell.run("sort", "--count", "1", "--model", model.folder)
    assert done.returncode == 0, done.stderr
    assert ("cut short" in done.stderr) == (rows[-1][0] == "decided")
