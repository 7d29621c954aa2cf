"""How many pictures of how many bricks: what a dataset holds, part by part."""

import sqlite3
from dataclasses import dataclass

from rig.dataset.index import Index

_COUNTS = """
    count(id), count(DISTINCT session), count(DISTINCT physical_part), count(DISTINCT nullif(grp, '')),
    count(DISTINCT coalesce(session, '') || '/' || pose), count(DISTINCT colour),
    count(id) FILTER (WHERE source = 'camera'), count(id) FILTER (WHERE source = 'simulated'),
    count(id) FILTER (WHERE source NOT IN ('camera', 'simulated')), count(id) FILTER (WHERE NOT has_row)
"""


@dataclass(frozen=True)
class PartStats:
    """Counts of one class, or of all; what the manifest does not say is not counted.

    Attributes:
        label: part number; empty for the whole dataset.
        images: files.
        sessions, physical_parts, colours: different ones.
        groups: what a split keeps together; 0 where nobody said which pictures belong together.
        poses: sides that a part was laid on, session by session.
        camera, simulated, other_source: images by source; they add up to `images`.
        without_row: images that the manifest does not name.
    """

    label: str
    images: int
    sessions: int
    physical_parts: int
    groups: int
    poses: int
    colours: int
    camera: int
    simulated: int
    other_source: int
    without_row: int


def stats_of_parts(index: Index) -> list[PartStats]:
    """One entry a class, in the order of the labels."""
    query = (
        f"SELECT class.label, {_COUNTS} FROM (SELECT DISTINCT label FROM class) AS class"
        " LEFT JOIN picture ON picture.label = class.label GROUP BY class.label ORDER BY class.label"
    )
    return [PartStats(*counts) for counts in index.database.execute(query)]


def stats_of_part(database: sqlite3.Connection, label: str) -> PartStats:
    """The entry of one class; `database` has the tables of an index."""
    query = f"SELECT ?1, {_COUNTS} FROM picture WHERE label = ?1"
    return PartStats(*database.execute(query, (label,)).fetchone())


def stats_of_all(index: Index) -> PartStats:
    """The whole dataset; a group is one of a label, as everywhere."""
    query = f"SELECT '', {_COUNTS.replace('nullif(grp', 'label || nullif(grp')} FROM picture"
    return PartStats(*index.database.execute(query).fetchone())
