"""Ledgers with parts that are in doubt, and their pictures, without a rig."""

from pathlib import Path

import cv2
import numpy as np

from rig.catalog import PartNumber
from rig.devices.operator import Truth
from rig.sorting.evidence import Decision
from rig.sorting.ledger import Ledger, RowId, RunId
from rig.vision.classifier import Candidate
from tests.dataset.pictures import picture

RUN = RunId("20261122T100000Z-ab12")

_VIEWS = "CREATE TABLE IF NOT EXISTS views (part_id INTEGER, number INTEGER, picture TEXT, angle_deg REAL)"


def doubtful(
    folder: Path,
    *,
    sorted_as: str | None = None,
    probability: float = 0.5,
    looks: int = 1,
    dropped: bool = True,
    truth: str | None = None,
) -> RowId:
    """Put a part on record as sorting mode does; what it took the part for are 3001, 3003 and 3010."""
    with Ledger(folder) as ledger:
        number = len(ledger.rows(RUN)) + 1
        names = [f"pictures/{RUN}/{number:05d}{f'-{look}' if look else ''}.jpg" for look in range(looks)]
        for place, name in enumerate(names):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture(100 * number + place))
        candidates = [("3001", probability), ("3003", 0.3), ("3010", 0.1)]
        part = ledger.record(
            RUN,
            "model",
            Decision(
                PartNumber(sorted_as) if sorted_as else None,
                probability,
                tuple(Candidate(label, likely) for label, likely in candidates),
            ),
            bin_name=sorted_as or "reject",
            picture=names[0] if names else None,
            truth=None if truth is None else Truth(truth, "sound"),
        )
        if dropped:
            ledger.dropped(part)
        if looks > 1:
            with ledger.database() as database:
                database.execute(_VIEWS)
                database.executemany(
                    "INSERT INTO views (part_id, number, picture, angle_deg) VALUES (?, ?, ?, ?)",
                    [(part, place + 1, name, 40.0 * place) for place, name in enumerate(names)],
                )
    return part


def part_picture(path: Path) -> None:
    """A picture in which a part can be found: a dark square on a light table."""
    image = np.full((120, 160, 3), 200, np.uint8)
    image[40:80, 60:110] = 40
    assert cv2.imwrite(str(path), image)
