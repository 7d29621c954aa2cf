"""Files that are whole or absent: temporary file, fsync, rename, fsync of the folder."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rig.errors import StorageError

_HINTS = {
    errno.ENOSPC: "free some space, then go on where it stopped",
    errno.EDQUOT: "your disk quota is used up: free some space, then go on where it stopped",
    errno.EROFS: "the disk is read-only: check it and mount it for writing",
    errno.EACCES: "you may not write there: check the folder's owner and permissions",
    errno.EPERM: "you may not write there: check the folder's owner and permissions",
}


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an OSError on `path` into a StorageError that says what to do."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(
            f"{path} cannot be written: {reason}", hint=_HINTS.get(error.errno or 0, "check the disk")
        ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path`, creating its folder; whatever happens, `path` is never half written.

    Raises:
        StorageError: the disk is full, read-only or gone; `path` is as it was before.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Hidden, so that no reader of class folders takes it for an image.
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def append_line(path: Path, line: str) -> None:
    """Append one line; a line that a crash tore off earlier is cut away first.

    Raises:
        StorageError: the disk is full, read-only or gone; no part of the line stays.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered, so that nothing of a failed line is left to be written when the file is closed.
        with path.open("ab+", buffering=0) as file:
            end = _end_of_last_whole_line(file.fileno())
            file.truncate(end)
            content = line.encode() + b"\n"
            try:
                while content:
                    content = content[file.write(content) :]
                os.fsync(file.fileno())
            except OSError:
                file.truncate(end)
                raise


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive a power cut, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _end_of_last_whole_line(descriptor: int) -> int:
    end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - 4096)
        newline = os.pread(descriptor, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
