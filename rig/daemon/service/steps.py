"""Steps of an installation: each says what it does, does it, and can be undone, however often it is asked."""

import os
import secrets
import shlex
import stat
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rig.daemon.service.layout import Layout
from rig.errors import ServiceError
from rig.files import storage_errors, sync_folder


class Step:
    """Something to be done once; killed at any point, it is done by doing it again.

    A step that only does, or only undoes, leaves the other half as it is here.

    Attributes:
        is_harmless: it is done every time, since nothing tells whether it was.
        follows: whether it is needed shows only when the steps before it are done.
    """

    is_harmless: ClassVar[bool] = False
    follows: ClassVar[bool] = False

    @property
    def does(self) -> str:
        """What doing it comes to, in a sentence without its full stop; empty where there is nothing to do."""
        return ""

    @property
    def undoes(self) -> str:
        """What undoing it comes to; empty where there is nothing to undo."""
        return ""

    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return True

    def is_undone(self) -> bool:
        """Whether nothing is left to undo."""
        return True

    def do(self) -> None:
        """Do it.

        Raises:
            ServiceError: another program refused.
            StorageError: something cannot be written.
        """

    def undo(self) -> None:
        """Undo it, however far it came.

        Raises:
            ServiceError: another program refused.
            StorageError: something cannot be removed.
        """


@dataclass(frozen=True)
class Move:
    """A step in one direction.

    Attributes:
        step: for what is known of it in both.
    """

    step: Step
    does: str
    is_needed: Callable[[], bool]
    carry_out: Callable[[], None]


@dataclass(frozen=True)
class Plan:
    """What is going to happen, in this order.

    Attributes:
        moves: of which some are not needed.
        remarks: what is left to the reader; whole sentences.
    """

    moves: tuple[Move, ...]
    remarks: tuple[str, ...] = ()

    def needed(self) -> list[bool]:
        """Of each move, whether it will be carried out, as far as that can be seen beforehand."""
        needed = []
        will_change = False
        for move in self.moves:
            needed.append(move.is_needed() or (move.step.follows and will_change))
            will_change = will_change or (needed[-1] and not move.step.is_harmless)
        return needed


def doing(steps: Sequence[Step], remarks: Sequence[str] = ()) -> Plan:
    """Do all steps."""
    moves = (Move(step, step.does, _fails(step.is_done), step.do) for step in steps if step.does)
    return Plan(tuple(moves), tuple(remarks))


def undoing(steps: Sequence[Step], remarks: Sequence[str] = ()) -> Plan:
    """Undo them, the last one first."""
    back = [step for step in reversed(steps) if step.undoes]
    moves = (Move(step, step.undoes, _fails(step.is_undone), step.undo) for step in back)
    return Plan(tuple(moves), tuple(remarks))


def _fails(holds: Callable[[], bool]) -> Callable[[], bool]:
    return lambda: not seen(holds)


def seen(holds: Callable[[], bool]) -> bool:
    """Whether something holds; no where it may not be looked at, as by who only asks for the plan."""
    try:
        return holds()
    except PermissionError:
        return False


@dataclass(frozen=True)
class WriteFile(Step):
    """A file whose content is ours."""

    layout: Layout
    path: str
    what: str
    content: str
    mode: int = 0o644

    @property
    def does(self) -> str:
        return f"Write {self.path}: {self.what}"

    @property
    def undoes(self) -> str:
        return f"Remove {self.path}"

    def is_done(self) -> bool:
        path = self.layout.at(self.path)
        if not path.is_file() or path.is_symlink():
            return False
        return stat.S_IMODE(path.stat().st_mode) == self.mode and path.read_bytes() == self.content.encode()

    def is_undone(self) -> bool:
        return not os.path.lexists(self.layout.at(self.path)) and not leftovers(self.layout.at(self.path))

    def do(self) -> None:
        put_file(self.layout.at(self.path), self.content.encode(), self.mode)

    def undo(self) -> None:
        path = self.layout.at(self.path)
        with storage_errors(path):
            for leftover in [*leftovers(path), path]:
                leftover.unlink(missing_ok=True)


@dataclass(frozen=True)
class MakeLink(Step):
    """A symbolic link; what is no link, and a link to elsewhere when it is undone, is not touched."""

    layout: Layout
    path: str
    target: str
    what: str

    @property
    def does(self) -> str:
        return f"Link {self.path} to {self.target}: {self.what}"

    @property
    def undoes(self) -> str:
        return f"Remove the link {self.path}"

    def is_done(self) -> bool:
        path = self.layout.at(self.path)
        return path.is_symlink() and str(path.readlink()) == self.target

    def is_undone(self) -> bool:
        return not self.is_done() and not leftovers(self.layout.at(self.path))

    def do(self) -> None:
        put_link(self.layout.at(self.path), self.target)

    def undo(self) -> None:
        path = self.layout.at(self.path)
        with storage_errors(path):
            for leftover in [*leftovers(path), *([path] if self.is_done() else [])]:
                leftover.unlink(missing_ok=True)


@dataclass(frozen=True)
class Tell(Step):
    """Commands that do no harm however often they run: whether the last run came that far cannot be known."""

    is_harmless = True

    doing: str
    undoing: str
    commands: tuple[tuple[str, ...], ...]

    @property
    def does(self) -> str:
        return self.doing

    @property
    def undoes(self) -> str:
        return self.undoing

    def is_done(self) -> bool:
        return False

    def is_undone(self) -> bool:
        return False

    def do(self) -> None:
        for command in self.commands:
            run(command)

    def undo(self) -> None:
        self.do()


def run(command: Sequence[str]) -> str:
    """Run a command to its end, and return what it printed.

    Raises:
        ServiceError: it is not there, or it failed.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            # Whatever root's own is, the service has to be able to read what is made.
            umask=0o022,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    except FileNotFoundError as error:
        raise ServiceError(f"there is no command {command[0]} here", hint="install it, then go on") from error
    if done.returncode:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        failure = ServiceError(
            f"{Path(command[0]).name} failed: {said[-1] if said else f'exit code {done.returncode}'}",
            hint="mend that and run the same again: it goes on from there",
        )
        failure.add_note(f"the command was: {shlex.join(command)}")
        for line in said[-6:-1]:
            failure.add_note(line)
        raise failure
    return done.stdout


def make_folder(folder: Path, mode: int = 0o755) -> None:
    """Make a folder and those above it, whatever umask there is."""
    with storage_errors(folder):
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        for path in reversed(missing):
            path.mkdir(mode=0o700)
            path.chmod(mode if path == folder else 0o755)


def put_file(path: Path, content: bytes, mode: int, *, owner: tuple[int, int] | None = None) -> None:
    """Write a whole file with its mode and owner, or none.

    The folder may belong to somebody whom root should not trust, so that nothing that lies there is followed.

    Raises:
        StorageError: it cannot be written.
    """
    make_folder(path.parent)
    with storage_errors(path):
        for leftover in leftovers(path):
            leftover.unlink(missing_ok=True)
        temporary = _temporary(path)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fchmod(descriptor, mode)
                if owner is not None:
                    os.fchown(descriptor, *owner)
                os.fsync(descriptor)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def put_link(path: Path, target: str) -> None:
    """Have a link point to `target`, from one instant to the next.

    Raises:
        ServiceError: something that is no link has its name.
        StorageError: it cannot be made.
    """
    make_folder(path.parent)
    if os.path.lexists(path) and not path.is_symlink():
        raise ServiceError(f"{path} is there and no link of ours", hint="move it away")
    with storage_errors(path):
        for leftover in leftovers(path):
            leftover.unlink(missing_ok=True)
        temporary = _temporary(path)
        try:
            temporary.symlink_to(target)
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(path.parent)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")


def leftovers(path: Path) -> list[Path]:
    """What was half made in the place of `path` when an earlier run was killed."""
    return list(path.parent.glob(f".{path.name}.????????????????.new"))
