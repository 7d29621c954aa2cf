"""What calibration drew: each kind of it has one drawing, which shows how it found what it found."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum

from fastapi import APIRouter, Request
from starlette.responses import Response

from rig.calibration.camera import CAMERA_PICTURE
from rig.calibration.settle import SETTLE_PICTURE
from rig.calibration.table import TABLE_PICTURE
from rig.daemon.fields import Reply, ThumbnailWidth
from rig.daemon.library import Library
from rig.daemon.paths import file_below
from rig.daemon.pictures import PICTURE_RESPONSES, picture_response
from rig.daemon.problems import may_fail
from rig.daemon.station import Station, rooted
from rig.errors import NotFound


class Calibration(StrEnum):
    """The kind of job that draws."""

    TABLE = "calibrate_table"
    SETTLE = "calibrate_settle"
    CAMERA = "calibrate_camera"


_DRAWINGS: Mapping[Calibration, str] = {
    Calibration.TABLE: TABLE_PICTURE,
    Calibration.SETTLE: SETTLE_PICTURE,
    Calibration.CAMERA: CAMERA_PICTURE,
}


class DrawingReply(Reply):
    """A drawing that is there, and since when."""

    kind: Calibration
    drawn_at: datetime


def routes(station: Station, library: Library) -> APIRouter:
    """Everything about what calibration drew."""
    router = APIRouter(tags=["calibration"])

    @router.get("/calibration")
    def list_drawings() -> list[DrawingReply]:
        """List what the latest calibrations drew; what a command drew into another folder is not among it."""
        return list(_drawings(station))

    @router.get(
        "/calibration/{kind}/drawing.png",
        response_class=Response,
        responses=PICTURE_RESPONSES | may_fail(404, 409, 422),
    )
    def show_drawing(request: Request, kind: Calibration, width_px: ThumbnailWidth = None) -> Response:
        """Give a drawing as it is, or small. A later calibration draws another in its place."""
        folder = rooted(station).paths.calibration
        answer = picture_response(request, folder, _DRAWINGS[kind], width_px, library.pictures)
        answer.headers["Cache-Control"] = "no-cache"
        return answer

    return router


def _drawings(station: Station) -> Iterator[DrawingReply]:
    folder = rooted(station).paths.calibration
    for kind, name in _DRAWINGS.items():
        # It was never drawn, or is gone in this moment.
        with suppress(NotFound, FileNotFoundError):
            drawn_s = file_below(folder, name).stat().st_mtime
            yield DrawingReply(kind=kind, drawn_at=datetime.fromtimestamp(drawn_s, UTC))
