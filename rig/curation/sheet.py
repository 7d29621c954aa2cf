"""A contact sheet of a part, of a session, or of a whole dataset."""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2

from rig.camera.frame import Image
from rig.dataset.index import Index, Picture
from rig.dataset.progress import Emit, Progress
from rig.dataset.reader import decode_image, read_bytes
from rig.errors import BadInput
from rig.files import write_whole
from rig.vision.contact_sheet import contact_sheet
from rig.vision.jpeg import encode_jpeg

_COLUMNS = 12
_TILE_PX = 120


@dataclass(frozen=True)
class Drawn:
    """A sheet shows `shown` of `found` pictures."""

    shown: int
    found: int


def draw_sheet(
    index: Index, out: Path, *, part: str | None, session: str | None, most: int, emit: Emit
) -> Drawn:
    """Draw pictures in the order of their names, evenly chosen where there are more than `most`.

    Args:
        out: the file, .jpg or .png.
        part, session: whose pictures; with neither, every part has its share of them.

    Raises:
        BadInput: there are none, both are given, or `out` has another ending.
        DatasetError: one of them cannot be read.
        StorageError: the sheet cannot be written.
    """
    form = out.suffix.lower()
    if form not in (".jpg", ".jpeg", ".png"):
        raise BadInput(f"{out} is neither a JPEG nor a PNG file", hint="such as: --out sheet.jpg")
    if part is not None and session is not None:
        raise BadInput("a sheet shows a part or a session, not both", hint="leave --part or --session away")
    if part is not None:
        condition, value, whose = "label = ?", part, f"of part {part}"
    elif session is not None:
        condition, value, whose = "session = ?", session, f"of session {session}"
    else:
        condition, value, whose = "? = ''", "", "at all"
    (found,) = index.database.execute(f"SELECT count(*) FROM picture WHERE {condition}", (value,)).fetchone()
    if not found:
        raise BadInput(
            f"there are no pictures {whose} in {index.folder}", hint="see what is there: rig dataset stats"
        )
    shown = min(most, found)
    chosen = {place * found // shown for place in range(shown)}
    images: list[Image] = []
    captions: list[str] = []
    for place, picture in enumerate(index.walk(condition, value)):
        if place in chosen:
            images.append(_tile(index, picture))
            captions.append(_caption(index, picture))
            emit(Progress("Drawing", len(images), shown))
    drawn = contact_sheet(images, captions, columns=_COLUMNS, tile_px=_TILE_PX)
    write_whole(out, cv2.imencode(".png", drawn)[1].tobytes() if form == ".png" else encode_jpeg(drawn))
    return Drawn(shown, found)


def _tile(index: Index, picture: Picture) -> Image:
    """Small at once: two hundred whole pictures would not fit into a small computer."""
    path = index.folder / picture.name
    image = decode_image(read_bytes(path), path)
    scale = min(1.0, 2 * _TILE_PX / max(image.shape[:2]))
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(image.dtype)


def _caption(index: Index, picture: Picture) -> str:
    (document,) = index.database.execute(
        "SELECT document FROM picture WHERE id = ?", (picture.id,)
    ).fetchone()
    row = json.loads(document) if document else {}
    if row.get("angle_deg") is None:
        return Path(picture.name).stem
    return f"{picture.label} p{row.get('pose')} {row['angle_deg']:g}"
