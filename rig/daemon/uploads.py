"""Pictures that somebody sends, decoded within limits."""

import threading
from pathlib import Path

from rig.camera.frame import Image
from rig.daemon.picture_header import size_of
from rig.dataset.reader import decode_image
from rig.errors import BadInput, DatasetError

MOST_PIXELS = 40_000_000
MOST_BYTES = 16 * 1024 * 1024
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "image/bmp")

# Of the largest, one takes some 300 MB while it is decoded: two at a time are more than a small computer has.
_one_at_a_time = threading.Lock()


def decode_upload(content: bytes, media_type: str | None = None) -> Image:
    """Decode a picture of which nothing is believed.

    Args:
        content: of the file, at most `MOST_BYTES`.
        media_type: what its sender says that it is, or None. What it really is, its first bytes say.

    Returns:
        (height, width, 3) uint8, BGR, turned upright; at most `MOST_PIXELS` pixels.

    Raises:
        BadInput: it is too large, of another kind, damaged, truncated, or not of the size that it says.
    """
    if media_type is not None and media_type.partition(";")[0].strip().lower() not in MEDIA_TYPES:
        raise BadInput("what was sent is said to be no picture", hint=f"send one of {', '.join(MEDIA_TYPES)}")
    if len(content) > MOST_BYTES:
        raise BadInput(f"the picture is larger than {MOST_BYTES // 2**20} MiB", hint="scale it down")
    with _one_at_a_time:
        size_of(content, MOST_PIXELS)
        try:
            return decode_image(content, Path("the picture"))
        except DatasetError as error:
            raise BadInput(error.what, hint="save or send it again") from None
