"""What a picture's file says of its size, read and doubted before anything decodes it.

A file of a few kilobytes can claim to hold gigabytes, or hold them. The formats: JPEG (ITU-T T.81, annex B),
PNG (https://www.w3.org/TR/png-3/), WebP (RFC 9649) and BMP (as Windows writes it, uncompressed).
"""

import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from rig.errors import BadInput

_HINT = "send a photograph as JPEG, PNG, WebP or BMP"

_MOST_SCANS = 20  # the usual progressive JPEG has 10; each goes over the whole picture
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_NEXT_MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")  # stuffed bytes and restarts belong to a scan

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# First column and row of each pass of an interlaced PNG, and the steps between its pixels.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_PIECE = 1 << 20

_BMP_PLAIN = (0, 3)  # BI_RGB and BI_BITFIELDS


class PictureSize(NamedTuple):
    """In pixels, before it is turned upright."""

    width: int
    height: int


class _Segment(NamedTuple):
    marker: int
    start: int
    end: int


def size_of(content: bytes, most_pixels: int) -> PictureSize:
    """The size of a picture, if its file can hold one of that size.

    Args:
        content: of a JPEG, PNG, WebP or BMP file, told by its first bytes and nothing else.
        most_pixels: what is larger is refused before anything is done that takes time or memory.

    Raises:
        BadInput: it is none of these, damaged, too large, holds more or less than it says, or moves.
    """
    if content.startswith(b"\xff\xd8\xff"):
        return _jpeg(content, most_pixels)
    if content.startswith(_PNG_MAGIC):
        return _png(content, most_pixels)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return _webp(content, most_pixels)
    if content.startswith(b"BM"):
        return _bmp(content, most_pixels)
    raise BadInput("this is no picture of a kind that is read here", hint=_HINT)


def _jpeg(content: bytes, most_pixels: int) -> PictureSize:
    frames = []
    scans = 0
    for segment in _segments(content):
        if segment.marker in _FRAMES:
            frames.append(segment)
        scans += segment.marker == _START_OF_SCAN
    if len(frames) != 1 or not scans:
        raise _damaged("JPEG")
    frame = content[frames[0].start : frames[0].end]
    if frames[0].marker not in (_BASELINE, _EXTENDED, _PROGRESSIVE) or len(frame) < 6 or frame[0] != 8:
        raise BadInput("this kind of JPEG is not read here", hint="save it as a baseline JPEG")
    if scans > _MOST_SCANS:
        raise BadInput(f"the JPEG goes over its picture {scans} times", hint="save it anew, as baseline JPEG")
    size = _checked(int.from_bytes(frame[3:5]), int.from_bytes(frame[1:3]), most_pixels)
    # Each block of 8 x 8 begins with a code of a bit or more; another ends it, unless scans share it.
    bits = 1 if frames[0].marker == _PROGRESSIVE else 2
    if len(content) < (size.width // 8) * (size.height // 8) * bits // 8:
        raise _too_little()
    return size


def _segments(content: bytes) -> Iterator[_Segment]:
    """The marker segments of a JPEG, up to the end of the image; what stands in a scan is passed over."""
    position = 2
    while match := _NEXT_MARKER.search(content, position):
        marker = match[1][0]
        if marker == _END_OF_IMAGE:
            return
        start = match.end() + 2
        end = match.end() + int.from_bytes(content[match.end() : start])
        if end < start or end > len(content):
            raise _damaged("JPEG")
        yield _Segment(marker, start, end)
        position = end


def _png(content: bytes, most_pixels: int) -> PictureSize:
    chunks = list(_png_chunks(content))
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13 or chunks[-1][0] != b"IEND":
        raise _damaged("PNG")
    header = chunks[0][1]
    size = _checked(int.from_bytes(header[:4]), int.from_bytes(header[4:8]), most_pixels)
    depth, colour, _, _, interlaced = header[8:]
    if depth not in (1, 2, 4, 8, 16) or colour not in _PNG_CHANNELS or interlaced > 1:
        raise _damaged("PNG")
    kinds = {kind for kind, _ in chunks}
    if b"acTL" in kinds:
        raise _several("PNG")
    expected = _png_bytes(size, depth * _PNG_CHANNELS[colour], interlaced=bool(interlaced))
    _check_inflated([data for kind, data in chunks if kind == b"IDAT"], expected)
    return size


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, memoryview]]:
    view = memoryview(content)
    position = len(_PNG_MAGIC)
    kind = b""
    while kind != b"IEND":
        start = position + 8
        length = int.from_bytes(content[position : position + 4])
        kind = content[position + 4 : start]
        position = start + length + 4
        if position > len(content):
            raise _damaged("PNG")
        yield kind, view[start : start + length]


def _png_bytes(size: PictureSize, bits_per_pixel: int, *, interlaced: bool) -> int:
    """How many bytes of rows a PNG of this size holds: each row begins with its filter."""
    if not interlaced:
        return size.height * (1 + (size.width * bits_per_pixel + 7) // 8)
    total = 0
    for left, top, across, down in _ADAM7:
        columns = (size.width - left + across - 1) // across
        rows = (size.height - top + down - 1) // down
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits_per_pixel + 7) // 8)
    return total


def _check_inflated(pieces: list[memoryview], expected: int) -> None:
    """See that compressed data come to so many bytes, without ever holding more than a few of them.

    Raises:
        BadInput: they are more, fewer or damaged.
    """
    inflater = zlib.decompressobj()
    inflated = 0
    try:
        for piece in pieces:
            waiting: bytes | memoryview = piece
            while waiting and not inflater.eof:
                inflated += len(inflater.decompress(waiting, _PIECE))
                waiting = inflater.unconsumed_tail
                if inflated > expected:
                    raise BadInput("the picture holds more than the size it says that it has", hint=_HINT)
        inflated += len(inflater.flush(_PIECE)) if not inflater.eof else 0
    except zlib.error:
        raise _damaged("PNG") from None
    if inflated != expected:
        raise _too_little()


def _webp(content: bytes, most_pixels: int) -> PictureSize:
    if len(content) < 30:
        raise _damaged("WebP")
    canvas = None
    frame = content[12:]
    if frame.startswith(b"VP8X"):
        if content[20] & 0x02:
            raise _several("WebP")
        canvas = (1 + int.from_bytes(content[24:27], "little"), 1 + int.from_bytes(content[27:30], "little"))
        frame = _first_frame(content)
    size = _webp_frame(frame)
    if canvas is not None and canvas != size:
        raise _damaged("WebP")
    return _checked(*size, most_pixels)


def _first_frame(content: bytes) -> bytes:
    """The chunk of an extended WebP that holds the picture, and what follows."""
    position = 12
    while content[position : position + 4] not in (b"VP8 ", b"VP8L"):
        length = int.from_bytes(content[position + 4 : position + 8], "little")
        position += 8 + length + length % 2
        if position + 8 > len(content):
            raise _damaged("WebP")
    return content[position:]


def _webp_frame(frame: bytes) -> tuple[int, int]:
    if frame.startswith(b"VP8 ") and frame[11:14] == b"\x9d\x01\x2a":
        sides = (int.from_bytes(frame[at : at + 2], "little") & 0x3FFF for at in (14, 16))
        return next(sides), next(sides)
    if frame.startswith(b"VP8L") and frame[8:9] == b"\x2f" and len(frame) >= 13:
        bits = int.from_bytes(frame[9:13], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    raise _damaged("WebP")


def _bmp(content: bytes, most_pixels: int) -> PictureSize:
    header_size = int.from_bytes(content[14:18], "little")
    if header_size < 40 or len(content) < 14 + header_size:
        raise BadInput("this kind of BMP is not read here", hint=_HINT)
    width = int.from_bytes(content[18:22], "little", signed=True)
    height = abs(int.from_bytes(content[22:26], "little", signed=True))  # negative: from the top down
    bits = int.from_bytes(content[28:30], "little")
    if int.from_bytes(content[30:34], "little") not in _BMP_PLAIN or bits not in (1, 4, 8, 16, 24, 32):
        raise BadInput("this kind of BMP is not read here", hint="save it without compression")
    size = _checked(width, height, most_pixels)
    rows = int.from_bytes(content[10:14], "little")
    if len(content) < rows + (width * bits + 31) // 32 * 4 * height:
        raise _too_little()
    return size


def _checked(width: int, height: int, most_pixels: int) -> PictureSize:
    if width <= 0 or height <= 0:
        raise BadInput("the picture says that it has no pixels", hint=_HINT)
    if width * height > most_pixels:
        raise BadInput(
            f"the picture has {width} x {height} pixels; {most_pixels // 1_000_000} megapixels are the most",
            hint="scale it down, or send what shows the part",
        )
    return PictureSize(width, height)


def _damaged(kind: str) -> BadInput:
    return BadInput(f"the {kind} file is damaged or incomplete", hint="save or send it again")


def _too_little() -> BadInput:
    return BadInput("the picture holds less than the size it says that it has", hint="save or send it again")


def _several(kind: str) -> BadInput:
    return BadInput(f"the {kind} file moves: it holds several pictures", hint="send one of them")
