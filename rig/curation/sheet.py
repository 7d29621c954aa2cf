"""A contact sheet of a part, of a session, or of a whole dataset: its pictures, cropped to what they show."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from rig.camera.frame import Image
from rig.card import Preprocess
from rig.dataset.index import Index, Picture
from rig.dataset.progress import Emit, Progress
from rig.dataset.reader import decode_image, read_bytes
from rig.errors import BadInput
from rig.files import write_whole
from rig.vision.contact_sheet import contact_sheet, fitted
from rig.vision.jpeg import encode_jpeg
from rig.vision.locate import Box
from rig.vision.preprocess import crop

_COLUMNS = 12
_CROP = Preprocess(size_px=120, margin=0.3)


@dataclass(frozen=True)
class Drawn:
    """A sheet shows `shown` of `found` pictures."""

    shown: int
    found: int


@dataclass(frozen=True)
class Tile:
    """A picture of a sheet.

    Attributes:
        name: its path below the dataset.
        caption: stands below it.
        box: of the part in it; None where nobody said that, and the whole picture is shown.
    """

    name: str
    caption: str
    box: Box | None


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
        tile_of(picture.name, picture.label, _said_of(index, picture))
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
        images.append(_small(folder / tile.name, tile.box))
        emit(Progress("Drawing", len(images), len(tiles)))
    captions = [tile.caption for tile in tiles]
    return contact_sheet(images, captions, columns=_COLUMNS, tile_px=_CROP.size_px)


def tile_of(name: str, label: str, said: Mapping[str, Any]) -> Tile:
    """A picture with its part, pose and angle below it, or the name of its file where nobody said those.

    Args:
        name: path of the picture.
        said: its row in the manifest.
    """
    angle_deg = said.get("angle_deg")
    is_captured = isinstance(angle_deg, int | float)
    caption = f"{label} p{said.get('pose')} {angle_deg:g}" if is_captured else Path(name).stem
    return Tile(name, caption, _box(said.get("box")))


def _box(sides: object) -> Box | None:
    match sides:
        case [int(x), int(y), int(width), int(height)] if min(x, y) >= 0 and min(width, height) > 0:
            return Box(x, y, width, height)
    return None


def _small(path: Path, box: Box | None) -> Image:
    """Small at once: two hundred whole pictures would not fit into a small computer."""
    image = decode_image(read_bytes(path), path)
    # Somebody may have changed the picture since.
    if box is not None and box.pixels(image).shape[:2] == (box.height, box.width):
        return crop(image, box, _CROP)
    return fitted(image, _CROP.size_px)


def _said_of(index: Index, picture: Picture) -> dict[str, Any]:
    query = "SELECT document FROM picture WHERE id = ?"
    (document,) = index.database.execute(query, (picture.id,)).fetchone()
    return dict(json.loads(document)) if document else {}
