"""Files that are whole or absent: temporary file, fsync, rename, fsync of the folder."""

import errno
import glob
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import IO

from rig.errors import StorageError

if sys.platform != "win32":
    import fcntl

_TEMPORARY = re.compile(r"\..+\.(?P<process>\d+)\.tmp")  # as `write_whole` names them

_HINTS = {
    errno.ENOSPC: "free some space, then go on where it stopped",
    errno.EDQUOT: "your disk quota is used up: free some space, then go on where it stopped",
    errno.EROFS: "the disk is read-only: check it and mount it for writing",
    errno.EACCES: "you may not write there: check the folder's owner and permissions",
    errno.EPERM: "you may not write there: check the folder's owner and permissions",
    errno.EEXIST: "a file has the name of a folder that is needed there: move it away",
    errno.ENOTDIR: "a file has the name of a folder that is needed there: move it away",
}


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn an OSError on `path` into a StorageError that says what to do."""
    try:
        yield
    except OSError as error:
        # Not `strerror`: some libraries fill it with a paragraph.
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise StorageError(
            f"{path} cannot be written: {reason}", hint=_HINTS.get(error.errno or 0, "check the disk")
        ) from error


def require_room(folder: Path, size: int) -> None:
    """For writers that die of a full disk without a word: ask for room before they begin.

    Args:
        folder: on the disk in question.
        size: in bytes.

    Raises:
        StorageError: there is less.
    """
    with storage_errors(folder):
        if shutil.disk_usage(folder).free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def from_here(path: Path) -> Path:
    """A path as it is called in the working folder: relative where it is below that."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def write_whole(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Put `content` at `path`, creating its folder; whatever happens, `path` is never half written.

    Args:
        mode: who may read and write it, such as 0o600; None leaves that to the umask.

    Raises:
        StorageError: the disk is full, read-only or gone; `path` is as it was before.
    """
    write_pieces_whole(path, [content], mode=mode)


def write_pieces_whole(path: Path, pieces: Iterable[bytes], *, mode: int | None = None) -> None:
    """The same for what is too large for memory, piece by piece.

    Raises:
        StorageError: the disk is full, read-only or gone; `path` is as it was before.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # Hidden, so that no reader of class folders takes it for an image.
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                if mode is not None:
                    temporary.chmod(mode)  # while nothing is in it
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def append_json_line(path: Path, line: str) -> None:
    """Append one line to a file of JSON lines; several processes may append to the same file.

    A last line that a crash tore off is cut away first; one that only lacks its newline is completed.

    Raises:
        StorageError: the disk is full, read-only or gone; no part of the line stays.
    """
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked_lines(path) as file:
            end = mend_last_line(file)
            is_new = end == 0
            content = line.encode() + b"\n"
            try:
                while content:
                    content = content[file.write(content) :]
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(end)
                raise
            if is_new:
                sync_folder(path.parent)


@contextmanager
def locked_lines(path: Path) -> Iterator[FileIO]:
    """Open a file of JSON lines to read and append, creating it; nobody else appends until the block ends.

    Raises:
        OSError: it cannot be opened.
    """
    while True:
        # Unbuffered, so that nothing of a failed line is left to be written when the file is closed.
        with path.open("ab+", buffering=0) as file, _locked(file):
            # Whoever held the lock before may have put another file in the place of this one.
            if path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat()):
                yield file
                return


def mend_last_line(file: FileIO) -> int:
    """Cut away a last line that a crash tore off, or complete one that only lacks its newline.

    Args:
        file: of JSON lines, as `locked_lines` gives it.

    Returns:
        Its size then, in bytes.

    Raises:
        OSError: it cannot be written.
    """
    end = file.seek(0, os.SEEK_END)
    tail = _unfinished_line(file, end)
    if is_torn(tail):
        end -= len(tail)
        file.truncate(end)
    elif tail:
        end += file.write(b"\n")
    return end


def is_torn(line: bytes) -> bool:
    """Whether a last line without a newline is only the beginning of one: of JSON that cannot be read."""
    if not line:
        return False
    try:
        json.loads(line)
    except ValueError:
        return True
    return False


def remove_leftovers(folder: Path, *, of: str = "") -> None:
    """Delete the temporary files in `folder` that killed processes left half written.

    Args:
        of: only those of files whose names begin so, where processes of other computers write as well.

    Raises:
        StorageError: one cannot be deleted.
    """
    for path in folder.glob(f".{glob.escape(of)}*.tmp"):
        match = _TEMPORARY.fullmatch(path.name)
        if match and not is_running(int(match["process"])):
            with storage_errors(path):
                path.unlink(missing_ok=True)


def is_running(process: int) -> bool:
    """Whether a process of this id runs; where the system cannot be asked without harm, it says yes."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return not _has_ended(process)


def _has_ended(process: int) -> bool:
    """Whether it is only an entry that its parent has not read yet; False where no /proc tells.

    Nobody may read it for seconds where the first process of a computer or container is slow at that.
    """
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2]
    except OSError:
        return False
    return state.startswith(("Z", "X"))


def sync_folder(folder: Path) -> None:
    """Make renames inside `folder` survive a power cut, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def try_lock(file: IO[str]) -> bool:
    """Lock a file for this process until it is closed; False where another process has.

    The system releases the lock however the process ends. Where it has no such locks, all succeed.
    """
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Wait for, and then keep out, other processes that lock the folder, where the system can.

    Raises:
        OSError: it is no folder, or cannot be read.
    """
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _locked(file: FileIO) -> Iterator[None]:
    """Keep other processes that lock the file out until the block ends, where the system can."""
    if sys.platform == "win32":
        yield
        return
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _unfinished_line(file: FileIO, end: int) -> bytes:
    """What stands behind the last newline before `end`."""
    tail = b""
    while end > 0 and b"\n" not in tail:
        start = max(0, end - 4096)
        file.seek(start)
        tail = file.read(end - start) + tail
        end = start
    return tail[tail.rfind(b"\n") + 1 :]
