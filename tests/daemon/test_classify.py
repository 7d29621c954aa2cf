"""A picture that is sent is named as `rig classify` names it, if it is no larger than it may be."""

import struct
import zlib
from pathlib import Path

import cv2
import pytest

from rig.config import Config
from rig.dataset.reader import decode_image
from rig.shelf import default_bundle
from rig.vision.classifier import Classifier
from rig.vision.naming import name_picture
from rig.vision.strangers import novelty_limits
from tests.daemon.served import Answer, Served
from tests.vision.pictures import SHAPES, Scene, draw
from tests.vision.single_minded import write_single_minded

TYPES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp", ".bmp": "image/bmp"}


@pytest.fixture
def model(tmp_path: Path) -> None:
    """A model that takes everything for a bar."""
    write_single_minded(tmp_path / "models" / "small", "bar", labels=tuple(SHAPES))


def _picture(suffix: str) -> bytes:
    return cv2.imencode(suffix, draw(Scene("square")))[1].tobytes()


def _send(served: Served, content: bytes, media_type: str = "image/jpeg") -> Answer:
    return served.ask("POST", "/classify", content, {"Content-Type": media_type})


def _huge_png(width: int, height: int) -> bytes:
    """Some hundred bytes that say they are a picture of this size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("suffix", TYPES)
def test_a_picture_of_any_type_is_named_as_by_the_command(
    served: Served, tmp_path: Path, suffix: str
) -> None:
    content = _picture(suffix)
    answer = _send(served, content, TYPES[suffix])
    assert answer.status == 200, answer.body
    bundle = default_bundle(tmp_path / "models")
    limits = novelty_limits(bundle.card, Config().sorting.false_strangers)
    named = name_picture(Classifier(bundle), decode_image(content, Path("sent")), limits)
    assert named.box is not None
    assert answer.json == {
        "model": "small",
        "box": [named.box.x, named.box.y, named.box.width, named.box.height],
        "stranger": False,
        "candidates": [{"label": c.label, "probability": c.probability} for c in named.candidates],
    }
    assert answer.json["candidates"][0]["label"] == "bar"


@pytest.mark.usefixtures("model")
def test_the_model_in_use_is_asked_also_when_it_is_another(served: Served, tmp_path: Path) -> None:
    assert _send(served, _picture(".jpg")).json["candidates"][0]["label"] == "bar"
    write_single_minded(tmp_path / "models" / "other", "wedge", labels=tuple(SHAPES))
    served.send("PUT", "/models/in-use", {"name": "other"})
    told = _send(served, _picture(".jpg")).json
    assert (told["model"], told["candidates"][0]["label"]) == ("other", "wedge")


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "no picture of a kind"),
        (b"GIF89a" + bytes(100), "no picture of a kind"),
        (_picture(".jpg")[:-400], "is truncated"),
        (_picture(".png")[:60], "damaged"),
        (_huge_png(30_000, 30_000), "megapixels"),
        (_huge_png(100, 100), "less than"),
    ],
)
def test_what_is_no_picture_or_would_be_a_huge_one_is_refused(
    served: Served, content: bytes, what: str
) -> None:
    answer = _send(served, content)
    assert answer.status == 422, answer.body
    assert what in answer.json["detail"]


@pytest.mark.usefixtures("model")
def test_uploads_are_bounded_in_size_and_type(served: Served) -> None:
    assert _send(served, bytes(16 * 2**20 + 1)).status == 413
    for media_type in ("image/gif", "text/plain", "application/json", ""):
        assert _send(served, _picture(".jpg"), media_type).status == 415


def test_without_a_model_nothing_can_be_named(served: Served) -> None:
    answer = _send(served, _picture(".jpg"))
    assert answer.status == 409
    assert answer.json["hint"] == "train one with: rig train"
