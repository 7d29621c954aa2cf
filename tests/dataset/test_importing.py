"""Pictures from elsewhere: copied once, with rows that say what belongs together."""

import json
from pathlib import Path
from typing import Any

import pytest

from rig.dataset.importing import Taken, Unreadable, group_rule, import_folder
from rig.dataset.reader import read_dataset
from rig.errors import BadInput, DatasetError
from tests.dataset.pictures import contents, picture, rows_of, session, write_dataset


def quiet(progress: object) -> None:
    """Nobody looks at the progress."""


def take(source: Path, captures: Path, rule: str | None) -> tuple[Taken, list[Unreadable]]:
    """Import, and what could not be read."""
    unreadable: list[Unreadable] = []
    parsed = None if rule is None else group_rule(rule)
    return import_folder(source, captures, parsed, unreadable.append, quiet), unreadable


def groups(captures: Path) -> dict[str, str]:
    """Group of each picture, by the path that it came from."""
    rows = rows_of(captures)
    return {
        rows[f"{sample.label}/{sample.path.name}"]["imported_from"]: sample.group
        for sample in read_dataset(captures, least_classes=1).samples
    }


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two parts; the names say the brick, and so do folders."""
    names = (
        "3001/red_1.jpg",
        "3001/red_2.jpg",
        "3001/blue_1.jpg",
        "3002/box a/red_1.jpg",
        "3002/box b/red_1.jpg",
    )
    return write_dataset(tmp_path / "source", dict.fromkeys(names))


def test_the_rule_says_what_belongs_together(source: Path, tmp_path: Path) -> None:
    take(source, tmp_path / "by-name", r"^([a-z]+)_")
    assert groups(tmp_path / "by-name") == {
        "source/3001/red_1.jpg": "red",
        "source/3001/red_2.jpg": "red",
        "source/3001/blue_1.jpg": "blue",
        "source/3002/box a/red_1.jpg": "red",
        "source/3002/box b/red_1.jpg": "red",
    }
    take(source, tmp_path / "by-folder", "folder")
    assert list(groups(tmp_path / "by-folder").values()) == ["3001"] * 3 + ["3002/box a", "3002/box b"]
    take(source, tmp_path / "by-nobody", "none")
    assert set(groups(tmp_path / "by-nobody").values()) == {""}


def test_run_twice_or_interrupted_it_takes_each_picture_once(source: Path, tmp_path: Path) -> None:
    captures = tmp_path / "captures"
    original = contents(source)
    assert take(source, captures, "folder") == (Taken(new=5, known=0), [])
    whole = contents(captures)
    assert take(source, captures, "folder") == (Taken(new=0, known=5), [])
    assert contents(captures) == whole
    # As a kill leaves it: a picture without its row, and one that was not reached.
    manifest = captures / "metadata.jsonl"
    manifest.write_text("".join(manifest.read_text().splitlines(keepends=True)[:3]))
    sorted((captures / "3002").iterdir())[0].unlink()
    assert take(source, captures, "folder") == (Taken(new=2, known=3), [])
    assert {name: content for name, content in contents(captures).items() if name in whole} == whole
    assert contents(source) == original


def test_unreadable_pictures_are_named_and_left_out(source: Path, tmp_path: Path) -> None:
    (source / "3001" / "red_1.jpg").write_bytes(picture(0)[:-200])
    (source / "3001" / "notes.png").write_text("no picture")
    taken, unreadable = take(source, tmp_path / "captures", "folder")
    assert taken == Taken(new=4, known=0)
    assert [found.path.name for found in unreadable] == ["notes.png", "red_1.jpg"]
    assert "is truncated" in unreadable[1].why
    assert len(rows_of(tmp_path / "captures")) == 4


def test_a_manifest_of_the_source_is_taken_along(tmp_path: Path) -> None:
    source = write_dataset(tmp_path / "source", session("3001", "s1", 2, part="p", physical_part="q"))
    take(source, tmp_path / "captures", None)
    rows = rows_of(tmp_path / "captures").values()
    assert {(row["session"], row["part"], row["physical_part"], row["source"]) for row in rows} == {
        ("s1", "p", "q", "camera")
    }
    assert set(groups(tmp_path / "captures").values()) == {"p"}
    take(source, tmp_path / "by-rule", r"(\d)\.jpg")
    assert set(groups(tmp_path / "by-rule").values()) == {"0"}  # tied by their session


def test_it_joins_what_was_captured(source: Path, tmp_path: Path) -> None:
    captures = write_dataset(tmp_path / "captures", session("3001", "s1", 2))
    take(source, captures, "folder")
    assert len(read_dataset(captures).samples) == 7


def test_bad_input_is_refused_before_anything_is_copied(source: Path, tmp_path: Path) -> None:
    captures = tmp_path / "captures"
    cases: dict[str, Any] = {
        "nothing says which": None,
        "finds no group in the name of 3001/blue_1.jpg": r"^(red)_",
    }
    for message, rule in cases.items():
        with pytest.raises(BadInput, match=message):
            take(source, captures, rule)
    (source / "no part!").mkdir()
    with pytest.raises(BadInput, match="'no part!' is not a part number"):
        take(source, captures, "folder")
    with pytest.raises(BadInput, match="no folder"):
        take(tmp_path / "nowhere", captures, "folder")
    (tmp_path / "pictureless" / "3001").mkdir(parents=True)
    with pytest.raises(BadInput, match="no pictures in the folders of"):
        take(tmp_path / "pictureless", captures, "folder")
    assert not captures.exists()
    for rule, message in {"(": "not a regular expression", "red": "no brackets"}.items():
        with pytest.raises(BadInput, match=message):
            group_rule(rule)


def test_an_exported_dataset_is_not_taken_for_classes(tmp_path: Path) -> None:
    for split in ("train", "test"):
        write_dataset(tmp_path / "exported" / split, session("3001", split, 1))
    with pytest.raises(BadInput, match="is an exported dataset"):
        take(tmp_path / "exported", tmp_path / "captures", "folder")


def test_pictures_that_nobody_named_are_not_left_without_rows(source: Path, tmp_path: Path) -> None:
    captures = write_dataset(tmp_path / "captures", {"3001/a.jpg": None})
    with pytest.raises(DatasetError, match="without a manifest"):
        take(source, captures, "folder")
    assert json.dumps(sorted(contents(captures))) == '["3001", "3001/a.jpg"]'
