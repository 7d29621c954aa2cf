"""What must not be torn apart when data are split: views of one physical part, or of one session.

The manifest says it in a `part` column, or in `session` and `physical_part` (images that share either belong
together). Reading, exporting and checking a dataset all mean this by a group.
"""

from collections.abc import Iterable, Mapping
from typing import Any


def ties(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What an image is tied to others by: the part if the manifest says it, else brick and session."""
    if row.get("part"):
        return (str(row["part"]),)
    return tuple(str(row[column]) for column in ("physical_part", "session") if row.get(column))


def connected(names: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """For each name the first, in the order of the alphabet, of all names that it is tied to."""
    members: dict[str, set[str]] = {}
    for own in dict.fromkeys(names):
        joined = set(own).union(*(members.get(name, set()) for name in own))
        for name in joined:
            members[name] = joined
    return {name: min(joined) for name, joined in members.items()}
