"""Folders for the stable names of simulated boards; those of processes that were killed are swept away."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_PREFIX = "simulated-board-"


@contextmanager
def link_folder() -> Iterator[Path]:
    """A folder that is locked until it is removed at the end; those that nobody has locked go first.

    The system releases a lock however its process ends.
    """
    _sweep(Path(tempfile.gettempdir()))
    folder, lock = _locked_folder()
    try:
        yield folder
    finally:
        with suppress(FileNotFoundError):  # whoever tidies up there was first
            shutil.rmtree(folder)
        os.close(lock)


def _locked_folder() -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        with suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Before it was locked, another process may have swept it away.
            if folder.exists():
                return folder, lock
            os.close(lock)


def _sweep(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        # It is another user's, or has gone meanwhile.
        with suppress(PermissionError, FileNotFoundError, NotADirectoryError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            except BlockingIOError:
                pass  # its board runs
            finally:
                os.close(lock)
