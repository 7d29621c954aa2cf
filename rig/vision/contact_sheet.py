"""Many pictures on one: what a capture session or a sorting run looked like at a glance."""

from collections.abc import Sequence

import cv2
import numpy as np

from rig.camera.frame import Image
from rig.errors import BadInput

_CAPTION_PX = 18
_MARGIN_PX = 4
_BACKGROUND = (32, 32, 32)
_INK = (230, 230, 230)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_SCALE = 0.38


def contact_sheet(images: Sequence[Image], captions: Sequence[str], columns: int, tile_px: int) -> Image:
    """Lay pictures out in rows, each scaled to fit a tile, with its caption below.

    Args:
        images: (height, width, 3) uint8 BGR, of any sizes.
        captions: one for each picture; too long ones are cut off at the tile's edge.
        columns: pictures in a row; the last row may be shorter.
        tile_px: width of a tile, and the most that it is high: no higher than the highest picture needs.

    Raises:
        BadInput: there are no pictures, not as many captions as pictures, or a size is not positive.
    """
    if not images or len(images) != len(captions):
        raise BadInput(f"a contact sheet needs one caption a picture, not {len(captions)} for {len(images)}")
    if columns < 1 or tile_px < 1:
        raise BadInput(f"a contact sheet cannot have {columns} columns of {tile_px} pixels")
    scaled = [fitted(image, tile_px) for image in images]
    height = max(picture.shape[0] for picture in scaled)
    cells = [
        _cell(picture, caption, tile_px, height) for picture, caption in zip(scaled, captions, strict=True)
    ]
    columns = min(columns, len(cells))
    cells += [np.full_like(cells[0], _BACKGROUND)] * (-len(cells) % columns)
    rows = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    return np.vstack(rows)


def fitted(image: Image, tile_px: int) -> Image:
    """A picture (height, width, 3) scaled to fit a tile; a sheet made of such is the same, in less memory."""
    height, width = image.shape[:2]
    scale = tile_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), dtype=np.uint8)


def _cell(picture: Image, caption: str, width_px: int, height_px: int) -> Image:
    cell = np.full((height_px + _CAPTION_PX + _MARGIN_PX, width_px + _MARGIN_PX, 3), _BACKGROUND, np.uint8)
    height, width = picture.shape[:2]
    top, left = (height_px - height) // 2, (width_px - width) // 2
    cell[top : top + height, left : left + width] = picture
    baseline = (2, height_px + _CAPTION_PX - 5)
    cv2.putText(cell, caption, baseline, _FONT, _FONT_SCALE, _INK, 1, cv2.LINE_AA)
    return cell
