"""The index of a dataset that is kept from question to question: what was added since is read, no more.

Its questions are those of people who look through a dataset: which classes and sessions there are, and the
pictures of either, some at a time.
"""

import json
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rig.dataset.folders import class_names, images_in, require_folder
from rig.dataset.index import SCHEMA, keep_row, tie_class
from rig.dataset.journal import finish_interrupted
from rig.dataset.layout import MANIFEST
from rig.dataset.manifest import BEGIN, Mark, read_manifest
from rig.dataset.scratch import open_scratch
from rig.dataset.stats import PartStats, stats_of_part
from rig.errors import DatasetError, NotFound, StorageError

_INDEXES = """
CREATE UNIQUE INDEX file_by_name ON file (split, file_name);
CREATE INDEX file_by_label ON file (label, file_name);
CREATE INDEX row_by_session ON row (session);
"""
# Two changes as near as this may bear the same time (FAT counts in steps of two seconds), so that a folder
# that was listed so soon after a change has to be listed again.
_TELLING_NS = 2 * 10**9
_TAIL_BYTES = 4096
_COLUMNS = "file_name, label, document"


@dataclass(frozen=True)
class Listed:
    """A picture that is there.

    Attributes:
        name: path below the dataset, with forward slashes.
        label: its class folder.
        document: what the manifest says of it; empty where that does not name it.
    """

    name: str
    label: str
    document: dict[str, Any]


@dataclass(frozen=True)
class SessionStats:
    """The pictures of one session that are in one class.

    Attributes:
        images: how many.
        poses: sides that the part was laid on.
        physical_parts: bricks that the manifest names.
        sources: as `Sample.source`.
        first: the first of its pictures by name.
    """

    session: str
    label: str
    images: int
    poses: int
    physical_parts: tuple[str, ...]
    sources: tuple[str, ...]
    first: Listed


class StandingIndex:
    """A dataset that is looked through again and again; safe to share between threads.

    Each question first catches up. Rows that were appended to the manifest are read, and a manifest that is
    another, or was edited, is read anew; class folders whose time has changed are listed anew.

    All questions raise BadInput where a file stands in the place of the dataset, and DatasetError where its
    manifest is damaged or a name is no text. A dataset that is not there is an empty one.

    Attributes:
        folder: the dataset: class folders, and no splits of an export.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._database = open_scratch(SCHEMA + _INDEXES, one_thread=False)
        weakref.finalize(self, self._database.close)
        self._manifest = _Reached()
        self._listed: dict[str, int | None] = {}
        self._stats: dict[str, PartStats] = {}
        self._sessions: dict[str, tuple[SessionStats, ...]] = {}
        self._versions: dict[str, int] = {}

    def close(self) -> None:
        """Forget all of it; so does whoever drops it."""
        with self._lock:
            self._database.close()

    def labels(self) -> tuple[str, ...]:
        """The classes, sorted."""
        with self._caught_up():
            return tuple(sorted(self._listed))

    def parts(self) -> tuple[PartStats, ...]:
        """One entry a class, in the order of the labels."""
        with self._caught_up() as database:
            for label in self._listed.keys() - self._stats.keys():
                self._stats[label] = stats_of_part(database, label)
            return tuple(self._stats[label] for label in sorted(self._listed))

    def sessions(self) -> tuple[SessionStats, ...]:
        """All sessions, class by class."""
        with self._caught_up() as database:
            for label in self._listed.keys() - self._sessions.keys():
                self._sessions[label] = tuple(_sessions_of(database, label))
            return tuple(entry for label in sorted(self._listed) for entry in self._sessions[label])

    def of_part(self, label: str, *, begin: int, most: int) -> tuple[int, list[Listed]]:
        """How many pictures a class has, and some of them in the order of their names.

        Raises:
            NotFound: there is no such class.
        """
        with self._caught_up() as database:
            self._require(label)
            # Without their rows they are counted fast.
            count = _number(database, "SELECT count(*) FROM file WHERE label = ?", label)
            return count, _pictures(database, "label", label, begin, most)

    def of_session(self, session: str, *, begin: int, most: int) -> tuple[int, list[Listed]]:
        """The same for a session.

        Raises:
            NotFound: there is no picture of such a session.
        """
        with self._caught_up() as database:
            count = _number(database, "SELECT count(*) FROM picture WHERE session = ?", session)
            if not count:
                raise NotFound(
                    f"there is no session {session!r} in {self.folder}", hint="see which: rig dataset stats"
                )
            return count, _pictures(database, "session", session, begin, most)

    def names_of_part(self, label: str) -> list[str]:
        """The paths of all pictures of a class, in their order.

        Raises:
            NotFound: there is no such class.
        """
        with self._caught_up() as database:
            self._require(label)
            found = database.execute(
                "SELECT file_name FROM file WHERE label = ? ORDER BY file_name", (label,)
            )
            return [name for (name,) in found]

    def named(self, names: Sequence[str]) -> list[Listed]:
        """The pictures of some paths, as far as they are there, in the order of their names."""
        with self._caught_up() as database:
            rows = database.execute(
                f"SELECT {_COLUMNS} FROM picture WHERE split = '' AND file_name IN"
                " (SELECT value FROM json_each(?)) ORDER BY label, file_name",
                (json.dumps(names),),
            )
            return [_listed(*row) for row in rows]

    def rows_of_session(self, session: str) -> set[str]:
        """The file names of all rows of a session, be the files there or not."""
        with self._caught_up() as database:
            found = database.execute("SELECT file_name FROM row WHERE session = ?", (session,))
            return {name for (name,) in found}

    def version(self, label: str) -> int:
        """A number that is another one after each change of a class.

        Raises:
            NotFound: there is no such class.
        """
        with self._caught_up():
            self._require(label)
            return self._versions[label]

    def _require(self, label: str) -> None:
        if label not in self._listed:
            raise NotFound(
                f"there are no pictures of part {label} in {self.folder}", hint="take some: rig capture"
            )

    @contextmanager
    def _caught_up(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            # Whoever writes is told of a change that is under way, or of a broken journal. Who only looks
            # sees the dataset as it is, and once more when it has changed.
            with suppress(DatasetError, StorageError):
                finish_interrupted(self.folder)
            self._database.execute("BEGIN")
            try:
                self._catch_up()
            finally:
                # Never taken back, which a database without a journal could not be: what was read is so.
                self._database.execute("COMMIT")
            yield self._database

    def _catch_up(self) -> None:
        require_none_or_folder(self.folder)
        changed: set[str] = set()
        try:
            self._list_classes(changed)
            self._read_rows(changed)
        except OSError as error:
            raise DatasetError(f"{self.folder} cannot be read: {error.strerror}") from error
        finally:
            for label in changed:
                tie_class(self._database, label)
                self._stats.pop(label, None)
                self._sessions.pop(label, None)
                self._versions[label] = self._versions.get(label, 0) + 1

    def _list_classes(self, changed: set[str]) -> None:
        present = class_names(self.folder) if self.folder.is_dir() else []
        for label in self._listed.keys() - set(present):
            del self._listed[label]
            changed.add(label)
            self._database.execute("DELETE FROM file WHERE label = ?", (label,))
        for label in present:
            # A class that goes away meanwhile is missed the next time.
            with suppress(FileNotFoundError):
                if self._list(self.folder / label):
                    changed.add(label)

    def _list(self, folder: Path) -> bool:
        """List a class unless it is known; whether anything of it has changed."""
        label = folder.name
        require_text(folder)
        modified_ns = folder.stat().st_mtime_ns
        is_new = label not in self._listed
        if self._listed.get(label) == modified_ns:
            return False
        is_telling = time.time_ns() - modified_ns > _TELLING_NS
        names = {f"{label}/{entry.name}" for entry in images_in(folder)}
        rows = self._database.execute("SELECT file_name FROM file WHERE label = ?", (label,))
        known = {name for (name,) in rows}
        self._database.executemany(
            "INSERT INTO file (split, label, file_name) VALUES ('', ?, ?)",
            ((label, name) for name in names - known),
        )
        self._database.executemany(
            "DELETE FROM file WHERE split = '' AND file_name = ?", ((name,) for name in known - names)
        )
        self._listed[label] = modified_ns if is_telling else None
        return is_new or names != known

    def _read_rows(self, changed: set[str]) -> None:
        path = self.folder / MANIFEST
        before, now = self._manifest, _state_of(path)
        if now == before.state:
            return
        begin = before.end
        if not before.is_beginning_of(path, now):
            self._database.execute("DELETE FROM row")
            changed.update(self._listed)
            begin = BEGIN
        end = begin
        for row in read_manifest(path, begin):
            keep_row(self._database, row)
            label = row.document["file_name"].partition("/")[0]
            if label in self._listed:
                changed.add(label)
            end = row.end
        self._manifest = _Reached(now, end, _tail(path, end))


class _State(NamedTuple):
    """What tells that a manifest is the same as before; all 0 where there is none."""

    device: int = 0
    inode: int = 0
    size: int = 0
    modified_ns: int = 0


_NONE = _State()


@dataclass(frozen=True)
class _Reached:
    """How far a manifest was read, and what stands before that."""

    state: _State = _NONE
    end: Mark = BEGIN
    tail: bytes = b""

    def is_beginning_of(self, path: Path, now: _State) -> bool:
        """Whether the manifest has only grown since."""
        is_same_file = (now.device, now.inode) == (self.state.device, self.state.inode)
        return is_same_file and now.size > self.state.size and _tail(path, self.end) == self.tail


def require_none_or_folder(dataset: Path) -> None:
    """See that nothing but a folder stands in the place of a dataset, which need not be there.

    Raises:
        BadInput: a file does.
    """
    if os.path.lexists(dataset):
        require_folder(dataset)


def require_text(folder: Path) -> None:
    """See that the name of a class is text.

    Raises:
        DatasetError: it is not UTF-8, so that no manifest could name it.
    """
    try:
        folder.name.encode()
    except UnicodeEncodeError as error:
        raise DatasetError(
            f"{str(folder)!r} has a name that is not UTF-8", hint="rename the folder"
        ) from error


def _state_of(path: Path) -> _State:
    try:
        now = path.stat()
    except FileNotFoundError:
        return _NONE
    return _State(now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns)


def _tail(path: Path, end: Mark) -> bytes:
    """What stands before a place of a manifest."""
    begin = max(0, end.size - _TAIL_BYTES)
    try:
        with path.open("rb") as file:
            file.seek(begin)
            return file.read(end.size - begin)
    except OSError:
        return b""


def _number(database: sqlite3.Connection, query: str, value: str) -> int:
    (number,) = database.execute(query, (value,)).fetchone()
    return int(number)


def _pictures(database: sqlite3.Connection, column: str, value: str, begin: int, most: int) -> list[Listed]:
    rows = database.execute(
        f"SELECT {_COLUMNS} FROM picture WHERE {column} = ? ORDER BY label, file_name LIMIT ? OFFSET ?",
        (value, most, begin),
    )
    return [_listed(*row) for row in rows]


def _listed(name: str, label: str, document: str | None) -> Listed:
    return Listed(name, label, json.loads(document or "{}"))


def _sessions_of(database: sqlite3.Connection, label: str) -> Iterator[SessionStats]:
    names: dict[str, tuple[set[str], set[str]]] = {}
    query = (
        "SELECT DISTINCT session, physical_part, source FROM picture WHERE label = ? AND session IS NOT NULL"
    )
    for session, brick, source in database.execute(query, (label,)):
        bricks, sources = names.setdefault(session, (set(), set()))
        bricks.update([brick] if brick else [])
        sources.add(source)
    # SQLite takes `document` from the row of the minimum (https://sqlite.org/lang_select.html).
    rows = database.execute(
        "SELECT session, count(*), count(DISTINCT pose), document, min(file_name) FROM picture"
        " WHERE label = ? AND session IS NOT NULL GROUP BY session ORDER BY session",
        (label,),
    )
    for session, images, poses, document, first in rows:
        bricks, sources = names[session]
        yield SessionStats(
            session,
            label,
            images,
            poses,
            tuple(sorted(bricks)),
            tuple(sorted(sources)),
            _listed(first, label, document),
        )
