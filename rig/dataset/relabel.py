"""A label that was typed wrong: give a class another part number, or put it into a class that is there."""

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

from rig.catalog import PartNumber
from rig.dataset.folders import class_names
from rig.dataset.journal import Change, Draft, change, finish_interrupted
from rig.dataset.layout import SESSION_PLANS
from rig.dataset.progress import Emit
from rig.dataset.scratch import scratch_database
from rig.errors import BadInput, DatasetError


def rename(dataset: Path, old: str, new: PartNumber, emit: Emit) -> Change:
    """Rename a class: its folder, its rows, and the files whose names begin with the label.

    Raises:
        BadInput: there is no class `old`, or one of the name `new` already.
        DatasetError: a capture session of `old` is not complete, or the manifest is damaged.
        StorageError: as `journal.change` says.
    """
    finish_interrupted(dataset)
    _require_class(dataset, old)
    if (dataset / new).exists():
        raise BadInput(
            f"there is a class {new} in {dataset} already", hint=f"put one into the other: merge {old} {new}"
        )
    return _relabel(dataset, old, new, f"rename {old} to {new}", emit)


def merge(dataset: Path, old: str, into: PartNumber, emit: Emit) -> Change:
    """Put a class into another one; a file whose name is taken there gets a new one.

    Raises:
        BadInput: there are no such classes, or they are the same.
        DatasetError, StorageError: as for `rename`.
    """
    finish_interrupted(dataset)
    _require_class(dataset, old)
    _require_class(dataset, into)
    if old == into:
        raise BadInput(f"{old} cannot be merged into itself", hint="name two classes")
    return _relabel(dataset, old, into, f"merge {old} into {into}", emit)


def _require_class(dataset: Path, label: str) -> None:
    classes = class_names(dataset)
    if label not in classes:
        raise BadInput(
            f"there is no class {label} in {dataset}", hint=f"it has: {', '.join(classes) or 'none'}"
        )


def _relabel(dataset: Path, old: str, new: str, what: str, emit: Emit) -> Change:
    _refuse_open_sessions(dataset, old)
    with scratch_database("CREATE TABLE name (source TEXT PRIMARY KEY, target TEXT UNIQUE)") as database:
        names = _Names(dataset, old, new, database)

        def edit(row: dict[str, Any]) -> dict[str, Any]:
            label, _, name = row["file_name"].partition("/")
            if label != old:
                return row
            labelled = {"label": new} if row.get("label") == old else {}
            return row | {"file_name": f"{new}/{names.target(name)}"} | labelled

        def decide(draft: Draft) -> None:
            with os.scandir(dataset / old) as entries:
                for entry in entries:
                    if entry.is_file():
                        draft.move(f"{old}/{entry.name}", f"{new}/{names.target(entry.name)}")
            draft.edit_rows(edit)

        return change(dataset, what, decide, emit)


class _Names:
    """New names of the files of a class; held on disk, since there can be many."""

    def __init__(self, dataset: Path, old: str, new: str, database: sqlite3.Connection) -> None:
        self._into = dataset / new
        self._old, self._new = old, new
        self._database = database

    def target(self, source: str) -> str:
        """The same answer each time; never a name that stands in the class or was given away."""
        known = self._database.execute("SELECT target FROM name WHERE source = ?", (source,)).fetchone()
        if known:
            return str(known[0])
        wanted = Path(self._relabelled(source))
        target, place = wanted.name, 1
        while self._is_taken(target):
            place += 1
            target = f"{wanted.stem}-{place}{wanted.suffix}"
        self._database.execute("INSERT INTO name VALUES (?, ?)", (source, target))
        return target

    def _relabelled(self, name: str) -> str:
        """`3001_0000.jpg` carries the label `3001`, `30010.jpg` does not."""
        behind = name.removeprefix(self._old)
        return self._new + behind if behind != name and not behind[:1].isalnum() else name

    def _is_taken(self, target: str) -> bool:
        given = self._database.execute("SELECT 1 FROM name WHERE target = ?", (target,)).fetchone()
        return given is not None or (self._into / target).exists()


def _refuse_open_sessions(dataset: Path, label: str) -> None:
    """Resuming such a session would capture under the old label again."""
    for path in sorted(dataset.glob(SESSION_PLANS)):
        try:
            part = json.loads(path.read_bytes()).get("part")
        except (ValueError, AttributeError) as error:
            raise DatasetError(f"{path} is damaged", hint="delete it and start the session anew") from error
        if part == label:
            raise DatasetError(
                f"a capture session of {label} is not complete: {path}",
                hint="complete it first with: rig capture --resume, or delete that file",
            )
