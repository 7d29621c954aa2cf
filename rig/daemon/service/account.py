"""The user that the daemon runs as, and the folder that is its own."""

import os
import shutil
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from rig.daemon.service.layout import CONFIG, DATA, GROUPS, NAME, SYSUSERS, Layout
from rig.daemon.service.steps import Step, leftovers, make_folder, put_file, run
from rig.errors import ServiceError
from rig.files import storage_errors

if sys.platform != "win32":
    import grp
    import pwd


def home_of(layout: Layout) -> str | None:
    """Where the user is at home, here or in the tree; None where there is no such user."""
    if layout.is_tree:
        try:
            lines = layout.at("/etc/passwd").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return None
        fields = [line.split(":") for line in lines]
        return next((field[5] for field in fields if field[0] == layout.user and len(field) > 5), None)
    try:
        return pwd.getpwnam(layout.user).pw_dir
    except KeyError:
        return None


def is_ours(layout: Layout) -> bool:
    """Whether the user is, or will be, one that an installation has made for the daemon alone."""
    return home_of(layout) in (None, DATA)


def sysusers_text(layout: Layout) -> str:
    """What systemd-sysusers reads: groups, and the user where it is not somebody's already."""
    lines = ["# Written by: rig service install.", *(f"g {group} -" for group in (NAME, *GROUPS))]
    if is_ours(layout):
        lines.append(f'u {layout.user} - "Brick rig" {DATA}')
        lines += [f"m {layout.user} {group}" for group in (NAME, *GROUPS)]
    return "\n".join([*lines, ""])


@dataclass(frozen=True)
class Account(Step):
    """A system user without a password or a shell, and its groups; a user that is there is taken as it is.

    Attributes:
        purge: undoing it removes the user even if it owns something.
    """

    layout: Layout
    purge: bool = False

    @property
    def does(self) -> str:
        groups = f"{', '.join(GROUPS[:-1])} and {GROUPS[-1]}"
        if is_ours(self.layout):
            return f"Make the system user {self.layout.user} and the group {NAME}; groups {groups}"
        return f"Make the group {NAME}; {self.layout.user} is there already"

    @property
    def undoes(self) -> str:
        who = f"the user {self.layout.user} and the group {NAME}" if self._has_user else f"the group {NAME}"
        return f"Remove {who}" + ("" if self.purge else f", unless something is left in {DATA}")

    def is_done(self) -> bool:
        home = home_of(self.layout)
        if home is None or not _is_group(NAME):
            return False
        return home != DATA or all(
            _is_group(group) and self.layout.user in grp.getgrnam(group).gr_mem for group in GROUPS
        )

    def is_undone(self) -> bool:
        is_kept = not self.purge and self.layout.at(DATA).exists()
        return is_kept or not (self._has_user or _is_group(NAME))

    def do(self) -> None:
        run(["systemd-sysusers", SYSUSERS])

    def undo(self) -> None:
        if self.is_undone():
            return
        if self._has_user:
            run(["userdel", self.layout.user])
        # The user's own group has gone with it, unless others are in it.
        if _is_group(NAME):
            run(["groupdel", NAME])

    @property
    def _has_user(self) -> bool:
        return home_of(self.layout) == DATA


@dataclass(frozen=True)
class DataFolder(Step):
    """What the daemon keeps: rig.toml, captures, models, ledger.

    In a tree it is root's until systemd gives it to the user, when the service starts for the first time.

    Attributes:
        purge: undoing it removes what is in it.
    """

    layout: Layout
    purge: bool = False

    @property
    def does(self) -> str:
        return f"Make {DATA}, which belongs to {self.layout.user}, for captures, models and ledger"

    @property
    def undoes(self) -> str:
        if self.purge:
            return f"Remove {DATA} with everything in it: rig.toml, captures, models, ledger"
        return f"Remove {DATA} if nothing is in it"

    def is_done(self) -> bool:
        folder = self.layout.at(DATA)
        if not folder.is_dir() or stat.S_IMODE(folder.stat().st_mode) != 0o750:
            return False
        return self.layout.is_tree or self._is_owned(folder) or any(folder.iterdir())

    def is_undone(self) -> bool:
        folder = self.layout.at(DATA)
        return not folder.is_dir() or (not self.purge and holds_data(self.layout))

    def do(self) -> None:
        folder = self.layout.at(DATA)
        if os.path.lexists(folder) and not folder.is_dir():
            raise ServiceError(f"{DATA} is no folder", hint="move it away")
        make_folder(folder, 0o750)
        with storage_errors(folder):
            # What was left by a user with another number, systemd hands over at the start, all of it; it does
            # so where the folder itself is not the user's.
            if not self.layout.is_tree and not any(folder.iterdir()):
                os.chown(folder, *_owner(self.layout))
            folder.chmod(0o750)

    def undo(self) -> None:
        folder = self.layout.at(DATA)
        if self.is_undone():
            return
        if folder.is_symlink():
            raise ServiceError(f"{DATA} is a link to {folder.readlink()}", hint="remove both yourself")
        with storage_errors(folder):
            shutil.rmtree(folder)

    def _is_owned(self, folder: Path) -> bool:
        try:
            return _owner(self.layout) == (folder.stat().st_uid, folder.stat().st_gid)
        except ServiceError:
            return False


@dataclass(frozen=True)
class CopyConfig(Step):
    """A rig.toml for the daemon, which stays with the data; one that is there is never overwritten.

    Attributes:
        source: where the content was read.
    """

    layout: Layout
    source: Path
    content: bytes

    @property
    def does(self) -> str:
        return f"Copy {self.source} to {CONFIG}"

    def is_done(self) -> bool:
        return os.path.lexists(self.layout.at(CONFIG))

    def do(self) -> None:
        if not self.is_done():
            owner = None if self.layout.is_tree else _owner(self.layout)
            put_file(self.layout.at(CONFIG), self.content, 0o640, owner=owner)


def holds_data(layout: Layout) -> bool:
    """Whether there is anything in the data folder that the daemon or its owner has put there."""
    folder = layout.at(DATA)
    return folder.is_dir() and bool({*folder.iterdir()} - {*leftovers(layout.at(CONFIG))})


def _owner(layout: Layout) -> tuple[int, int]:
    """The numbers of the user and of the group.

    Raises:
        ServiceError: there is no such user or group yet.
    """
    try:
        return pwd.getpwnam(layout.user).pw_uid, grp.getgrnam(NAME).gr_gid
    except KeyError as error:
        raise ServiceError(
            f"there is no user {layout.user} or group {NAME}", hint="run the same again"
        ) from error


def _is_group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True
