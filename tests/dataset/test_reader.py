"""Class folders with and without a manifest, and each way in which they can be spoilt."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from rig.dataset.folders import passed_over
from rig.dataset.reader import decode_image, read_dataset
from rig.errors import BadInput, DatasetError


def _write_image(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    assert cv2.imwrite(str(path), pixels)


def _write_dataset(folder: Path, rows: dict[str, dict[str, Any]]) -> Path:
    """Images by file name, with a manifest of their rows where these are not empty."""
    for seed, name in enumerate(rows):
        _write_image(folder / name, seed)
    lines = [json.dumps({"file_name": name, **row}) for name, row in rows.items() if row]
    if lines:
        (folder / "metadata.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def _groups(folder: Path) -> dict[str, str]:
    return {f"{s.label}/{s.path.name}": s.group for s in read_dataset(folder).samples}


def test_without_a_manifest_each_class_is_one_group(tmp_path: Path) -> None:
    _write_dataset(tmp_path, {"a/1.jpg": {}, "a/2.PNG": {}, "b/1.jpg": {}})
    dataset = read_dataset(tmp_path)
    assert dataset.labels == ("a", "b")
    assert [(s.label, s.path.name, s.group_key) for s in dataset.samples] == [
        ("a", "1.jpg", "a/"),
        ("a", "2.PNG", "a/"),
        ("b", "1.jpg", "b/"),
    ]


def test_files_that_are_no_pictures_are_counted_by_kind(tmp_path: Path) -> None:
    _write_dataset(tmp_path, {"a/1.jpg": {}, "b/1.PNG": {}})
    assert passed_over(tmp_path) == {}
    for name in ("a/2.tiff", "b/2.TIFF", "b/3.gif", "b/.hidden", "c.txt"):
        (tmp_path / name).touch()
    (tmp_path / "b" / "folder.gif").mkdir()
    assert passed_over(tmp_path) == {".tiff": 2, ".gif": 1}
    for split in ("train", "test"):
        _write_dataset(tmp_path / "out" / split, {"a/1.jpg": {}})
        (tmp_path / "out" / split / "a" / "2.gif").touch()
    assert passed_over(tmp_path / "out") == {".gif": 2}


def test_part_column_is_the_group(tmp_path: Path) -> None:
    _write_dataset(
        tmp_path, {"a/1.jpg": {"part": "a-1"}, "a/2.jpg": {"part": "a-2"}, "b/1.jpg": {"part": "b-1"}}
    )
    assert _groups(tmp_path) == {"a/1.jpg": "a-1", "a/2.jpg": "a-2", "b/1.jpg": "b-1"}


def test_images_that_share_a_session_or_a_brick_belong_together(tmp_path: Path) -> None:
    _write_dataset(
        tmp_path,
        {
            "a/1.jpg": {"session": "s1", "physical_part": "red"},
            "a/2.jpg": {"session": "s2", "physical_part": "red"},
            "a/3.jpg": {"session": "s2", "physical_part": None},
            "a/4.jpg": {"session": "s3", "physical_part": None},
            "b/1.jpg": {"session": "s3", "physical_part": None},
        },
    )
    groups = _groups(tmp_path)
    assert groups["a/1.jpg"] == groups["a/2.jpg"] == groups["a/3.jpg"] != groups["a/4.jpg"]


def test_hidden_folders_and_other_files_are_no_classes(tmp_path: Path) -> None:
    _write_dataset(tmp_path, {"a/1.jpg": {}, "b/1.jpg": {}})
    (tmp_path / ".cache").mkdir()
    (tmp_path / "README.md").write_text("hello")
    (tmp_path / "a" / "notes.txt").write_text("hello")
    assert len(read_dataset(tmp_path).samples) == 2


def test_a_missing_folder_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nowhere"):
        read_dataset(tmp_path / "nowhere")


def test_one_class_is_too_few_to_train_but_enough_to_evaluate(tmp_path: Path) -> None:
    _write_dataset(tmp_path, {"a/1.jpg": {}})
    with pytest.raises(DatasetError, match=r"only one class \(a\)"):
        read_dataset(tmp_path)
    assert read_dataset(tmp_path, least_classes=1).labels == ("a",)


def test_an_empty_class_is_named(tmp_path: Path) -> None:
    _write_dataset(tmp_path, {"a/1.jpg": {}, "b/1.jpg": {}})
    (tmp_path / "c").mkdir()
    with pytest.raises(DatasetError, match=r"c has no pictures"):
        read_dataset(tmp_path)


def test_simulated_and_real_do_not_mix_unasked(tmp_path: Path) -> None:
    _write_dataset(tmp_path, {"a/1.jpg": {"source": "camera"}, "b/1.jpg": {"source": "simulated"}})
    with pytest.raises(DatasetError, match="mixes simulated and real") as caught:
        read_dataset(tmp_path)
    assert "--allow-mixed" in caught.value.hint
    assert read_dataset(tmp_path, allow_mixed=True).sources == ("camera", "simulated")


def test_a_damaged_manifest_is_named_with_its_line(tmp_path: Path) -> None:
    _write_dataset(tmp_path, {"a/1.jpg": {"part": "x"}, "b/1.jpg": {}})
    with (tmp_path / "metadata.jsonl").open("a") as manifest:
        manifest.write('{"file_name": "b/1.jp\n')
    with pytest.raises(DatasetError, match=r"metadata.jsonl, line 2"):
        read_dataset(tmp_path)


def test_a_last_row_without_a_newline_counts(tmp_path: Path) -> None:
    _write_dataset(tmp_path, {"a/1.jpg": {"part": "x"}, "b/1.jpg": {"part": "y"}})
    manifest = tmp_path / "metadata.jsonl"
    manifest.write_bytes(manifest.read_bytes().rstrip(b"\n"))
    assert _groups(tmp_path) == {"a/1.jpg": "x", "b/1.jpg": "y"}


@pytest.mark.parametrize("torn", ["", '{"file_name": "b/2.j'])
def test_a_picture_whose_row_a_crash_took_is_named_with_the_way_out(tmp_path: Path, torn: str) -> None:
    captured = {"session": "s", "source": "simulated"}
    _write_dataset(tmp_path, {"a/1.jpg": captured, "b/1.jpg": captured, "b/2.jpg": {}})
    with (tmp_path / "metadata.jsonl").open("a") as manifest:
        manifest.write(torn)
    with pytest.raises(DatasetError, match=r"b/2\.jpg has no row in .*metadata\.jsonl") as caught:
        read_dataset(tmp_path)
    assert "rig capture --resume" in caught.value.hint
    (tmp_path / "b" / "2.jpg").unlink()
    assert read_dataset(tmp_path).sources == ("simulated",)


def test_a_manifest_without_a_row_leaves_all_pictures_out(tmp_path: Path) -> None:
    _write_dataset(tmp_path, {"a/1.jpg": {}, "b/1.jpg": {}})
    (tmp_path / "metadata.jsonl").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"a/1\.jpg and 1 more have no row") as caught:
        read_dataset(tmp_path)
    assert "rig sim render" in caught.value.hint


def test_a_row_that_contradicts_the_folder_is_named(tmp_path: Path) -> None:
    _write_dataset(tmp_path, {"a/1.jpg": {"label": "b"}, "b/1.jpg": {}})
    with pytest.raises(DatasetError, match=r"1\.jpg is labelled b"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp"])
def test_whole_images_decode(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"whole{suffix}"
    _write_image(path)
    assert decode_image(path.read_bytes(), path).shape == (40, 60, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp"])
@pytest.mark.parametrize("cut", [lambda n: n - 2, lambda n: n * 3 // 4, lambda n: n // 2, lambda n: 30])
def test_truncated_images_are_named(tmp_path: Path, suffix: str, cut: Callable[[int], int]) -> None:
    path = tmp_path / f"torn{suffix}"
    _write_image(path)
    content = path.read_bytes()
    with pytest.raises(DatasetError, match="torn"):
        decode_image(content[: cut(len(content))], path)


def test_a_jpeg_with_a_whole_thumbnail_is_truncated_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    _write_image(path)
    content = path.read_bytes()
    thumbnail = b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content
    photo = content[:2] + thumbnail + content[2:]
    assert decode_image(photo, path).shape == (40, 60, 3)
    with pytest.raises(DatasetError, match="truncated"):
        decode_image(photo[:-500], path)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8"])
def test_what_is_no_image_is_named(content: bytes) -> None:
    with pytest.raises(DatasetError, match=r"odd\.jpg"):
        decode_image(content, Path("odd.jpg"))
