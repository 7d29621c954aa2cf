"""Changes of many files and rows at once, which a crash at any moment leaves whole, and which can be undone.

    captures/                        the dataset
    .captures.history/               beside it, since a folder within it would be taken for a class
      0001/                          one folder a change, in order
        change.json                  what it is and how far it got; written when all below is on disk
        moves.jsonl                  [from, to] below the dataset; a file without `to` goes to removed/
        before.jsonl, after.jsonl    the manifest as it was and as it shall be
        removed/3001/...             files that were taken out

A change is drafted without touching the dataset. Once `change.json` stands it will be carried out, by this
process or by the next one that opens the dataset: every step can be taken again, and the manifest is put in
place by one rename, which uses up the draft of it. Rows that a capture appends meanwhile are carried over.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from pydantic import TypeAdapter, ValidationError

from rig.dataset.extent import Extent, digest_of, extent_of
from rig.dataset.folders import require_folder
from rig.dataset.layout import MANIFEST
from rig.dataset.manifest import read_manifest
from rig.dataset.progress import Emit, Progress
from rig.errors import BadInput, DatasetError
from rig.files import locked_lines, mend_last_line, storage_errors, sync_folder, write_whole

if sys.platform != "win32":
    import fcntl

_LOCK = ".change.lock"
_CHANGE, _MOVES, _BEFORE, _AFTER, _REMOVED = (
    "change.json",
    "moves.jsonl",
    "before.jsonl",
    "after.jsonl",
    "removed",
)
_CHUNK = 1 << 20
_EMIT_EVERY = 100


class State(StrEnum):
    """How far a change got."""

    BEGUN = "begun"
    DONE = "done"
    UNDOING = "undoing"


@dataclass(frozen=True)
class Change:
    """A change that was decided.

    Attributes:
        what: in words, such as "rename 3001 to 3002".
        state: how far it got.
        files: how many it moves.
        rows: how many it changes or removes.
        before, after: what the manifest began with, and shall begin with.
    """

    what: str
    state: State
    files: int
    rows: int
    before: Extent
    after: Extent


def change(dataset: Path, what: str, decide: Callable[["Draft"], None], emit: Emit) -> Change:
    """Carry out what `decide` drafts. If it raises, all is as it was.

    Args:
        what: in words, such as "rename 3001 to 3002".

    Raises:
        BadInput: the dataset is a disk of its own, so that nothing can be moved out of it.
        DatasetError: another process is changing it.
        StorageError: the disk is full or read-only. Before the change was begun nothing is touched; after
            that the next command completes it.
    """
    with exclusive(dataset):
        folder = _new_folder(dataset)
        try:
            with storage_errors(folder), (folder / _MOVES).open("w", encoding="utf-8") as moves:
                draft = Draft(dataset, folder, moves)
                decide(draft)
                decided = draft.seal(what)
        except BaseException:
            _forget(folder)
            raise
        _write(folder, decided)
        _carry_out(dataset, folder, decided, emit)
        return decided


def _new_folder(dataset: Path) -> Path:
    history = history_folder(dataset)
    with storage_errors(history):
        history.mkdir(exist_ok=True)
        if history.stat().st_dev != dataset.stat().st_dev:
            raise BadInput(
                f"{dataset} is a disk of its own, so nothing can be moved out of it",
                hint="keep the pictures in a folder on that disk",
            )
        number = max((int(folder.name) for folder in _folders(history)), default=0) + 1
        folder = history / f"{number:04d}"
        folder.mkdir()
    return folder


class Draft:
    """A change that is being decided; the dataset is not touched yet."""

    def __init__(self, dataset: Path, folder: Path, moves: IO[str]) -> None:
        self._manifest = dataset / MANIFEST
        self._folder = folder
        self._moves = moves
        self._files = self._rows = 0

    def move(self, source: str, target: str | None) -> None:
        """Have a file moved to another place in the dataset, or taken out of it.

        Args:
            source, target: below the dataset, with forward slashes; nothing stands at `target`.
        """
        self._moves.write(json.dumps([source, target]) + "\n")
        self._files += 1

    def edit_rows(self, edit: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
        """Have rows changed: `edit` gives what a row shall say, the same row, or None to remove it.

        Raises:
            DatasetError: the manifest is damaged.
        """
        if self._manifest.exists():
            with locked_lines(self._manifest) as lines:
                mend_last_line(lines)
        with (
            (self._folder / _BEFORE).open("w", encoding="utf-8", newline="\n") as before,
            (self._folder / _AFTER).open("w", encoding="utf-8", newline="\n") as after,
        ):
            for row in read_manifest(self._manifest):
                before.write(row.text + "\n")
                edited = edit(dict(row.document))
                if edited == row.document:
                    after.write(row.text + "\n")
                    continue
                self._rows += 1
                if edited is not None:
                    after.write(json.dumps(edited) + "\n")

    def seal(self, what: str) -> Change:
        """Have all of it on the disk, so that it can be carried out."""
        if not self._rows:
            for name in (_BEFORE, _AFTER):
                (self._folder / name).unlink(missing_ok=True)
        self._moves.flush()
        for path in self._folder.iterdir():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
        for folder in (self._folder, self._folder.parent, self._folder.parent.parent):
            sync_folder(folder)
        before, after = (extent_of(self._folder / name) for name in (_BEFORE, _AFTER))
        return Change(what, State.BEGUN, self._files, self._rows, before, after)


def undo(dataset: Path, emit: Emit) -> Change:
    """Take the last change back.

    Raises:
        BadInput: there is none.
        DatasetError: the manifest was changed since by something that keeps no journal, or another process is
            changing the dataset.
        StorageError: the disk is full or read-only; the next command completes what was begun.
    """
    with exclusive(dataset):
        folder = _last_change(dataset)
        if folder is None:
            raise BadInput(
                f"nothing was changed in {dataset}",
                hint="what can be undone: rename, merge and dedupe --apply",
            )
        done = _read(folder)
        if done.rows:
            with storage_errors(dataset / MANIFEST), (dataset / MANIFEST).open("rb") as manifest:
                _require(manifest, done.after, dataset)
        undoing = replace(done, state=State.UNDOING)
        _write(folder, undoing)
        _carry_out(dataset, folder, undoing, emit)
        return undoing


def finish_interrupted(dataset: Path) -> None:
    """Complete a change, or the undoing of one, that was interrupted. Whoever opens a dataset asks for this.

    Raises:
        DatasetError: another process is changing the dataset now, or the journal is damaged.
        StorageError: the disk is full or read-only.
    """
    if _interrupted(dataset) is not None:
        with exclusive(dataset):
            pass


@contextmanager
def exclusive(dataset: Path) -> Iterator[None]:
    """Let no other process change the dataset in the block; completes first what was interrupted.

    Raises:
        BadInput: there is no such folder.
        DatasetError: another process is changing it.
        StorageError: the disk is read-only.
    """
    require_folder(dataset)
    path = dataset / _LOCK
    with storage_errors(path):
        lock = path.open("ab")
    with lock:
        if sys.platform != "win32":
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise DatasetError(
                    f"another command is changing {dataset}", hint="wait until it has ended, then try again"
                ) from None
        history = history_folder(dataset)
        interrupted = _interrupted(dataset)
        if interrupted is not None:
            _carry_out(dataset, *interrupted, lambda progress: None)
        with storage_errors(history):
            for folder in _folders(history):
                if not (folder / _CHANGE).exists():
                    _forget(folder)
        yield


def history_folder(dataset: Path) -> Path:
    """Where the changes of a dataset are kept: beside it."""
    resolved = dataset.resolve()
    return resolved.with_name(f".{resolved.name}.history")


def _interrupted(dataset: Path) -> tuple[Path, Change] | None:
    """The change that was begun and not completed: only the last one can be."""
    folder = _last_change(dataset)
    if folder is None:
        return None
    last = _read(folder)
    return None if last.state is State.DONE else (folder, last)


def _last_change(dataset: Path) -> Path | None:
    changes = (folder for folder in _folders(history_folder(dataset)) if (folder / _CHANGE).exists())
    return max(changes, default=None)


def _folders(history: Path) -> list[Path]:
    """Of all changes and drafts, in order."""
    return sorted(folder for folder in history.glob("*") if folder.name.isdecimal())


def _carry_out(dataset: Path, folder: Path, decided: Change, emit: Emit) -> None:
    """Take every step that was not taken yet, forward or backward."""
    forward = decided.state is State.BEGUN
    stage = decided.what if forward else f"undo: {decided.what}"
    left, reached = set(), set()
    with storage_errors(dataset):
        for done, (inside, moved) in enumerate(_moves(dataset, folder), start=1):
            source, target = (inside, moved) if forward else (moved, inside)
            _move(source, target)
            left.add(source.parent)
            reached.add(target.parent)
            if done % _EMIT_EVERY == 0 or done == decided.files:
                emit(Progress(stage, done, decided.files))
        for parent in left | reached:
            if parent.is_dir():
                sync_folder(parent)
        for parent in left:
            if parent.is_dir() and _is_empty(parent):
                parent.rmdir()
        sync_folder(dataset)
        if decided.rows:
            old, new = (decided.before, decided.after) if forward else (decided.after, decided.before)
            _replace_manifest(dataset, folder / (_AFTER if forward else _BEFORE), old, new)
        if forward:
            _write(folder, replace(decided, state=State.DONE))
        else:
            (folder / _CHANGE).unlink()
            _forget(folder)


def _moves(dataset: Path, folder: Path) -> Iterator[tuple[Path, Path]]:
    with (folder / _MOVES).open(encoding="utf-8") as lines:
        for line in lines:
            source, target = json.loads(line)
            yield dataset / source, folder / _REMOVED / source if target is None else dataset / target


def _move(source: Path, target: Path) -> None:
    """Move a file that was not moved yet; one that somebody deleted meanwhile is passed over."""
    if not source.exists():
        return
    if target.exists():
        raise DatasetError(
            f"{source} cannot be moved: {target} stands in its place",
            hint="move one of the two out of the way, then try again",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)


def _replace_manifest(dataset: Path, draft: Path, old: Extent, new: Extent) -> None:
    """Put `draft` in place of the manifest, with the rows that were appended to that since."""
    if not draft.exists():
        return  # it is in place already
    manifest = dataset / MANIFEST
    with locked_lines(manifest) as current:
        _require(current, old, dataset)
        with draft.open("rb+") as file:
            file.seek(new.size)
            file.truncate()
            current.seek(min(old.size, current.seek(0, os.SEEK_END)))
            shutil.copyfileobj(current, file, _CHUNK)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(manifest)
        sync_folder(dataset)


def _require(manifest: IO[bytes], extent: Extent, dataset: Path) -> None:
    """See that nobody edited the rows that are about to be replaced."""
    if digest_of(manifest, extent.size) != extent:
        raise DatasetError(
            f"{dataset / MANIFEST} was edited since the last change of {dataset}",
            hint="take that edit back first: rows that were there may only be changed by rig dataset",
        )


def _write(folder: Path, decided: Change) -> None:
    write_whole(folder / _CHANGE, json.dumps(asdict(decided), indent=2).encode() + b"\n")


def _read(folder: Path) -> Change:
    path = folder / _CHANGE
    try:
        return TypeAdapter(Change).validate_json(path.read_bytes(), strict=True)
    except ValidationError as error:
        raise DatasetError(
            f"{path} is damaged", hint=f"what was taken out of the dataset is in {folder / _REMOVED}"
        ) from error


def _forget(folder: Path) -> None:
    """Delete a draft, or what is left of a change that was undone; pictures are never deleted."""
    for name in (_MOVES, _BEFORE, _AFTER):
        (folder / name).unlink(missing_ok=True)
    for inner in sorted(folder.rglob("*"), reverse=True):
        if inner.is_dir() and _is_empty(inner):
            inner.rmdir()
    if _is_empty(folder):
        folder.rmdir()


def _is_empty(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return next(entries, None) is None
