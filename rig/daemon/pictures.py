"""Pictures over HTTP: as they are, or small, and then kept in memory up to a limit."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import cv2
import numpy as np
from fastapi import Request
from starlette.responses import Response

from rig.daemon.paths import file_below
from rig.daemon.picture_header import size_of
from rig.daemon.uploads import MOST_PIXELS
from rig.errors import BadInput, DatasetError, NotFound
from rig.vision.jpeg import encode_jpeg

_SUFFIXES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
}
_HINT = "capture it again, or delete the file"
# Decoding a JPEG at a fraction of its size is many times faster than scaling it; others are scaled by OpenCV.
_FRACTIONS = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
# A page of thumbnails is asked for all at once; a small computer has not the memory to decode it so.
_AT_ONCE = 2
# A picture is not changed under its name, but it can be deleted, or its name be given to another.
_CACHE_CONTROL = "private, max-age=3600"

PICTURE_RESPONSES: dict[int | str, dict[str, object]] = {
    200: {"content": {kind: {} for kind in sorted(set(_SUFFIXES.values()))}, "description": "The picture"},
    304: {"description": "It is as it was"},
}
SHEET_RESPONSES: dict[int | str, dict[str, object]] = {
    200: {"content": {"image/jpeg": {}}, "description": "The sheet"}
}


class PictureCache:
    """Small pictures that were made before, the least lately used of them forgotten first.

    Safe to share between threads; each picture is made outside its lock, two at a time.
    """

    def __init__(self, most_bytes: int = 16 * 2**20) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._at_work = threading.Semaphore(_AT_ONCE)
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._bytes = 0

    @property
    def kept_bytes(self) -> int:
        """How much memory the pictures take."""
        return self._bytes

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """The picture of a key, made where it is not kept; raises what `make` does."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                return kept
        with self._at_work:
            made = make()
        with self._lock:
            if key not in self._kept and len(made) <= self._most_bytes:
                self._kept[key] = made
                self._bytes += len(made)
                while self._bytes > self._most_bytes:
                    _, forgotten = self._kept.popitem(last=False)
                    self._bytes -= len(forgotten)
        return made


@dataclass(frozen=True)
class StoredFile:
    """A file below a folder, as it was when it was read.

    Attributes:
        stamp: another one when the file is another.
    """

    path: Path
    content: bytes
    stamp: str


def read_below(folder: Path, relative: str) -> StoredFile:
    """Read the file that a path of a request names.

    Raises:
        NotFound: there is none.
    """
    path = file_below(folder, relative)
    try:
        with path.open("rb") as file:
            state = path.stat()
            return StoredFile(path, file.read(), f"{state.st_ino:x}-{state.st_mtime_ns:x}-{state.st_size:x}")
    except OSError as error:
        raise NotFound(f"there is no file {relative!r}", hint="see what there is in the list") from error


def picture_response(
    request: Request, folder: Path, relative: str, width_px: int | None, cache: PictureCache
) -> Response:
    """A picture below a folder.

    Args:
        width_px: a JPEG no wider than this is answered; None: the file as it is.

    Raises:
        NotFound: there is none, or the file is no picture by its name.
        DatasetError: it cannot be decoded.
    """
    media_type = _SUFFIXES.get(Path(relative).suffix.lower())
    if media_type is None:
        raise NotFound(f"{relative!r} is no picture", hint="pictures are JPEG, PNG, WebP and BMP files")
    stored = read_below(folder, relative)
    tag = f'"{stored.stamp}-{width_px or "whole"}"'
    headers = {"ETag": tag, "Cache-Control": _CACHE_CONTROL}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    if width_px is None:
        return Response(stored.content, headers=headers, media_type=media_type)
    key = (stored.path, stored.stamp, width_px)
    small = cache.get(key, lambda: thumbnail(stored.content, stored.path, width_px))
    return Response(small, headers=headers, media_type="image/jpeg")


def thumbnail(content: bytes, path: Path, width_px: int) -> bytes:
    """A picture as a JPEG file no wider than `width_px`.

    Args:
        path: of the picture, for the error.

    Raises:
        DatasetError: it cannot be decoded.
    """
    try:
        size = size_of(content, MOST_PIXELS)
    except BadInput as error:
        raise DatasetError(f"{path} cannot be shown small: {error.what}", hint=_HINT) from error
    # Of a picture that lies on its side the width is the height.
    fraction = min(size) // width_px
    flags = next((flag for least, flag in _FRACTIONS.items() if fraction >= least), cv2.IMREAD_COLOR)
    image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if image is None:
        raise DatasetError(f"{path} is not a readable image", hint=_HINT)
    scale = width_px / image.shape[1]
    if scale < 1:
        height_px = max(1, round(image.shape[0] * scale))
        image = cv2.resize(image, (width_px, height_px), interpolation=cv2.INTER_AREA)
    return encode_jpeg(np.asarray(image, np.uint8))
