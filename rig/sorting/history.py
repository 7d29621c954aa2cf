"""The runs of sorting mode that are on record, each in one line."""

import json
from dataclasses import dataclass
from typing import Any

from rig.dataset.layout import Source
from rig.sorting.ledger import Ledger, RunId

_RUNS = """
SELECT parts.run, min(decided_at) AS began_at, max(coalesce(dropped_at, decided_at)) AS last_at,
    count(*) AS rows, count(*) FILTER (WHERE outcome = 'dropped') AS dropped,
    count(*) FILTER (WHERE outcome = 'dropped' AND part IS NULL) AS unnamed,
    count(*) FILTER (WHERE outcome = 'decided') AS under_way,
    json_group_array(DISTINCT model) AS models, count(true_part) AS known, plan, pass
FROM parts LEFT JOIN passes ON passes.run = parts.run
"""


@dataclass(frozen=True)
class RunStats:
    """One start of sorting mode.

    Attributes:
        began_at, last_at: when its first part was decided on, and when anything last went on record; UTC, ISO
            8601.
        rows: what was decided on.
        dropped: of those, what went into bins.
        unnamed: of those, what nobody could name.
        under_way: what is on record and has not ended; the run goes on then, or was cut short.
        models: that were asked.
        source: the kind of rig, as far as it is known.
        plan: path of the plan that it followed; None where it followed none.
        pass_number: of that plan, from 1.
    """

    run: RunId
    began_at: str
    last_at: str
    rows: int
    dropped: int
    unnamed: int
    under_way: int
    models: tuple[str, ...]
    source: Source
    plan: str | None
    pass_number: int | None


def runs_of(ledger: Ledger, *, begin: int, most: int) -> tuple[int, list[RunStats]]:
    """How many runs there are, and some of them, the newest first.

    Raises:
        StorageError: the ledger cannot be read.
    """
    with ledger.database() as database:
        (count,) = database.execute("SELECT count(DISTINCT run) FROM parts").fetchone()
        found = database.execute(
            _RUNS + "GROUP BY parts.run ORDER BY min(id) DESC LIMIT ? OFFSET ?", (most, begin)
        ).fetchall()
    return int(count), [_stats(dict(columns)) for columns in found]


def stats_of_run(ledger: Ledger, run: str) -> RunStats | None:
    """One run; None where there is none of this id.

    Raises:
        StorageError: the ledger cannot be read.
    """
    with ledger.database() as database:
        found = database.execute(_RUNS + "WHERE parts.run = ? GROUP BY parts.run", (run,)).fetchone()
    return None if found is None else _stats(dict(found))


def _stats(columns: dict[str, Any]) -> RunStats:
    source: Source = "simulated" if columns.pop("known") else "camera"
    models = tuple(sorted(json.loads(columns.pop("models"))))
    return RunStats(models=models, source=source, pass_number=columns.pop("pass"), **columns)
