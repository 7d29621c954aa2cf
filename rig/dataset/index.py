"""A dataset's files and rows side by side, on disk and not in memory: what counts, compares and splits them.

An exported dataset, whose `train`, `validation` and `test` folders are datasets themselves, is indexed as a
whole; its pictures then know their split.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rig.dataset.folders import class_names, images_in, splits_in
from rig.dataset.groups import connected, ties
from rig.dataset.journal import finish_interrupted
from rig.dataset.layout import MANIFEST
from rig.dataset.manifest import ManifestRow, read_manifest
from rig.dataset.progress import Emit, Progress
from rig.dataset.reader import UNKNOWN_SOURCE, Sample
from rig.dataset.scratch import scratch_database
from rig.errors import DatasetError

SCHEMA = f"""
CREATE TABLE class (split TEXT, label TEXT);
CREATE TABLE file (id INTEGER PRIMARY KEY, split TEXT, label TEXT, file_name TEXT, modified_ns INTEGER);
CREATE TABLE row (
    split TEXT, file_name TEXT, times INTEGER, label TEXT, pose INTEGER, colour INTEGER, source TEXT,
    session TEXT, physical_part TEXT, part TEXT, tie TEXT, document TEXT, PRIMARY KEY (split, file_name)
) WITHOUT ROWID;
CREATE TABLE tie (label TEXT, name TEXT, grp TEXT, PRIMARY KEY (label, name)) WITHOUT ROWID;
CREATE VIEW picture AS
    SELECT file.*, row.times IS NOT NULL AS has_row, coalesce(tie.grp, '') AS grp,
        coalesce(row.source, '{UNKNOWN_SOURCE}') AS source, row.label AS row_label, row.session, row.pose,
        coalesce(row.part, row.physical_part) AS physical_part, row.colour, row.document
    FROM file
    LEFT JOIN row ON row.split = file.split AND row.file_name = file.file_name
    LEFT JOIN tie ON tie.label = file.label AND tie.name = row.tie;
"""
_EMIT_EVERY = 1000


@dataclass(frozen=True)
class Picture:
    """An image file as the index knows it.

    Attributes:
        id: in the index; grows in the order of split, label and file name.
        split: "train", "validation" or "test" in an exported dataset; else empty.
        label: its class folder.
        name: path below the indexed folder, with forward slashes.
        group: physical part or session, as `Sample.group`.
        source: as `Sample.source`.
    """

    id: int
    split: str
    label: str
    name: str
    group: str
    source: str

    def sample(self, folder: Path) -> Sample:
        """As the reader of datasets gives it, but for how the part lay."""
        return Sample(folder / self.name, self.label, self.group, self.source)


class Index:
    """What `indexed` gives. Other modules add tables of their own to its database.

    Attributes:
        folder: the dataset.
        database: tables `class`, `file`, `row` and `tie`, and the view `picture` of all files.
        has_manifest: whether there is a manifest at all; where there is none, no file need have a row.
        pictures: how many files there are.
    """

    def __init__(self, folder: Path, database: sqlite3.Connection) -> None:
        self.folder = folder
        self.database = database
        self.has_manifest = any((folder / split / MANIFEST).exists() for split in splits_in(folder) or ("",))
        self.pictures = self._number("SELECT count(*) FROM file")

    def walk(self, where: str = "TRUE", *values: object) -> Iterator[Picture]:
        """The pictures in the order of split, label and file name; `where` is a condition in SQL."""
        columns = "id, split, label, file_name, grp, source"
        # A cursor of its own: a condition may well be a column of somebody else's table.
        for id_, split, label, file_name, group, source in self.database.execute(
            f"SELECT {columns} FROM picture WHERE {where} ORDER BY id", values
        ):
            yield Picture(id_, split, label, below(split, file_name), group, source)

    def labels(self) -> tuple[str, ...]:
        """The classes, sorted."""
        query = "SELECT DISTINCT label FROM class ORDER BY label"
        return tuple(label for (label,) in self.database.execute(query))

    def sources(self) -> tuple[str, ...]:
        """Where the pictures are from, sorted."""
        query = "SELECT DISTINCT source FROM picture ORDER BY source"
        return tuple(source for (source,) in self.database.execute(query))

    def _number(self, query: str) -> int:
        (number,) = self.database.execute(query).fetchone()
        return int(number)


@contextmanager
def indexed(folder: Path, emit: Emit) -> Iterator[Index]:
    """List the files and rows of a dataset; pictures are not opened.

    Raises:
        BadInput: there is no such folder.
        DatasetError: it has no class folder, or its manifest is damaged or cannot be read.
    """
    splits = splits_in(folder) if folder.is_dir() else ()
    for dataset in (folder / split for split in splits or ("",)):
        finish_interrupted(dataset)
    with scratch_database(SCHEMA) as database:
        for split in splits or ("",):
            _add_files(database, folder, split, emit)
            _add_rows(database, folder, split, emit)
        database.execute("CREATE UNIQUE INDEX file_by_name ON file (split, file_name)")
        _add_ties(database)
        index = Index(folder, database)
        if not index.labels():
            raise DatasetError(
                f"{folder} has no class folder", hint="put one folder of pictures a part in it"
            )
        yield index


def below(split: str, file_name: str) -> str:
    """The path of a file below the indexed folder."""
    return f"{split}/{file_name}" if split else file_name


def _add_files(database: sqlite3.Connection, folder: Path, split: str, emit: Emit) -> None:
    with scratch_database("CREATE TABLE file (label TEXT, file_name TEXT, modified_ns INTEGER)") as unsorted:
        for label in class_names(folder / split):
            database.execute("INSERT INTO class VALUES (?, ?)", (split, label))
            unsorted.executemany("INSERT INTO file VALUES (?, ?, ?)", _files(folder / split / label))
        ordered = unsorted.execute("SELECT label, file_name, modified_ns FROM file ORDER BY label, file_name")
        for done, (label, file_name, modified_ns) in enumerate(ordered, start=1):
            database.execute(
                "INSERT INTO file (split, label, file_name, modified_ns) VALUES (?, ?, ?, ?)",
                (split, label, file_name, modified_ns),
            )
            if done % _EMIT_EVERY == 0:
                emit(Progress("Listing pictures", done, None))


def _files(folder: Path) -> Iterator[tuple[str, str, int]]:
    """Label, file name and time of the pictures of a class, in the order of the disk."""
    for entry in images_in(folder):
        yield folder.name, f"{folder.name}/{entry.name}", entry.stat().st_mtime_ns


def _add_rows(database: sqlite3.Connection, folder: Path, split: str, emit: Emit) -> None:
    for done, row in enumerate(read_manifest(folder / split / MANIFEST), start=1):
        keep_row(database, row, split)
        if done % _EMIT_EVERY == 0:
            emit(Progress("Reading the manifest", done, None))


def keep_row(database: sqlite3.Connection, row: ManifestRow, split: str = "") -> None:
    """Put a row of the manifest into the table `row`."""
    document = row.document
    tie = next(iter(ties(document)), None)
    said = [_text(document.get(column)) for column in ("label", "pose", "colour", "source")]
    names = [_text(document.get(column) or None) for column in ("session", "physical_part", "part")]
    # Of several rows of one file the last holds, as for every reader of the manifest.
    database.execute(
        "INSERT INTO row VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " times = times + 1, label = excluded.label, session = excluded.session, pose = excluded.pose,"
        " physical_part = excluded.physical_part, part = excluded.part, colour = excluded.colour,"
        " source = excluded.source, tie = excluded.tie, document = excluded.document",
        (split, _text(document["file_name"]), *said, *names, tie, row.text),
    )


def _text(value: object) -> str | None:
    """As SQLite can hold it: JSON may have halves of characters, which are none."""
    return None if value is None else str(value).encode("utf-8", "replace").decode()


def _add_ties(database: sqlite3.Connection) -> None:
    """Find the groups. Their names are held in memory: there are far fewer of them than of pictures."""
    for (label,) in database.execute("SELECT DISTINCT label FROM file").fetchall():
        tie_class(database, label)


def tie_class(database: sqlite3.Connection, label: str) -> None:
    """Put the groups of a class into the table `tie`, in place of those that are there."""
    rows = database.execute(
        "SELECT DISTINCT row.part, row.physical_part, row.session FROM file JOIN row"
        " ON row.split = file.split AND row.file_name = file.file_name WHERE file.label = ?",
        (label,),
    )
    columns = ("part", "physical_part", "session")
    group_of = connected(ties(dict(zip(columns, row, strict=True))) for row in rows)
    database.execute("DELETE FROM tie WHERE label = ?", (label,))
    database.executemany(
        "INSERT INTO tie VALUES (?, ?, ?)", ((label, name, group) for name, group in group_of.items())
    )
