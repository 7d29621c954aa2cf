"""A contact sheet of a part, of a session, or of a whole dataset."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True)
class Tile:
    """A picture of a sheet: its path below the dataset, and what stands below it."""

    name: str
    caption: str


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
    chosen = set(evenly(found, most))
    tiles = [
        Tile(picture.name, caption_of(picture.name, picture.label, _said_of(index, picture)))
        for place, picture in enumerate(index.walk(condition, value))
        if place in chosen
    ]
    drawn = draw_tiles(index.folder, tiles, emit)
    write_whole(out, cv2.imencode(".png", drawn)[1].tobytes() if form == ".png" else encode_jpeg(drawn))
    return Drawn(len(tiles), found)


def evenly(found: int, most: int) -> list[int]:
    """At most so many places of `found` pictures, evenly spread."""
    shown = min(most, found)
    return [place * found // shown for place in range(shown)]


def draw_tiles(folder: Path, tiles: Sequence[Tile], emit: Emit) -> Image:
    """A sheet of these pictures, (height, width, 3) uint8 BGR.

    Args:
        tiles: at least one.

    Raises:
        DatasetError: a picture cannot be read.
    """
    images = []
    for tile in tiles:
        images.append(_small(folder / tile.name))
        emit(Progress("Drawing", len(images), len(tiles)))
    return contact_sheet(images, [tile.caption for tile in tiles], columns=_COLUMNS, tile_px=_TILE_PX)


def caption_of(name: str, label: str, said: Mapping[str, Any]) -> str:
    """What stands below a picture: part, pose and angle, or the name of its file where nobody said those.

    Args:
        name: path of the picture.
        said: its row in the manifest.
    """
    angle_deg = said.get("angle_deg")
    if not isinstance(angle_deg, int | float):
        return Path(name).stem
    return f"{label} p{said.get('pose')} {angle_deg:g}"


def _small(path: Path) -> Image:
    """Small at once: two hundred whole pictures would not fit into a small computer."""
    image = decode_image(read_bytes(path), path)
    scale = min(1.0, 2 * _TILE_PX / max(image.shape[:2]))
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(image.dtype)


def _said_of(index: Index, picture: Picture) -> dict[str, Any]:
    query = "SELECT document FROM picture WHERE id = ?"
    (document,) = index.database.execute(query, (picture.id,)).fetchone()
    return dict(json.loads(document)) if document else {}
