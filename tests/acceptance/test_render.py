"""`rig sim render`, as a user types it, interrupts it, and loses workers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rig.dataset.reader import decode_image
from tests.acceptance.conftest import RIG, Shell
from tests.dataset.pictures import contents

SMALL = (
    "--parts",
    "3003,3004",
    "--placements",
    "4",
    "--views",
    "8",
    "--width",
    "96",
    "--height",
    "72",
    "--quality",
    "fast",
)
PICTURES = 2 * 4 * 8


def render(*options: str) -> tuple[str, ...]:
    return ("sim", "render", *SMALL, *options)


def begin(folder: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """Start two workers, in a group of processes like that of a terminal, and wait for some pictures."""
    before = len(_pictures(folder))
    process = subprocess.Popen(
        [RIG, *render("--workers", "2")],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    _until(lambda: len(_pictures(folder)) >= before + 3)
    workers = [child for child in _children(process.pid) if b"spawn_main" in _command_line(child)]
    assert len(workers) == 2
    return process, workers


def ended(process: subprocess.Popen[str], workers: list[int]) -> str:
    """What it said; by then no worker runs any more."""
    said = process.communicate(timeout=60)[1]
    _until(lambda: not any(map(_runs, workers)))
    assert "Traceback" not in said
    assert "KeyboardInterrupt" not in said
    return said


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_however_it_ends_the_same_command_goes_on(tmp_path: Path) -> None:
    killed, workers = begin(tmp_path)
    killed.kill()
    ended(killed, workers)

    bereft, workers = begin(tmp_path)
    os.kill(workers[0], signal.SIGKILL)
    said = ended(bereft, workers)
    assert bereft.returncode == 1
    assert "rig: a worker process was killed, perhaps for want of memory\n" in said
    assert said.count("rig: ") == 1

    interrupted, workers = begin(tmp_path)
    os.killpg(interrupted.pid, signal.SIGINT)
    said = ended(interrupted, workers)
    assert interrupted.returncode == 130
    assert said.endswith(
        "rig: stopped\n     what was rendered is kept; the same command goes on with the rest\n"
    )

    for path in (*_pictures(tmp_path), *tmp_path.glob("renders.truth/*/[!.]*.png")):
        decode_image(path.read_bytes(), path)
    there = len(list(tmp_path.glob("renders.truth/*/*.jsonl")))
    rendered = Shell(tmp_path).json(*render("--workers", "2"))["rendered"]
    assert rendered == {"pictures": PICTURES, "new": PICTURES - 8 * there, "in_set": PICTURES}
    assert not list(tmp_path.rglob(".*.tmp"))

    whole = Shell(tmp_path / "whole")
    whole.folder.mkdir()
    for share in ("2/2", "1/2"):
        document = whole.json(*render("--workers", "1", "--shard", share))
        assert (document["share"], document["rendered"]["new"]) == (share, PICTURES // 2)
    for name in ("renders", "renders.truth"):
        assert contents(tmp_path / name) == contents(whole.folder / name)


def test_what_cannot_be_is_one_clear_line(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    assert "no part 99999" in shell.fails("sim", "render", "--parts", "99999")
    assert "--shard 3/16" in shell.fails(*render("--shard", "5/4"))
    (tmp_path / "renders").write_text("a file")
    assert "renders is no folder" in shell.fails(*render())
    assert [path.name for path in tmp_path.iterdir()] == ["renders"]


def _pictures(folder: Path) -> list[Path]:
    return list(folder.glob("renders/*/[!.]*.jpg"))


def _children(process: int) -> list[int]:
    """The processes that a process has started, as Linux lists them."""
    listed = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(child) for child in listed.split()]


def _command_line(process: int) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()


def _runs(process: int) -> bool:
    """Whether it is more than an entry that nobody has read yet."""
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
