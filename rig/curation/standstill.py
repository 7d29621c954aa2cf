"""Sessions in which the table stood still: views of several angles that show the same."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from rig.curation.fingerprint import ALIKE_BITS, Fingerprint, differing_bits
from rig.dataset.index import Index, below

# Of five simulated parts, all views that were 30 degrees apart differed by 18 bits at least; those of a table
# that stood still by 2 at most.
_STILL_DEG = 30.0
_LEAST_VIEWS = 4


@dataclass(frozen=True)
class Standstill:
    """Views of one session and pose, in the order of their angles, that look the same or are said to.

    Attributes:
        first: path of the first one below the indexed folder.
        views: how many they are.
        from_deg, to_deg: angles of the first and of the last one, 0 to 360; None where nobody said.
    """

    first: str
    views: int
    from_deg: float | None
    to_deg: float | None

    @property
    def span_deg(self) -> float:
        """From the first to the last; 0 where nobody said."""
        return (self.to_deg or 0.0) - (self.from_deg or 0.0)


def standstills(index: Index) -> Iterator[Standstill]:
    """What was taken of a table that stood still, or looks so; after `inspect`.

    That is: all pictures of a session and pose, if they have the same angle or look the same; or some of
    them that look the same over many degrees. Where nobody said the session, the brick stands for it, and
    pictures of which nobody said that either are left out. So are parts that were said to be round.
    """
    query = """
        SELECT picture.split, picture.label, coalesce(session, picture.grp) AS whose, pose,
            count(*) OVER shot, min(angle_deg) OVER shot, max(angle_deg) OVER shot,
            picture.file_name, angle_deg, fingerprint
        FROM (SELECT *, json_extract(document, '$.angle_deg') AS angle_deg FROM picture
            WHERE NOT coalesce(json_extract(document, '$.is_round'), FALSE)) AS picture
        JOIN seen USING (id) WHERE whose <> ''
        WINDOW shot AS (PARTITION BY picture.split, picture.label, coalesce(session, picture.grp), pose)
        ORDER BY picture.split, picture.label, whose, pose, angle_deg, id
    """
    for shot, rows in groupby(index.database.execute(query), key=lambda row: row[:7]):
        split, _, _, _, views, least_deg, most_deg = shot
        runs = _runs((below(split, name), angle_deg, mark) for *_, name, angle_deg, mark in rows)
        if views > 1 and least_deg is not None and least_deg == most_deg:
            yield replace(next(runs), views=views)
            continue
        for run in runs:
            if run.views >= _LEAST_VIEWS and (run.views == views or run.span_deg >= _STILL_DEG):
                yield run


def _runs(views: Iterable[tuple[str, float | None, Fingerprint]]) -> Iterator[Standstill]:
    """Cut the views into runs that look like their first one."""
    run: Standstill | None = None
    first_mark = b""
    for name, angle_deg, mark in views:
        if run is not None and differing_bits(first_mark, mark) <= ALIKE_BITS:
            run = replace(run, views=run.views + 1, to_deg=angle_deg)
            continue
        if run is not None:
            yield run
        run, first_mark = Standstill(name, 1, angle_deg, angle_deg), mark
    if run is not None:
        yield run
