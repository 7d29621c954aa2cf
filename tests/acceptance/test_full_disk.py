"""A disk that fills up while capturing: one clear line, whole files, a resumable session."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from tests.acceptance.conftest import Shell


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 500 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=500k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root may mount the small file system that this needs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_loses_nothing(small_disk: Path) -> None:
    shell = Shell(small_disk)
    captures = small_disk / "captures"
    padding = small_disk / "padding"
    padding.write_bytes(b"x" * 330_000)

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
