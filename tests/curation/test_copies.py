"""Copies are known again, told from neighbouring views, and taken out so that they can be put back."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.camera.frame import Image
from rig.curation.dedupe import find_copies, take_out
from rig.curation.fingerprint import ALIKE_BITS, differing_bits, fingerprint, keys
from rig.dataset.index import indexed
from rig.dataset.journal import undo
from rig.dataset.reader import decode_image
from rig.errors import BadInput
from tests.dataset.pictures import contents, picture, rows_of, session, write_dataset


def quiet(progress: object) -> None:
    """Nobody looks at the progress."""


def pixels(seed: int) -> Image:
    """Of a picture, (192, 192, 3) uint8 BGR."""
    return decode_image(picture(seed, side=192), Path("picture"))


@pytest.mark.parametrize("seed", range(5))
def test_a_copy_is_alike_and_another_picture_is_not(seed: int) -> None:
    image = pixels(seed)
    compressed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1].tobytes()
    copies = (
        decode_image(compressed, Path("compressed")),
        cv2.resize(image, (96, 96), interpolation=cv2.INTER_AREA),
        cv2.resize(image, (300, 300), interpolation=cv2.INTER_CUBIC),
        cv2.convertScaleAbs(image, alpha=0.9, beta=5),
    )
    mark = fingerprint(image)
    for copy in copies:
        assert differing_bits(mark, fingerprint(np.asarray(copy, np.uint8))) <= ALIKE_BITS
    assert differing_bits(mark, fingerprint(pixels(seed + 100))) > 8 * ALIKE_BITS


def test_whatever_bits_differ_alike_fingerprints_share_a_key() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        bits = rng.integers(0, 2, 256, dtype=np.uint8)
        other = bits.copy()
        other[rng.choice(256, ALIKE_BITS, replace=False)] ^= 1
        one, two = np.packbits(bits).tobytes(), np.packbits(other).tobytes()
        assert differing_bits(one, two) == ALIKE_BITS
        assert any(a == b for a, b in zip(keys(one), keys(two), strict=True))


def copies_in(folder: Path, *, near: bool = False) -> tuple[dict[str, str], int]:
    """What can go, with what stays; and how many are disputed."""
    with indexed(folder, quiet) as index:
        copies = find_copies(index, quiet, near=near)
        assert copies.removable == len(dict(copies))
        return dict(copies), copies.disputed


def age(path: Path, days: int) -> None:
    """Make a file that many days old."""
    os.utime(path, (1e9 - 86_400 * days,) * 2)


def test_the_one_with_a_row_stays_and_then_the_oldest(tmp_path: Path) -> None:
    folder = write_dataset(
        tmp_path / "captures",
        session("3001", "s1", 3)
        | {"3001/orphan.jpg": None, "3001/z.jpg": {"label": "3001", "session": "s2"}},
    )
    for name in ("s1_000", "orphan", "z"):
        (folder / "3001" / f"{name}.jpg").write_bytes(picture(0))
    for name, days in (("orphan", 3), ("z", 2), ("s1_000", 1)):
        age(folder / "3001" / f"{name}.jpg", days)
    stays = "3001/z.jpg"
    assert copies_in(folder) == ({"3001/orphan.jpg": stays, "3001/s1_000.jpg": stays}, 0)


def test_a_copy_under_another_label_is_a_persons_to_decide(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "captures", session("3001", "s1", 1) | session("3002", "s2", 2))
    for name in ("3001/s1_000.jpg", "3002/s2_000.jpg", "3002/s2_001.jpg"):
        (folder / name).write_bytes(picture(0))
        age(folder / name, 1)
    assert copies_in(folder) == ({"3002/s2_001.jpg": "3002/s2_000.jpg"}, 2)


def test_near_copies_go_only_across_sessions_and_never_in_a_chain(tmp_path: Path) -> None:
    folder = write_dataset(
        tmp_path / "captures", session("3001", "s1", 2) | session("3001", "s2", 2) | session("3001", "s3", 1)
    )
    smaller = cv2.imencode(".jpg", cv2.resize(pixels(0), (96, 96), interpolation=cv2.INTER_AREA))[1].tobytes()
    for place, (name, content) in enumerate(
        {
            "s1_000": picture(0, side=192),
            "s1_001": picture(0, side=160),  # a neighbour of s1_000
            "s2_000": smaller,
            "s3_000": picture(0, side=128),
        }.items()
    ):
        (folder / "3001" / f"{name}.jpg").write_bytes(content)
        age(folder / "3001" / f"{name}.jpg", 10 - place)
    assert copies_in(folder) == ({}, 0)
    near, _ = copies_in(folder, near=True)
    assert near == {"3001/s2_000.jpg": "3001/s1_000.jpg", "3001/s3_000.jpg": "3001/s1_000.jpg"}


def test_what_is_taken_out_can_be_put_back(tmp_path: Path) -> None:
    folder = write_dataset(
        tmp_path / "captures", session("3001", "s1", 3) | {"3001/copy.jpg": {"label": "3001"}}
    )
    (folder / "3001" / "copy.jpg").write_bytes(picture(1))
    age(folder / "3001" / "s1_001.jpg", 5)
    before = contents(folder)
    with indexed(folder, quiet) as index:
        changed = take_out(folder, find_copies(index, quiet, near=False), quiet)
    assert (changed.files, changed.rows) == (1, 1)
    assert not (folder / "3001" / "copy.jpg").exists()
    assert list(rows_of(folder)) == ["3001/s1_000.jpg", "3001/s1_001.jpg", "3001/s1_002.jpg"]
    undo(folder, quiet)
    assert contents(folder) == before


def test_an_exported_dataset_is_deduplicated_split_by_split(tmp_path: Path) -> None:
    for split in ("train", "test"):
        write_dataset(tmp_path / split, session("3001", split, 1))
    with pytest.raises(BadInput, match="is an exported dataset"):
        copies_in(tmp_path)
