"""Which process runs a rig on this computer: no second one may, and another one can stop it.

Each writes a small file and keeps it locked while it lives: a file that nobody has locked is left over.
"""

import hashlib
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rig.config import Config
from rig.errors import RigBusy, StorageError
from rig.files import is_running, storage_errors, try_lock

if sys.platform != "win32":
    import fcntl

_LOOK_EVERY_S = 0.02
_PSEUDO_TERMINALS = Path("/dev/pts")
_NAMELESS_S = 5.0


@dataclass(frozen=True)
class Owner:
    """A process that runs a rig.

    Attributes:
        rig: which one: its serial port, or the folder that a simulated one runs in.
        command: as it was typed.
        name: of its file, as no other owner is called.
    """

    pid: int
    rig: str
    command: str
    name: str


def rig_name(config: Config) -> str:
    """What tells this rig from others on the same computer."""
    if config.sim.enabled:
        return f"simulated in {Path.cwd()}"
    port = config.serial.port
    if not port.startswith("/"):
        return port
    device = Path(port).resolve()
    # The number of a pseudo-terminal is another's as soon as it is given back.
    return port if device.parent == _PSEUDO_TERMINALS else str(device)


@contextmanager
def owning(rig: str) -> Iterator[Callable[[str], None]]:
    """Run a rig alone while the block runs, and say so (not on Windows).

    Yields:
        Takes what this process could not put at rest, for `last_words`.

    Raises:
        RigBusy: another process, or another thread of this one, runs it; of several that begin at the same
            instant one is the first.
        StorageError: there is no folder to say it in.
    """
    if sys.platform == "win32":
        yield lambda text: None
        return
    folder = runtime_folder()
    name = f"{os.getpid()}-{secrets.token_hex(4)}"
    owner = Owner(os.getpid(), rig, " ".join(["rig", *sys.argv[1:]]), name)
    path = folder / f"{name}.json"
    unfinished = path.with_suffix(".tmp")
    with ExitStack() as stack:
        stack.enter_context(_alone(owner, folder))
        with storage_errors(unfinished):
            file = stack.enter_context(unfinished.open("w", encoding="utf-8"))
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(_as_text(owner))
            file.flush()
            # Under its name it is whole and locked.
            unfinished.rename(path)
        try:
            yield lambda text: _leave_word(owner, text)
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def _alone(owner: Owner, folder: Path) -> Iterator[None]:
    """Hold the lock of a rig. The system releases it however its process ends, so none is ever left over."""
    path = folder / f"{hashlib.sha256(owner.rig.encode()).hexdigest()[:16]}.lock"
    with storage_errors(path):
        file = path.open("a+", encoding="utf-8")
    give_up_s = time.monotonic() + _NAMELESS_S
    with file:
        while not try_lock(file):
            file.seek(0)
            if first := _written_by(file.read()):
                raise RigBusy(
                    f"the rig is in use by: {first.command} (process {first.pid})",
                    hint=_how_to_end(first),
                )
            # Whoever holds it has just come, or just goes.
            if time.monotonic() > give_up_s:
                raise RigBusy("the rig is in use by a process that does not say its name")
            time.sleep(_LOOK_EVERY_S)
        with storage_errors(path):
            file.truncate(0)
            file.write(_as_text(owner))
            file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _how_to_end(owner: Owner) -> str:
    if "serve" in owner.command.split():
        return f"end it first: kill {owner.pid}, or systemctl stop brickrig where it is the service"
    return "wait until that has ended, or stop it with: rig stop"


def _written_by(text: str) -> Owner | None:
    """Who wrote its name into a lock; None while it is being written, or was left by one who was killed."""
    try:
        owner = _from_text(text, name="")
    except ValueError:
        return None
    return owner if is_running(owner.pid) else None


def owners(rig: str) -> list[Owner]:
    """The processes, this one left out, that run a rig now."""
    found = []
    for path in sorted(runtime_folder().glob("*.json")):
        owner = _read(path)
        if owner is not None and owner.rig == rig and owner.pid != os.getpid():
            found.append(owner)
    return found


def await_end(owner: Owner, timeout_s: float) -> bool:
    """Wait until a process runs its rig no more; False when it still does."""
    deadline_s = time.monotonic() + timeout_s
    while owner in owners(owner.rig):
        if time.monotonic() >= deadline_s:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True


def last_words(owner: Owner) -> Sequence[str]:
    """What an owner that has given its rig up could not put at rest; they are said once."""
    path = _last_words_path(owner)
    try:
        said = path.read_text(encoding="utf-8").splitlines()
        path.unlink()
    except FileNotFoundError:
        return ()
    return said


def _leave_word(owner: Owner, text: str) -> None:
    path = _last_words_path(owner)
    with storage_errors(path), path.open("a", encoding="utf-8") as file:
        file.write(text + "\n")


def _last_words_path(owner: Owner) -> Path:
    return runtime_folder() / f"{owner.name}.txt"


def _read(path: Path) -> Owner | None:
    """Who wrote a file, if that process still lives; a file that was left over is removed."""
    try:
        with path.open(encoding="utf-8") as file:
            if _is_locked(file):
                return _from_text(file.read(), name=path.stem)
            path.unlink()
    except FileNotFoundError:
        pass  # its process has just ended
    return None


def _as_text(owner: Owner) -> str:
    return json.dumps({"pid": owner.pid, "rig": owner.rig, "command": owner.command})


def _from_text(text: str, *, name: str) -> Owner:
    return Owner(**json.loads(text), name=name)


def _is_locked(file: IO[str]) -> bool:
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def runtime_folder() -> Path:
    """A folder of this user's alone, which does not outlive a restart of the computer."""
    if sys.platform == "win32":
        return Path(tempfile.gettempdir())
    # Not by way of the environment: a service, a shell and `sudo` have to find each other.
    runtime = Path(f"/run/user/{os.getuid()}")
    # A service may not even look into /run/user.
    folder = (runtime if os.access(runtime, os.W_OK) else Path("/tmp")) / f"brickrig-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise StorageError(f"{folder} belongs to somebody else", hint="have its owner remove it")
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be made: {error.strerror}",
            hint="free some space there, and see that you may write there",
        ) from error
    return folder
