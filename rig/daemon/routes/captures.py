"""The dataset: its classes, sessions and pictures, and sheets of them."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from rig.capture.plan import open_plan, open_sessions
from rig.catalog import ColourCode
from rig.curation.sheet import draw_tiles, evenly, tile_of
from rig.daemon.fields import Label, Limit, Offset, Reply, ThumbnailWidth, number, text, utc, whole
from rig.daemon.library import Library
from rig.daemon.paths import file_below
from rig.daemon.pictures import PICTURE_RESPONSES, SHEET_RESPONSES, picture_response
from rig.daemon.problems import may_fail
from rig.dataset.standing import Listed, SessionStats
from rig.dataset.stats import PartStats
from rig.errors import DatasetError, NotFound
from rig.inventory.colours import colour_name
from rig.vision.jpeg import encode_jpeg

FileName = Annotated[str, Path(min_length=1, max_length=255)]
Session = Annotated[str, Path(min_length=1, max_length=255)]
MostOnSheet = Annotated[int, Query(ge=1, le=288, description="Of more pictures some, evenly spread.")]

_BOX_SIDES = 4


class ClassReply(Reply):
    """How many pictures there are of one part; what the manifest does not say is not counted.

    Attributes:
        part: the class folder.
        physical_parts: different bricks.
        poses: sides that a part was laid on, session by session.
        camera, simulated, other_source: pictures by source; they add up to `pictures`.
        without_row: pictures that the manifest does not name.
    """

    part: str
    pictures: int
    sessions: int
    physical_parts: int
    poses: int
    colours: int
    camera: int
    simulated: int
    other_source: int
    without_row: int


class CapturesReply(Reply):
    """The whole dataset, class by class."""

    pictures: int
    camera: int
    simulated: int
    other_source: int
    classes: list[ClassReply]


class PictureReply(Reply):
    """A picture, and what the manifest says of it; null where that says nothing.

    Attributes:
        file_name: path below `captures`; the first step is the part.
        angle_deg: of the table, 0 to 360.
        box: x, y, width, height of the part in pixels.
        source: "camera", "simulated", or what the manifest says.
    """

    file_name: str
    part: str
    session: str | None
    pose: int | None
    pose_name: str | None
    physical_part: str | None
    colour: int | None
    colour_name: str | None
    angle_deg: float | None
    sharpness: float | None
    box: list[float] | None
    source: str | None
    captured_at: datetime | None


class PicturesReply(Reply):
    """Some of `total` pictures."""

    total: int
    pictures: list[PictureReply]


class SessionReply(Reply):
    """The pictures of one session that are of one part.

    Attributes:
        began_at: when its first picture was taken.
        planned: how many pictures it shall have, where it is not complete; null where it is.
    """

    session: str
    part: str
    pictures: int
    poses: int
    physical_parts: list[str]
    sources: list[str]
    began_at: datetime | None
    planned: int | None


class SessionsReply(Reply):
    """Some of `total` sessions, the newest first."""

    total: int
    sessions: list[SessionReply]


def routes(library: Library) -> APIRouter:
    """Everything about the dataset."""
    router = APIRouter(tags=["captures"], responses=may_fail(409, 422))

    @router.get("/captures")
    def list_classes() -> CapturesReply:
        """Count the pictures of each part."""
        parts = library.captures.parts()
        return CapturesReply(
            pictures=sum(part.images for part in parts),
            camera=sum(part.camera for part in parts),
            simulated=sum(part.simulated for part in parts),
            other_source=sum(part.other_source for part in parts),
            classes=[_class_reply(part) for part in parts],
        )

    @router.get("/captures/{part}", responses=may_fail(404))
    def list_pictures(part: Label, offset: Offset = 0, limit: Limit = 100) -> PicturesReply:
        """List the pictures of a part in the order of their names."""
        total, some = library.captures.of_part(part, begin=offset, most=limit)
        return PicturesReply(total=total, pictures=[_picture_reply(listed) for listed in some])

    @router.get(
        "/captures/{part}/sheet.jpg",
        response_class=Response,
        responses=SHEET_RESPONSES | may_fail(404),
    )
    def draw_sheet(part: Label, most: MostOnSheet = 144) -> Response:
        """Draw the pictures of a part on one sheet."""
        key = ("sheet", str(library.captures.folder), part, most, library.captures.version(part))
        return Response(
            library.pictures.get(key, lambda: _sheet(library, part, most)), media_type="image/jpeg"
        )

    @router.get(
        "/captures/{part}/{file_name}",
        response_class=Response,
        responses=PICTURE_RESPONSES | may_fail(404),
    )
    def show_picture(
        request: Request, part: Label, file_name: FileName, width_px: ThumbnailWidth = None
    ) -> Response:
        """Give a picture as it is, or as a thumbnail."""
        name = f"{part}/{file_name}"
        return picture_response(request, library.captures.folder, name, width_px, library.pictures)

    @router.get("/sessions")
    def list_sessions(offset: Offset = 0, limit: Limit = 100) -> SessionsReply:
        """List the capture sessions, the newest first."""
        dated = [(_began_at(entry), entry) for entry in library.captures.sessions()]
        dated.sort(key=lambda pair: (pair[0].timestamp() if pair[0] else 0.0, pair[1].session), reverse=True)
        planned = _planned(library)
        some = dated[offset : offset + limit]
        return SessionsReply(
            total=len(dated), sessions=[_session_reply(entry, began_at, planned) for began_at, entry in some]
        )

    @router.get("/sessions/{session}", responses=may_fail(404))
    def list_pictures_of_session(session: Session, offset: Offset = 0, limit: Limit = 100) -> PicturesReply:
        """List the pictures of a session in the order of their names."""
        total, some = library.captures.of_session(session, begin=offset, most=limit)
        return PicturesReply(total=total, pictures=[_picture_reply(listed) for listed in some])

    return router


def _class_reply(part: PartStats) -> ClassReply:
    return ClassReply(
        part=part.label,
        pictures=part.images,
        sessions=part.sessions,
        physical_parts=part.physical_parts,
        poses=part.poses,
        colours=part.colours,
        camera=part.camera,
        simulated=part.simulated,
        other_source=part.other_source,
        without_row=part.without_row,
    )


def _picture_reply(listed: Listed) -> PictureReply:
    said = listed.document
    colour = whole(said.get("colour"))
    return PictureReply(
        file_name=listed.name,
        part=listed.label,
        session=text(said.get("session")),
        pose=whole(said.get("pose")),
        pose_name=text(said.get("pose_name")),
        physical_part=text(said.get("physical_part")),
        colour=colour,
        colour_name=None if colour is None else colour_name(ColourCode(colour)),
        angle_deg=number(said.get("angle_deg")),
        sharpness=number(said.get("sharpness")),
        box=_box(said),
        source=text(said.get("source")),
        captured_at=utc(said.get("captured_at")),
    )


def _box(said: Mapping[str, Any]) -> list[float] | None:
    sides = said.get("box")
    if not isinstance(sides, list) or len(sides) != _BOX_SIDES:
        return None
    numbers = [value for side in sides if (value := number(side)) is not None]
    return numbers if len(numbers) == _BOX_SIDES else None


def _began_at(entry: SessionStats) -> datetime | None:
    return utc(entry.first.document.get("captured_at"))


def _session_reply(
    entry: SessionStats, began_at: datetime | None, planned: Mapping[str, int]
) -> SessionReply:
    return SessionReply(
        session=entry.session,
        part=entry.label,
        pictures=entry.images,
        poses=entry.poses,
        physical_parts=list(entry.physical_parts),
        sources=list(entry.sources),
        began_at=began_at,
        planned=planned.get(entry.session),
    )


def _planned(library: Library) -> dict[str, int]:
    """How many pictures the sessions that are not complete shall have; a damaged plan says nothing."""
    folder = library.captures.folder
    planned = {}
    for session in open_sessions(folder):
        # Whoever resumes the session is told; it can also have been completed in this moment.
        with suppress(DatasetError, OSError):
            planned[session] = open_plan(session, folder).total
    return planned


def _sheet(library: Library, part: str, most: int) -> bytes:
    names = library.captures.names_of_part(part)
    if not names:
        raise NotFound(f"there are no pictures of {part}", hint="capture some: rig capture")
    chosen = library.captures.named([names[place] for place in evenly(len(names), most)])
    folder = library.captures.folder
    tiles = [tile_of(listed.name, listed.label, listed.document) for listed in chosen]
    for tile in tiles:
        file_below(folder, tile.name)
    return encode_jpeg(draw_tiles(folder, tiles, lambda progress: None))
