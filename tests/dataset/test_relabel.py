"""A label that was typed wrong: folder, file names and rows follow."""

import json
from pathlib import Path

import pytest

from rig.catalog import PartNumber
from rig.dataset.relabel import merge, rename
from rig.errors import BadInput, DatasetError
from tests.dataset.pictures import contents, rows_of, session, write_dataset


def quiet(progress: object) -> None:
    """Nobody looks at the progress."""


def test_rename_takes_folder_rows_and_names_along(tmp_path: Path) -> None:
    captures = write_dataset(
        tmp_path / "captures",
        session("3001", "s1", 2, angle_deg=5.0)
        | {"3001/3001_0.jpg": {"label": "3001"}, "3001/30010.jpg": None, "3010/a.jpg": {"label": "3010"}},
    )
    pictures = {name.rpartition("/")[2]: content for name, content in contents(captures).items()}
    changed = rename(captures, "3001", PartNumber("3003"), quiet)
    assert (changed.files, changed.rows) == (4, 3)
    assert sorted(path.name for path in captures.iterdir() if path.is_dir()) == ["3003", "3010"]
    rows = rows_of(captures)
    assert list(rows) == ["3003/s1_000.jpg", "3003/s1_001.jpg", "3003/3003_0.jpg", "3010/a.jpg"]
    assert rows["3003/s1_001.jpg"] == {
        "file_name": "3003/s1_001.jpg", "label": "3003", "session": "s1", "pose": 0, "source": "camera",
        "angle_deg": 5.0,
    }  # fmt: skip
    # `30010` does not carry the label `3001`.
    assert (captures / "3003/30010.jpg").read_bytes() == pictures["30010.jpg"]
    assert (captures / "3003/3003_0.jpg").read_bytes() == pictures["3001_0.jpg"]


def test_merge_gives_new_names_to_what_would_collide(tmp_path: Path) -> None:
    captures = write_dataset(
        tmp_path / "captures",
        {
            "3001/a.jpg": {"label": "3001", "session": "old"},
            "3001/3001_b.jpg": {"label": "3001", "session": "old b"},
            "3001/3002_b.jpg": {"label": "3001", "session": "odd"},
            "3001/gone.jpg": {"label": "3001", "session": "no file"},
            "3002/a.jpg": {"label": "3002", "session": "there"},
            "3002/a-2.jpg": {"label": "3002", "session": "there too"},
        },
    )
    (captures / "3001/gone.jpg").unlink()
    before = contents(captures)
    merge(captures, "3001", PartNumber("3002"), quiet)
    after, rows = contents(captures), rows_of(captures)
    assert {row["session"]: name for name, row in rows.items()} | {"old b": "", "odd": ""} == {
        "old": "3002/a-3.jpg", "old b": "", "odd": "", "no file": "3002/gone.jpg",
        "there": "3002/a.jpg", "there too": "3002/a-2.jpg",
    }  # fmt: skip
    for name, row in rows.items():
        assert row["label"] == "3002"
        original = {"old": "3001/a.jpg", "old b": "3001/3001_b.jpg", "odd": "3001/3002_b.jpg"}
        if row["session"] != "no file":
            assert after[name] == before[original.get(row["session"], name)]


def test_a_row_that_contradicts_its_folder_keeps_its_label(tmp_path: Path) -> None:
    captures = write_dataset(tmp_path / "captures", {"3001/a.jpg": {"label": "3004"}})
    rename(captures, "3001", PartNumber("3003"), quiet)
    assert rows_of(captures)["3003/a.jpg"]["label"] == "3004"


def test_without_a_manifest_the_files_move(tmp_path: Path) -> None:
    captures = write_dataset(tmp_path / "captures", {"3001/a.jpg": None})
    rename(captures, "3001", PartNumber("3003"), quiet)
    assert sorted(contents(captures)) == ["3003", "3003/a.jpg"]


def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    captures = write_dataset(tmp_path / "captures", session("3001", "s1", 1) | session("3002", "s2", 1))
    with pytest.raises(BadInput, match="no class 3003") as caught:
        rename(captures, "3003", PartNumber("3004"), quiet)
    assert "3001, 3002" in caught.value.hint
    with pytest.raises(BadInput, match="a class 3002 in"):
        rename(captures, "3001", PartNumber("3002"), quiet)
    with pytest.raises(BadInput, match="no class 3003"):
        merge(captures, "3001", PartNumber("3003"), quiet)
    with pytest.raises(BadInput, match="into itself"):
        merge(captures, "3001", PartNumber("3001"), quiet)
    with pytest.raises(BadInput, match="no folder"):
        rename(tmp_path / "nowhere", "3001", PartNumber("3002"), quiet)


def test_a_session_that_can_be_resumed_is_completed_first(tmp_path: Path) -> None:
    captures = write_dataset(tmp_path / "captures", session("3001", "s1", 1) | session("3002", "s2", 1))
    plan = captures / ".s1.session.json"
    plan.write_text(json.dumps({"part": "3001"}))
    before = contents(captures)
    with pytest.raises(DatasetError, match="session of 3001 is not complete") as caught:
        rename(captures, "3001", PartNumber("3003"), quiet)
    assert "rig capture --resume" in caught.value.hint
    assert contents(captures) == before
    rename(captures, "3002", PartNumber("3003"), quiet)
    plan.write_text("{")
    with pytest.raises(DatasetError, match="is damaged"):
        rename(captures, "3001", PartNumber("3004"), quiet)
