"""The part numbers that occur here, to complete what a person begins to type."""

from collections.abc import Iterable
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from rig.catalog import PartNumber
from rig.daemon.fields import Limit, Reply
from rig.daemon.library import Library
from rig.daemon.problems import may_fail
from rig.daemon.station import Station, rooted

Where = Literal["captures", "model", "bins", "simulator"]
Prefix = Annotated[str, Query(max_length=64, description="What the part number begins with, in any case.")]


class KnownPartReply(Reply):
    """A part, and where it occurs.

    Attributes:
        name: what it is called; null where nobody said.
        known_from: the dataset, the model in use, the bins of rig.toml, the simulated rig.
    """

    part: str
    name: str | None
    known_from: list[Where]


def routes(station: Station, library: Library) -> APIRouter:
    """Completion of part numbers."""
    router = APIRouter(tags=["parts"])

    @router.get("/parts", responses=may_fail(409, 422))
    def complete(prefix: Prefix = "", limit: Limit = 20) -> list[KnownPartReply]:
        """List the known parts whose number begins so, the shortest first."""
        config = rooted(station)
        places: dict[str, list[Where]] = {}
        sources: tuple[tuple[Where, Iterable[str]], ...] = (
            ("captures", library.captures.labels()),
            ("model", library.labels_in_use(config.paths.models)),
            ("bins", (part for bin_ in config.bins for part in bin_.parts)),
            ("simulator", library.simulated_parts()),
        )
        for where, parts in sources:
            for part in parts:
                if part.casefold().startswith(prefix.casefold()):
                    known_from = places.setdefault(part, [])
                    if where not in known_from:
                        known_from.append(where)
        names = library.names()
        return [
            KnownPartReply(part=part, name=names.get(PartNumber(part)), known_from=places[part])
            for part in sorted(places, key=lambda part: (len(part), part))[:limit]
        ]

    return router
