"""Take in pictures from elsewhere: class folders, whose folders are part numbers.

Nobody can see from a picture which brick it shows, and without that a split by brick is impossible. So a rule
has to say it, or the source's own manifest; where neither does, a class is one group, which can only train.
"""

import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from rig.catalog import part_number
from rig.dataset.folders import class_names, images_in, is_image, refuse_a_file, splits_in
from rig.dataset.journal import exclusive
from rig.dataset.layout import IMAGE_SUFFIXES, MANIFEST
from rig.dataset.manifest import read_manifest
from rig.dataset.progress import Emit, Progress
from rig.dataset.reader import decode_image, read_bytes
from rig.dataset.scratch import scratch_database
from rig.dataset.store import DatasetStore
from rig.errors import BadInput, DatasetError
from rig.files import storage_errors
from rig.model import image_digest

GroupRule = Callable[[PurePosixPath], str]
"""From the path of a picture below its source to the name of the brick or session; "" where nobody knows."""

_SCHEMA = """
CREATE TABLE found (name TEXT PRIMARY KEY, grp TEXT);
CREATE TABLE said (file_name TEXT PRIMARY KEY, document TEXT);
CREATE TABLE present (file_name TEXT PRIMARY KEY);
"""
_DIGEST_DIGITS = 12


@dataclass(frozen=True)
class Unreadable:
    """A picture that was not taken in, and why."""

    path: Path
    why: str


@dataclass(frozen=True)
class Taken:
    """So many pictures are new in the dataset; so many were there before."""

    new: int
    known: int


def group_rule(text: str) -> GroupRule:
    """What `--group-from` means.

    Args:
        text: "folder" (the folder that a picture lies in, below its class), "none" (nobody knows), or a
            regular expression that finds the group in the file name, in its first pair of brackets.

    Raises:
        BadInput: it is no such expression.
    """
    if text == "none":
        return lambda path: ""
    if text == "folder":
        return lambda path: str(path.parent)
    hint = "such as '^(.+)_\\d+' for names like red-brick_0001.jpg, or folder, or none"
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise BadInput(f"--group-from {text} is not a regular expression: {error}", hint=hint) from error
    if not pattern.groups:
        raise BadInput(f"--group-from {text} has no brackets around the group", hint=hint)

    def find(path: PurePosixPath) -> str:
        match = pattern.search(path.name)
        if match is None or not match[1]:
            raise BadInput(f"--group-from {text} finds no group in the name of {path}", hint=hint)
        return match[1]

    return find


def import_folder(
    source: Path, dataset: Path, rule: GroupRule | None, report: Callable[[Unreadable], None], emit: Emit
) -> Taken:
    """Copy pictures into a dataset, with rows; what is there already is passed over, so it can be run again.

    Args:
        source: holds one folder a part number; pictures may lie in folders within those.
        dataset: is made if it is not there.
        rule: which pictures belong together; None has the source's own manifest say it.
        report: gets every picture that cannot be read.

    Raises:
        BadInput: the source is absent or holds no picture, or a folder is no part number; nothing says the
            groups; or the dataset is not a folder.
        DatasetError: a manifest is damaged, or the dataset holds pictures and no manifest.
        StorageError: the disk is full or read-only; what was taken stays.
    """
    with scratch_database(_SCHEMA) as database:
        refuse_a_file(dataset)
        _survey(source, rule, database, emit)
        with storage_errors(dataset):
            dataset.mkdir(parents=True, exist_ok=True)
        with exclusive(dataset):
            _list_present(dataset, database)
            return _take(source, DatasetStore(dataset), database, report, emit)


def _survey(source: Path, rule: GroupRule | None, database: sqlite3.Connection, emit: Emit) -> None:
    """Find all pictures and their groups before anything is copied."""
    labels = class_names(source)
    if not labels:
        raise BadInput(f"{source} has no folders", hint="give a folder that holds one folder a part number")
    if splits_in(source):
        raise BadInput(
            f"{source} is an exported dataset", hint=f"import its splits one by one: {source / 'train'}"
        )
    for row in read_manifest(source / MANIFEST):
        database.execute("INSERT OR REPLACE INTO said VALUES (?, ?)", (row.document["file_name"], row.text))
    (rows,) = database.execute("SELECT count(*) FROM said").fetchone()
    if rule is None and not rows:
        raise BadInput(
            f"nothing says which pictures in {source} show the same brick",
            hint="say it with --group-from: a regular expression on the file name, folder, or none",
        )
    done = 0
    for label in labels:
        part_number(label)
        for name in _walk(source / label, label):
            group = "" if rule is None else rule(PurePosixPath(name))
            database.execute("INSERT INTO found VALUES (?, ?)", (name, group))
            done += 1
            emit(Progress("Looking", done, None))
    if not done:
        raise BadInput(
            f"there are no pictures in the folders of {source}",
            hint=f"what counts as one: {', '.join(sorted(IMAGE_SUFFIXES))}",
        )


def _walk(folder: Path, name: str) -> Iterator[str]:
    """The pictures in a folder and the folders within, as paths below the source."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), f"{name}/{entry.name}")
            elif is_image(entry):
                yield f"{name}/{entry.name}"


def _list_present(dataset: Path, database: sqlite3.Connection) -> None:
    for row in read_manifest(dataset / MANIFEST):
        database.execute("INSERT OR IGNORE INTO present VALUES (?)", (row.document["file_name"],))
    (rows,) = database.execute("SELECT count(*) FROM present").fetchone()
    if not rows and any(next(images_in(dataset / label), None) for label in class_names(dataset)):
        raise DatasetError(
            f"{dataset} holds pictures without a manifest",
            hint="import that folder too, together with this one, into a new one",
        )


def _take(
    source: Path,
    store: DatasetStore,
    database: sqlite3.Connection,
    report: Callable[[Unreadable], None],
    emit: Emit,
) -> Taken:
    (total,) = database.execute("SELECT count(*) FROM found").fetchone()
    new = known = 0
    found = database.execute(
        "SELECT name, grp, document FROM found LEFT JOIN said ON file_name = name ORDER BY name"
    )
    for done, (name, group, said) in enumerate(found, start=1):
        path = source / name
        try:
            content = read_bytes(path)
            decode_image(content, path)
        except DatasetError as error:
            report(Unreadable(path, error.what))
        else:
            row = _row(source, name, group, json.loads(said) if said else {}, content)
            given = database.execute("INSERT OR IGNORE INTO present VALUES (?)", (row["file_name"],))
            if given.rowcount and store.add_document(row, content):
                new += 1
            else:
                known += 1
        emit(Progress("Importing", done, total))
    return Taken(new, known)


def _row(source: Path, name: str, group: str, said: dict[str, Any], content: bytes) -> dict[str, Any]:
    """The name holds a digest: so two pictures of one name do not collide, and the same one is recognised."""
    path = PurePosixPath(name)
    label = path.parts[0]
    file_name = f"{label}/{path.stem}-{image_digest(content)[:_DIGEST_DIGITS]}{path.suffix}"
    row = {"file_name": file_name, "label": label, "imported_from": f"{source.resolve().name}/{name}"}
    row = said | row
    if group:
        row["physical_part"] = group
        row.pop("part", None)  # it would be taken for the group
    return row
