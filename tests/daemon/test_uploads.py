"""Pictures that strangers send: what Pillow writes is read; what lies, bursts or is cut is refused."""

import struct
import threading
import zlib
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from rig.daemon.picture_header import size_of
from rig.daemon.uploads import MEDIA_TYPES, MOST_BYTES, MOST_PIXELS, decode_upload
from rig.errors import BadInput

WIDTH, HEIGHT = 90, 70
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def _pixels(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)


def _written(form: str, mode: str = "RGB", **how: object) -> bytes:
    buffer = BytesIO()
    Pillow.fromarray(_pixels()).convert(mode).save(buffer, form, **how)
    return buffer.getvalue()


def _exif() -> Pillow.Exif:
    exif = Pillow.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "\u00e9" * 100
    return exif


KINDS: dict[str, Callable[[], bytes]] = {
    "jpeg": lambda: _written("JPEG"),
    "jpeg, progressive": lambda: _written("JPEG", progressive=True),
    "jpeg, grey": lambda: _written("JPEG", "L"),
    "jpeg, cmyk": lambda: _written("JPEG", "CMYK"),
    "jpeg, restarts": lambda: _written("JPEG", restart_marker_blocks=2),
    "jpeg, 4:4:4": lambda: _written("JPEG", subsampling=0, quality=100, comment=b"\xff\xda\xff\xc0"),
    "jpeg, turned": lambda: _written("JPEG", exif=_exif()),
    "png": lambda: _written("PNG"),
    "png, palette": lambda: _written("PNG", "P"),
    "png, black and white": lambda: _written("PNG", "1"),
    "png, alpha": lambda: _written("PNG", "RGBA", compress_level=0),
    "png, 16 bits": lambda: _written("PNG", "I;16"),
    "png, turned": lambda: _written("PNG", exif=_exif()),
    "png, interlaced": lambda: _interlaced(WIDTH, HEIGHT),
    "webp": lambda: _written("WEBP"),
    "webp, lossless": lambda: _written("WEBP", lossless=True),
    "webp, alpha": lambda: _written("WEBP", "RGBA"),
    "webp, turned": lambda: _written("WEBP", exif=_exif()),
    "bmp": lambda: _written("BMP"),
    "bmp, palette": lambda: _written("BMP", "P"),
    "bmp, black and white": lambda: _written("BMP", "1"),
    "bmp, 32 bits": lambda: _written("BMP", "RGBA"),
    "bmp, from the top down": lambda: _changed(_written("BMP"), 22, struct.pack("<i", -HEIGHT)),
}


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, rows: bytes, *, more: bytes = b"", interlaced: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, interlaced)
    data = _chunk(b"IHDR", header) + more + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    return PNG_MAGIC + data


def _interlaced(width: int, height: int) -> bytes:
    """Its seven passes are pictures of their own, of the pixels at these places (PNG, section 8.1)."""
    pixels = _pixels(width, height)
    passes = [pixels[0::8, 0::8], pixels[0::8, 4::8], pixels[4::8, 0::4], pixels[0::4, 2::4],
              pixels[2::4, 0::2], pixels[0::2, 1::2], pixels[1::2, 0::1]]  # fmt: skip
    rows = b"".join(b"\0" + row.tobytes() for each in passes if each.size for row in each)
    return _png(width, height, rows, interlaced=1)


def _changed(content: bytes, at: int, to: bytes) -> bytes:
    return content[:at] + to + content[at + len(to) :]


def _rows(width: int, height: int) -> bytes:
    return (b"\0" + bytes(3 * width)) * height


@pytest.mark.parametrize("kind", KINDS)
def test_what_others_write_is_read(kind: str) -> None:
    content = KINDS[kind]()
    assert size_of(content, MOST_PIXELS) == (WIDTH, HEIGHT)
    turned = "turned" in kind
    assert decode_upload(content).shape == ((WIDTH, HEIGHT, 3) if turned else (HEIGHT, WIDTH, 3))
    # Without a pixel to spare, and one too many.
    assert size_of(content, WIDTH * HEIGHT) == (WIDTH, HEIGHT)
    with pytest.raises(BadInput, match=f"{WIDTH} x {HEIGHT} pixels"):
        size_of(content, WIDTH * HEIGHT - 1)


@pytest.mark.parametrize(("width", "height"), [(8, 8), (9, 17), (100, 8), (33, 40)])
def test_interlaced_pictures_of_any_size_hold_what_they_say(width: int, height: int) -> None:
    decoded = decode_upload(_interlaced(width, height))
    np.testing.assert_array_equal(decoded[:, :, ::-1], _pixels(width, height))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_cut_short_is_refused(kind: str) -> None:
    content = KINDS[kind]()
    for end in (*range(45), len(content) // 2, len(content) - 20, len(content) - 3):
        with pytest.raises(BadInput):
            decode_upload(content[:end])


@given(
    kind=st.sampled_from(list(KINDS)),
    where=st.floats(0, 1, exclude_max=True),
    change=st.sampled_from(["flip", "cut", "insert", "zero", "ones"]),
    near_the_head=st.booleans(),
    data=st.binary(min_size=1, max_size=8),
)
def test_damage_is_refused_or_harmless_and_never_a_crash(
    kind: str, where: float, change: str, near_the_head: bool, data: bytes
) -> None:
    content = KINDS[kind]()
    at = int(where * (min(60, len(content)) if near_the_head else len(content)))
    size = len(data)
    damaged = {
        "flip": _changed(
            content, at, bytes(a ^ b for a, b in zip(data, content[at : at + size], strict=False))
        ),
        "cut": content[:at] + content[at + size :],
        "insert": content[:at] + data + content[at:],
        "zero": _changed(content, at, bytes(size)),
        "ones": _changed(content, at, b"\xff" * size),
    }[change]
    try:
        image = decode_upload(damaged)
    except BadInput as error:
        assert "capture" not in str(error)  # it was not ours
        return
    height, width, _ = image.shape
    assert width * height <= MOST_PIXELS


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a" + bytes(100), b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"II*\0" + bytes(100),
     bytes(100), b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100), b"#?RADIANCE\n", b"P6 8 8 255 " + bytes(192),
     b"RIFF\x10\0\0\0WAVE", b"v/1\x01" + bytes(100), b"\x59\xa6\x6a\x95" + bytes(100),
     b"\0\0\0\x1cftypavif" + bytes(100)],
)  # fmt: skip
def test_other_kinds_are_refused_whatever_they_are_said_to_be(content: bytes) -> None:
    """Of GIF, SVG, TIFF, JPEG 2000, HDR, PPM, WAV, EXR, Sun and AVIF, OpenCV reads most."""
    for media_type in (None, "image/jpeg"):
        with pytest.raises(BadInput, match="no picture of a kind that is read here"):
            decode_upload(content, media_type)


@pytest.mark.parametrize(
    "media_type", ["text/plain", "image/svg+xml", "application/octet-stream", "", "image", "image/gif; a=b"]
)
def test_what_is_said_to_be_no_picture_is_refused(media_type: str) -> None:
    with pytest.raises(BadInput, match="said to be no picture"):
        decode_upload(_written("JPEG"), media_type)


@pytest.mark.parametrize("media_type", [*MEDIA_TYPES, "IMAGE/JPEG", "image/png; charset=x"])
def test_the_first_bytes_say_which_kind_it_is(media_type: str) -> None:
    assert decode_upload(_written("WEBP"), media_type).shape == (HEIGHT, WIDTH, 3)


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(BadInput, match="larger than 16 MiB"):
        decode_upload(bytes(MOST_BYTES + 1))


HUGE = 60_000


def _jpeg_that_says(width: int, height: int) -> bytes:
    content = KINDS["jpeg"]()
    return _changed(content, content.index(b"\xff\xc0") + 5, struct.pack(">HH", height, width))


@pytest.mark.parametrize(
    "content",
    [
        _png(HUGE, HUGE, _rows(10, 10)),
        _jpeg_that_says(HUGE, HUGE),
        _changed(KINDS["bmp"](), 18, struct.pack("<ii", HUGE, HUGE)),
        _changed(KINDS["bmp"](), 18, struct.pack("<ii", HUGE, -HUGE)),
        _changed(KINDS["webp"](), 26, struct.pack("<HH", 16383, 16383)),
        _changed(KINDS["webp, lossless"](), 21, struct.pack("<I", 16383 | 16383 << 14)),
    ],
    ids=["png", "jpeg", "bmp", "bmp, from the top down", "webp", "webp, lossless"],
)  # fmt: skip
def test_a_small_file_that_says_it_is_huge_is_refused_by_its_header(content: bytes) -> None:
    with pytest.raises(BadInput, match="40 megapixels are the most"):
        decode_upload(content)


def _webp_with_another_canvas() -> bytes:
    content = KINDS["webp, turned"]()
    assert content[12:16] == b"VP8X"
    return _changed(content, 24, (WIDTH - 2).to_bytes(3, "little"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (_png(WIDTH, HEIGHT, _rows(WIDTH, HEIGHT - 1)), "holds less"),
        (_png(6000, 6000, _rows(WIDTH, HEIGHT)), "holds less"),
        (_png(WIDTH, HEIGHT, _rows(WIDTH, HEIGHT + 1)), "holds more"),
        (_png(WIDTH, HEIGHT, b""), "holds less"),
        (_jpeg_that_says(6000, 6000), "holds less"),
        (_jpeg_that_says(WIDTH, 0), "no pixels"),
        (_changed(KINDS["bmp"](), 18, struct.pack("<ii", 6000, 6000)), "holds less"),
        (_changed(KINDS["bmp"](), 18, struct.pack("<ii", -WIDTH, HEIGHT)), "no pixels"),
        (_webp_with_another_canvas(), "damaged"),
    ],
    ids=["png, a row less", "png, far larger", "png, a row more", "png, empty", "jpeg, far larger",
         "jpeg, no rows", "bmp, far larger", "bmp, negative", "webp"],
)  # fmt: skip
def test_headers_that_lie_are_refused(content: bytes, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        decode_upload(content)


def test_a_png_that_bursts_is_refused() -> None:
    """Half a megabyte of rows that inflate to half a gigabyte, in a picture of 16 pixels a side."""
    deflater = zlib.compressobj(9)
    burst = b"".join(deflater.compress(bytes(1 << 24)) for _ in range(32)) + deflater.flush()
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0))
    content = PNG_MAGIC + header + _chunk(b"IDAT", burst) + _chunk(b"IEND", b"")
    assert len(content) < 1 << 20
    with pytest.raises(BadInput, match="holds more than the size it says that it has"):
        decode_upload(content)


def test_a_jpeg_that_goes_over_its_picture_again_and_again_is_refused() -> None:
    content = KINDS["jpeg, progressive"]()
    last = content[content.rindex(b"\xff\xda") : -2]
    with pytest.raises(BadInput, match="goes over its picture 110 times"):
        decode_upload(content[:-2] + last * 100 + content[-2:])


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_what_moves_is_refused(form: str) -> None:
    first, second = Pillow.fromarray(_pixels()), Pillow.fromarray(255 - _pixels())
    buffer = BytesIO()
    first.save(buffer, form, save_all=True, append_images=[second])
    with pytest.raises(BadInput, match="several pictures"):
        decode_upload(buffer.getvalue())


def test_compressed_bmps_are_refused() -> None:
    with pytest.raises(BadInput, match="without compression"):
        decode_upload(_changed(KINDS["bmp, palette"](), 30, struct.pack("<I", 1)))


def test_what_is_too_narrow_to_show_a_part_is_refused() -> None:
    with pytest.raises(BadInput, match="too narrow to show a part: 4 x 4 pixels"):
        decode_upload(_png(4, 4, _rows(4, 4)))


def test_many_at_once_are_all_read() -> None:
    shapes = []
    content = KINDS["jpeg"]()
    threads = [threading.Thread(target=lambda: shapes.append(decode_upload(content).shape)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert shapes == [(HEIGHT, WIDTH, 3)] * 8
