"""Hand a dataset on: train, validation and test folders that respect groups, whole or not at all.

    DEST/
      train/3001/20261121T220301Z-a1b2_pose0_000deg.jpg
      train/metadata.jsonl                                   a row for each picture of the split
      validation/...
      test/...

Hugging Face `imagefolder` reads it as it is, and Keras and torchvision read each split. It wants the same
columns of the same types in every split, so each row says the same things: `file_name`, `label`, `part` (the
group that the split respects; empty where nobody said), and whatever else is known in all splits.
"""

import json
import os
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rig.dataset.folders import class_names, images_in
from rig.dataset.index import Index, Picture
from rig.dataset.layout import MANIFEST, SPLITS
from rig.dataset.progress import Emit, Progress
from rig.dataset.reader import SIMULATED, decode_image, read_bytes
from rig.dataset.splits import Shares, deal_splits
from rig.errors import BadInput, DatasetError
from rig.files import storage_errors, sync_folder
from rig.model import draft_folder, image_digest

Format = Literal["folder", "zip"]

# The earliest that a zip file can say: so the same dataset gives the same bytes.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_OF_SPLIT = "(SELECT split FROM dealt WHERE dealt.label = picture.label AND dealt.grp = picture.grp) = ?"


@dataclass(frozen=True)
class Exported:
    """What was handed on.

    Attributes:
        images: of each split, by its name.
        groups: the same for physical parts and sessions.
        untested: classes of which nothing could be held out, having one group only.
        left_out: columns of the manifest that are not known in all splits.
    """

    images: dict[str, int]
    groups: dict[str, int]
    untested: tuple[str, ...]
    left_out: tuple[str, ...]


def export(
    index: Index, target: Path, form: Format, shares: Shares, seed: int, *, allow_mixed: bool, emit: Emit
) -> Exported:
    """Copy a dataset, split by group. `target` is written whole or not at all.

    Raises:
        BadInput: `target` exists, or the dataset is an exported one.
        DatasetError: a picture is damaged or has no row, the same picture would come into two splits, or real
            and simulated pictures are mixed unasked.
        StorageError: the disk is full or read-only.
    """
    _require_exportable(index, target, allow_mixed=allow_mixed)
    images, groups, untested = _deal(index, shares, seed)
    columns, left_out = _columns(index, images)
    with draft_folder(target.resolve().parent) as scratch, storage_errors(target):
        draft = scratch / "draft"
        done = 0
        for split, count in images.items():
            _copy(index, split, draft / split, columns, done, emit)
            done += count
        if form == "zip":
            draft = _zipped(draft, scratch / "draft.zip", index.pictures, emit)
        if hasattr(os, "sync"):
            os.sync()
        draft.rename(target)
        sync_folder(target.resolve().parent)
    return Exported(images, groups, untested, left_out)


def _require_exportable(index: Index, target: Path, *, allow_mixed: bool) -> None:
    if target.exists():
        raise BadInput(f"{target} exists already", hint="choose another name, or delete it first")
    nested = next(index.walk("split <> ''"), None)
    if nested is not None:
        raise BadInput(
            f"{index.folder} is an exported dataset itself", hint="export the one it was made from"
        )
    nameless = next(index.walk("NOT has_row"), None)
    if index.has_manifest and nameless is not None:
        raise DatasetError(
            f"{index.folder / nameless.name} has no row in {index.folder / MANIFEST}",
            hint="see what is wrong with: rig dataset check",
        )
    sources = index.sources()
    if SIMULATED in sources and len(sources) > 1 and not allow_mixed:
        raise DatasetError(
            f"{index.folder} mixes simulated and real pictures ({', '.join(sources)})",
            hint="use separate folders, or ask for the mixture with --allow-mixed",
        )


def _deal(index: Index, shares: Shares, seed: int) -> tuple[dict[str, int], dict[str, int], tuple[str, ...]]:
    """Deal the groups, class by class; gives images and groups of each split, and the untested classes."""
    index.database.executescript(
        "CREATE TABLE dealt (label TEXT, grp TEXT, split TEXT, PRIMARY KEY (label, grp)) WITHOUT ROWID;"
        "CREATE TABLE copied (digest TEXT PRIMARY KEY, split TEXT, name TEXT);"
    )
    images, groups = Counter[str](), Counter[str]()
    untested = []
    for label in index.labels():
        query = "SELECT grp, count(*) FROM picture WHERE label = ? GROUP BY grp"
        sizes: dict[str, int] = dict(index.database.execute(query, (label,)).fetchall())
        dealt = deal_splits(sizes, shares, seed)
        for group, split in dealt.items():
            images[split] += sizes[group]
            groups[split] += 1
            index.database.execute("INSERT INTO dealt VALUES (?, ?, ?)", (label, group, split))
        if set(dealt.values()) == {"train"}:
            untested.append(label)
    filled = [split for split in SPLITS if images[split]]
    return (
        {split: images[split] for split in filled},
        {split: groups[split] for split in filled},
        tuple(untested),
    )


def _columns(index: Index, splits: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the rows say in all splits, and what in some only."""
    said = []
    for split in splits:
        known: set[str] = set()
        for (document,) in index.database.execute(
            f"SELECT document FROM picture WHERE document IS NOT NULL AND {_OF_SPLIT}", (split,)
        ):
            known |= {column for column, value in json.loads(document).items() if value is not None}
        said.append(known - {"file_name", "label", "part"})
    everywhere = set.intersection(*said)
    return tuple(sorted(everywhere)), tuple(sorted(set.union(*said) - everywhere))


def _copy(index: Index, split: str, folder: Path, columns: Sequence[str], before: int, emit: Emit) -> None:
    folder.mkdir(parents=True)
    with (folder / MANIFEST).open("w", encoding="utf-8", newline="\n") as rows:
        for done, picture in enumerate(index.walk(_OF_SPLIT, split), start=before + 1):
            path = index.folder / picture.name
            content = read_bytes(path)
            decode_image(content, path)
            _refuse_leak(index, content, split, picture)
            copy = folder / picture.name
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(content)
            rows.write(_row(index, picture, columns) + "\n")
            emit(Progress("Exporting", done, index.pictures))


def _refuse_leak(index: Index, content: bytes, split: str, picture: Picture) -> None:
    """The same picture in two splits would have a model tested on what it was trained on."""
    digest = image_digest(content)
    index.database.execute("INSERT OR IGNORE INTO copied VALUES (?, ?, ?)", (digest, split, picture.name))
    query = "SELECT split, name FROM copied WHERE digest = ?"
    other, name = index.database.execute(query, (digest,)).fetchone()
    if other != split:
        raise DatasetError(
            f"{picture.name} and {name} are the same picture, of different bricks or sessions",
            hint="take one of each pair out with: rig dataset dedupe --apply",
        )


def _row(index: Index, picture: Picture, columns: Sequence[str]) -> str:
    query = "SELECT document FROM picture WHERE id = ?"
    (document,) = index.database.execute(query, (picture.id,)).fetchone()
    said = json.loads(document) if document else {}
    row = {"file_name": picture.name, "label": picture.label, "part": picture.group}
    return json.dumps(row | {column: said.get(column) for column in columns})


def _zipped(folder: Path, path: Path, pictures: int, emit: Emit) -> Path:
    """The same in a zip file, uncompressed, since pictures are; the folder is deleted."""
    with zipfile.ZipFile(path, "w") as archive:
        names = (
            f"{split}/{name}"
            for split in SPLITS
            if (folder / split).is_dir()
            for name in (MANIFEST, *_pictures(folder / split))
        )
        for done, name in enumerate(names):
            with (
                archive.open(zipfile.ZipInfo(name, _NO_TIME), "w") as entry,
                (folder / name).open("rb") as file,
            ):
                shutil.copyfileobj(file, entry)
            emit(Progress("Packing", min(done, pictures), pictures))
    shutil.rmtree(folder)
    return path


def _pictures(split: Path) -> Iterator[str]:
    """Label and file name of the pictures of a split, sorted, so that the same dataset gives the same zip."""
    for label in class_names(split):
        for name in sorted(image.name for image in images_in(split / label)):
            yield f"{label}/{name}"
