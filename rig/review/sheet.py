"""All parts that are waiting on one picture, with the numbers that answers name them by."""

from collections.abc import Sequence

from rig.camera.frame import Image
from rig.card import Preprocess
from rig.dataset.reader import decode_image, read_bytes
from rig.review.queue import Doubtful
from rig.vision.contact_sheet import contact_sheet
from rig.vision.locate import locate
from rig.vision.preprocess import crop

MOST = 1200
"""Parts on a sheet: with more, it would be too high for a JPEG file to open everywhere."""

_COLUMNS = 10
_CROP = Preprocess(size_px=160, margin=0.3)


def draw(parts: Sequence[Doubtful]) -> Image:
    """The first picture of each part, cropped to it, over its number and what it was taken for.

    Raises:
        BadInput: there are no parts.
        DatasetError: a picture cannot be read.
    """
    crops = [_crop(part) for part in parts[:MOST]]
    captions = [_caption(part) for part in parts[:MOST]]
    return contact_sheet(crops, captions, _COLUMNS, _CROP.size_px)


def _crop(part: Doubtful) -> Image:
    path = part.looks[0].picture
    image = decode_image(read_bytes(path), path)
    return crop(image, locate(image), _CROP)


def _caption(part: Doubtful) -> str:
    best = part.candidates[0]
    return f"{part.id}: {best.label}? {best.probability:.0%}"
