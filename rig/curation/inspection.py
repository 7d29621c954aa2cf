"""Open every picture of a dataset once, and keep what is needed to compare them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rig.camera.frame import Image
from rig.curation.fingerprint import ALIKE_BITS, differing_bits, fingerprint, keys
from rig.dataset.index import Index, Picture, below
from rig.dataset.progress import Emit, Progress
from rig.dataset.reader import decode_image, read_bytes
from rig.errors import DatasetError
from rig.model import image_digest

_SCHEMA = """
CREATE TABLE mark (id INTEGER PRIMARY KEY, digest TEXT, fingerprint BLOB);
CREATE TABLE unreadable (id INTEGER PRIMARY KEY, why TEXT);
CREATE TABLE slice (place INTEGER, bits INTEGER, id INTEGER);
"""
# Of two copies the one of lower rank stays: with a row before without, then the older, then by name.
_RANKING = """
CREATE TABLE seen (
    id INTEGER PRIMARY KEY, rank INTEGER, split TEXT, label TEXT, grp TEXT, file_name TEXT,
    digest TEXT, fingerprint BLOB
);
INSERT INTO seen SELECT id, row_number() OVER (ORDER BY NOT has_row, modified_ns, id),
    split, label, grp, file_name, digest, fingerprint FROM picture JOIN mark USING (id);
DROP TABLE mark;
CREATE INDEX seen_by_digest ON seen (digest);
CREATE INDEX slice_by_bits ON slice (place, bits);
"""

Look = Callable[[Picture, str, Image], None]
"""What else is to be done with each picture; gets its digest and (height, width, 3) uint8 BGR pixels."""


@dataclass(frozen=True)
class Pair:
    """Two pictures that are the same or alike; `first` has a row, or is the older one.

    Attributes:
        first, other: paths below the indexed folder.
        labels, splits, digests: of both.
        same_group: they are of the same brick or session, or nobody knows of either.
    """

    first: str
    other: str
    labels: tuple[str, str]
    splits: tuple[str, str]
    digests: tuple[str, str]
    same_group: bool


def inspect(index: Index, emit: Emit, look: Look | None = None) -> None:
    """Read and decode all pictures; those that cannot be are noted in `unreadable`.

    Makes tables in the index, so it can be called once for each.
    """
    database = index.database
    database.executescript(_SCHEMA)
    for done, picture in enumerate(index.walk(), start=1):
        path = index.folder / picture.name
        try:
            content = read_bytes(path)
            image = decode_image(content, path)
        except DatasetError as error:
            database.execute("INSERT INTO unreadable VALUES (?, ?)", (picture.id, error.what))
        else:
            digest, mark = image_digest(content), fingerprint(image)
            database.execute("INSERT INTO mark VALUES (?, ?, ?)", (picture.id, digest, mark))
            database.executemany(
                "INSERT INTO slice VALUES (?, ?, ?)",
                ((place, bits, picture.id) for place, bits in enumerate(keys(mark))),
            )
            if look is not None:
                look(picture, digest, image)
        emit(Progress("Looking at pictures", done, index.pictures))
    database.executescript(_RANKING)


def unreadable(index: Index) -> Iterator[tuple[str, str]]:
    """Path below the folder, and why, of pictures that cannot be read; after `inspect`."""
    query = "SELECT split, file_name, why FROM unreadable JOIN file USING (id) ORDER BY id"
    for split, file_name, why in index.database.execute(query):
        yield below(split, file_name), why


def identical(index: Index, *, within_label: bool = False) -> Iterator[Pair]:
    """Each picture that is byte for byte another one, with the first of those; after `inspect`."""
    candidates = "seen AS one JOIN seen AS two ON one.digest = two.digest"
    yield from _pairs(index, candidates, "one.label = two.label" if within_label else "TRUE")


def alike(index: Index) -> Iterator[Pair]:
    """Each picture that is nearly the same as one of another brick, session, label or split; after `inspect`.

    Neighbouring views of one brick are expected to be alike, and are left out.
    """
    index.database.create_function("differing_bits", 2, differing_bits, deterministic=True)
    yield from _pairs(
        index,
        "slice AS near JOIN slice AS far ON near.place = far.place AND near.bits = far.bits"
        " JOIN seen AS one ON one.id = near.id JOIN seen AS two ON two.id = far.id",
        "(one.split, one.label, one.grp) <> (two.split, two.label, two.grp) AND one.digest <> two.digest"
        f" AND differing_bits(one.fingerprint, two.fingerprint) <= {ALIKE_BITS}",
    )


def _pairs(index: Index, candidates: str, condition: str) -> Iterator[Pair]:
    """Of each picture only the pair with the first that it matches: a hundred copies are 99 pairs."""
    # SQLite takes the other columns from the row of the minimum (https://sqlite.org/lang_select.html).
    query = f"""
        SELECT one.split, one.file_name, two.split, two.file_name, one.label, two.label, one.grp = two.grp,
            one.digest, two.digest, min(one.rank)
        FROM {candidates} WHERE one.rank < two.rank AND {condition} GROUP BY two.rank ORDER BY two.rank
    """
    for row in index.database.execute(query):
        split, name, other_split, other_name, label, other_label, same_group, digest, other_digest, _ = row
        yield Pair(
            first=below(split, name),
            other=below(other_split, other_name),
            labels=(label, other_label),
            splits=(split, other_split),
            digests=(digest, other_digest),
            same_group=bool(same_group) and label == other_label,
        )
