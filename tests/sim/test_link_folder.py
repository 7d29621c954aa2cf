"""The folders of simulated boards: none is left over for long, and none that is in use goes."""

import fcntl
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from rig.sim.link_folder import link_folder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")

_OWNER = """
from rig.sim.link_folder import link_folder
with link_folder() as folder:
    print(folder, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


@contextmanager
def owner() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that has a folder, until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", _OWNER],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())


def test_what_a_killed_process_left_is_swept_away_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "simulated-board-notes").write_text("no folder")
    (tmp_path / "simulated-board-elsewhere").symlink_to(tmp_path / "mine")
    (tmp_path / "mine").mkdir()
    with owner() as (_, living), owner() as (victim, left_over):
        (left_over / "usb").symlink_to("/dev/null")
        victim.kill()
        victim.wait()
        assert left_over.is_dir()
        with link_folder() as folder:
            assert not left_over.exists()
            assert living.is_dir()
            assert folder.is_dir()
    assert {path.name for path in tmp_path.iterdir()} == {
        "mine",
        "simulated-board-elsewhere",
        "simulated-board-notes",
    }


def test_a_folder_that_is_swept_away_before_it_is_locked_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Path] = []
    make = tempfile.mkdtemp

    def make_and_be_swept(prefix: str) -> str:
        folder = Path(make(prefix=prefix))
        made.append(folder)
        if len(made) == 1:
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)

            def sweep() -> None:
                folder.rmdir()
                os.close(lock)

            # Whether that is before or after it is opened: it must be made anew.
            threading.Timer(0.1, sweep).start()
        return str(folder)

    monkeypatch.setattr(tempfile, "mkdtemp", make_and_be_swept)
    with link_folder() as folder:
        assert made == [made[0], folder]
        assert folder.is_dir()


def test_those_that_come_and_go_at_once_do_not_harm_each_other() -> None:
    def use(_: int) -> bool:
        with link_folder() as folder:
            (folder / "usb").symlink_to("/dev/null")
            return (folder / "usb").is_symlink()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(200)))
