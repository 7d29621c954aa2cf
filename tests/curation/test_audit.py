"""Everything that can be wrong with a dataset is found, and nothing else."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.curation.audit import Problem, audit
from rig.dataset.index import indexed
from rig.dataset.reader import decode_image
from tests.dataset.pictures import add_row, picture, session, turned, write_dataset


def quiet(progress: object) -> None:
    """Nobody looks at the progress."""


def findings(folder: Path) -> list[tuple[Problem, str, str]]:
    """What is wrong with a dataset."""
    notes: list[str] = []
    with indexed(folder, quiet) as index:
        found = [(f.problem, f.file, f.detail) for f in audit(index, None, quiet, notes.append)]
    assert not notes
    return found


def test_a_sound_dataset_has_no_findings(tmp_path: Path) -> None:
    rows = session("3001", "s1", 3) | session("3001", "s2", 3) | session("3002", "s3", 3)
    assert findings(write_dataset(tmp_path, rows)) == []


def test_without_a_manifest_no_file_need_have_a_row(tmp_path: Path) -> None:
    assert findings(write_dataset(tmp_path, {"3001/a.jpg": None, "3001/b.jpg": None})) == []


def test_each_kind_of_problem_is_found_and_named(tmp_path: Path) -> None:
    rows = session("3001", "s1", 4) | session("3001", "s2", 2) | session("3002", "s3", 4)
    folder = write_dataset(tmp_path, rows | {"3002/orphan.jpg": None, "3002/other.jpg": {"label": "3004"}})
    (folder / "3005").mkdir()
    torn = folder / "3001" / "s1_000.jpg"
    torn.write_bytes(torn.read_bytes()[:-300])
    (folder / "3001" / "s1_001.jpg").write_bytes(b"")
    (folder / "3001" / "s1_002.jpg").unlink()
    add_row(folder, "3002/s3_000.jpg", {"label": "3002", "session": "s3"})
    shutil.copy2(folder / "3001" / "s1_003.jpg", folder / "3002" / "s3_001.jpg")
    coarse = decode_image(picture(4), Path("picture"))
    (folder / "3002" / "s3_002.jpg").write_bytes(
        cv2.imencode(".jpg", coarse, [cv2.IMWRITE_JPEG_QUALITY, 70])[1].tobytes()
    )
    assert (folder / "3001" / "s2_000.jpg").read_bytes() == picture(4)
    assert findings(folder) == [
        (Problem.UNREADABLE, "3001/s1_000.jpg", "is truncated"),
        (Problem.UNREADABLE, "3001/s1_001.jpg", "is not a readable image"),
        (Problem.EMPTY_CLASS, "3005", ""),
        (Problem.ROW_WITHOUT_FILE, "3001/s1_002.jpg", ""),
        (Problem.FILE_WITHOUT_ROW, "3002/orphan.jpg", ""),
        (Problem.SEVERAL_ROWS, "3002/s3_000.jpg", "2 rows"),
        (Problem.OTHER_LABEL, "3002/other.jpg", "its row says 3004"),
        (Problem.IDENTICAL, "3002/s3_001.jpg", "the same as 3001/s1_003.jpg"),
        (Problem.ALIKE, "3002/s3_002.jpg", "nearly the same as 3001/s2_000.jpg"),
    ]


def test_neighbouring_views_of_one_session_may_be_alike_but_not_identical(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path, session("3001", "s1", 3))
    (folder / "3001" / "s1_001.jpg").write_bytes(picture(0, side=64))
    assert findings(folder) == []
    shutil.copy2(folder / "3001" / "s1_000.jpg", folder / "3001" / "s1_002.jpg")
    assert findings(folder) == [(Problem.IDENTICAL, "3001/s1_002.jpg", "the same as 3001/s1_000.jpg")]


def still_from(folder: Path, name: str, first: int, count: int) -> None:
    """One and the same picture, a little darker each time, as a camera sees a table that stands still."""
    pixels = decode_image(picture(90), Path("picture"))
    for place in range(first, count):
        _, jpeg = cv2.imencode(".jpg", (pixels * (1.0 - 0.01 * place)).astype(np.uint8))
        (folder / "3001" / f"{name}_{place:03d}.jpg").write_bytes(jpeg.tobytes())


@pytest.mark.parametrize(
    ("rows", "first", "said"),
    [
        (
            turned("3001", "s1", 12, step_deg=30.0),
            0,
            "s1_000.jpg 12 views show the same, from 0 to 330 degrees",
        ),
        (
            turned("3001", "s1", 12, step_deg=30.0),
            8,
            "s1_008.jpg 4 views show the same, from 240 to 330 degrees",
        ),
        (turned("3001", "s1", 12, step_deg=30.0, pose=1), 9, ""),
        (turned("3001", "s1", 12, step_deg=30.0, is_round=True), 0, ""),
        (turned("3001", "s1", 12, step_deg=2.0), 4, ""),
        (turned("3001", "s1", 12, step_deg=0.0), 0, "s1_000.jpg 12 views, and its rows say 0 degrees of all"),
        (turned("3001", "s1", 3, step_deg=0.0), 3, "s1_000.jpg 3 views, and its rows say 0 degrees of all"),
        (session("3001", "s1", 5), 0, "s1_000.jpg 5 views show the same"),
        (session("3001", "s1", 5), 1, ""),
        (session("3001", "", 5, physical_part="red"), 0, "_000.jpg 5 views show the same"),
        (session("3001", "", 5), 0, ""),
    ],
)
def test_a_part_that_does_not_turn_is_found(
    tmp_path: Path, rows: dict[str, dict[str, object] | None], first: int, said: str
) -> None:
    folder = write_dataset(tmp_path, rows | session("3002", "s2", 3))
    still_from(folder, next(iter(rows)).removeprefix("3001/").removesuffix("_000.jpg"), first, len(rows))
    expected = [(Problem.STANDSTILL, f"3001/{said.split()[0]}", said.partition(" ")[2])] if said else []
    assert findings(folder) == expected


def test_leaks_between_splits_are_found(tmp_path: Path) -> None:
    write_dataset(tmp_path / "train", session("3001", "s1", 2) | session("3001", "s2", 2))
    write_dataset(
        tmp_path / "test",
        {f"3001/{n}.jpg": None for n in range(4)} | session("3001", "s3", 1, physical_part="p"),
    )
    write_dataset(tmp_path / "validation", session("3001", "s1", 6) | session("3002", "s4", 1))
    for place, path in enumerate(sorted((tmp_path / "test" / "3001").iterdir())):
        path.write_bytes(picture(50 + place))
    for place, path in enumerate(sorted((tmp_path / "validation").rglob("*.jpg"))):
        path.write_bytes(picture(70 + place))
    shutil.copy2(tmp_path / "train/3001/s2_000.jpg", tmp_path / "validation/3002/s4_000.jpg")
    leak, *others = [finding for finding in findings(tmp_path) if finding[0] is Problem.LEAK]
    assert leak == (
        Problem.LEAK,
        "validation/3002/s4_000.jpg",
        "the same as train/3001/s2_000.jpg, which is in train",
    )
    assert others == [
        (Problem.LEAK, "train/3001/s1_000.jpg", "3001, brick or session s1, is in train and validation")
    ]


def test_pictures_of_unknown_bricks_in_two_splits_are_a_leak(tmp_path: Path) -> None:
    write_dataset(tmp_path / "train", {"3001/a.jpg": None})
    write_dataset(tmp_path / "test", {"3001/b.jpg": None, "3001/c.jpg": None})
    (tmp_path / "test/3001/b.jpg").write_bytes(picture(9))
    (found,) = findings(tmp_path)
    assert found[0] is Problem.LEAK
    assert "nobody said" in found[2]
