"""Files that are not like those of a camera show the same picture, or are refused in one line."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageOps

from rig.dataset.reader import decode_image
from rig.errors import DatasetError

HEIGHT, WIDTH = 60, 80


def _scene() -> np.ndarray:
    """RGB: a red quarter, a white one, a black one and a green one."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:30, :40] = (200, 30, 60)
    pixels[:30, 40:] = (240, 240, 240)
    pixels[30:, 40:] = (20, 180, 90)
    return pixels


def _written(mode: str, form: str, **how: object) -> bytes:
    buffer = BytesIO()
    Pillow.fromarray(_scene()).convert(mode).save(buffer, form, **how)
    return buffer.getvalue()


def _sixteen_bits() -> bytes:
    return cv2.imencode(".png", _scene()[:, :, ::-1].astype(np.uint16) * 257)[1].tobytes()


def _sixteen_bits_grey() -> bytes:
    grey = np.asarray(Pillow.fromarray(_scene()).convert("L")).astype(np.uint16) * 257
    return cv2.imencode(".png", grey)[1].tobytes()


def _corners(image: np.ndarray) -> list[list[int]]:
    """The four quarters, RGB, in the order of reading."""
    height, width = image.shape[:2]
    return [
        image[y, x, ::-1].tolist() for y in (height // 4, -height // 4) for x in (width // 4, -width // 4)
    ]


COLOURS = [[200, 30, 60], [240, 240, 240], [0, 0, 0], [20, 180, 90]]
GREYS = [[84] * 3, [240] * 3, [0] * 3, [122] * 3]


@pytest.mark.parametrize(
    ("make", "colours"),
    [
        (lambda: _written("RGB", "PNG"), COLOURS),
        (lambda: _written("RGB", "JPEG", quality=95, progressive=True), COLOURS),
        (lambda: _written("CMYK", "JPEG", quality=95), COLOURS),
        (lambda: _written("L", "PNG"), GREYS),
        (lambda: _written("L", "JPEG", quality=95), GREYS),
        (lambda: _written("LA", "PNG"), GREYS),
        (lambda: _written("RGBA", "PNG"), COLOURS),
        (lambda: _written("RGBA", "WEBP", lossless=True), COLOURS),
        (_sixteen_bits, COLOURS),
        (_sixteen_bits_grey, GREYS),
    ],
    ids=["png", "progressive", "cmyk", "grey", "grey jpeg", "grey alpha", "alpha", "webp", "16", "16 grey"],
)  # fmt: skip
def test_every_kind_of_pixels_shows_the_same(make: Callable[[], bytes], colours: list[list[int]]) -> None:
    image = decode_image(make(), Path("odd"))
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert image.dtype == np.uint8
    np.testing.assert_allclose(_corners(image), colours, atol=4)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright_as_its_exif_data_say(form: str, orientation: int) -> None:
    """Against Pillow, which does it by itself only when it is asked."""
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    content = _written("RGB", form, exif=exif, quality=95)
    upright = np.asarray(ImageOps.exif_transpose(Pillow.open(BytesIO(content))).convert("RGB"))
    image = decode_image(content, Path("turned"))
    assert image.shape == upright.shape
    np.testing.assert_allclose(_corners(image), _corners(upright[:, :, ::-1]), atol=4)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 5000), (5000, 3), (7, 40), (40, 900)])
def test_what_is_too_narrow_to_show_a_part_is_refused(height: int, width: int) -> None:
    content = cv2.imencode(".png", np.zeros((height, width, 3), np.uint8))[1].tobytes()
    with pytest.raises(
        DatasetError, match=f"odd.png is too narrow to show a part: {width} x {height} pixels"
    ):
        decode_image(content, Path("odd.png"))
