"""All routers that need no hardware: they read and write files, and nothing on the desk moves."""

from fastapi import APIRouter

from rig.daemon.library import Library
from rig.daemon.routes import (
    calibration,
    captures,
    classify,
    configuration,
    inventory,
    known_parts,
    ledger,
    models,
    review,
)
from rig.daemon.station import Station


def routes(station: Station, library: Library) -> APIRouter:
    """Everything below /api/v1 that is about files."""
    router = APIRouter()
    for part in (
        captures.routes(library),
        known_parts.routes(station, library),
        models.routes(station, library),
        ledger.routes(station, library),
        inventory.routes(station),
        review.routes(station, library),
        calibration.routes(station, library),
        configuration.routes(station),
        classify.routes(station, library),
    ):
        router.include_router(part)
    return router
