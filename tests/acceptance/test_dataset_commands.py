"""`rig dataset`, as a user types it."""

import shutil
from pathlib import Path

import cv2
import pytest

from tests.acceptance.conftest import PARTS, Shell
from tests.dataset.pictures import Rows, turned, write_dataset


@pytest.fixture
def kept(tmp_path: Path) -> Shell:
    """A folder with pictures of three parts, twelve of each in each of three sessions."""
    rows: Rows = {}
    for part in PARTS:
        for number in range(3):
            rows |= turned(part, f"{part}-s{number}", 12, step_deg=30.0, colour=4)
    write_dataset(tmp_path / "captures", rows)
    return Shell(tmp_path)


def test_stats_count_what_was_captured(kept: Shell) -> None:
    document = kept.json("dataset", "stats")
    assert [part["label"] for part in document["parts"]] == list(PARTS)
    assert {(part["images"], part["sessions"], part["poses"]) for part in document["parts"]} == {(36, 3, 3)}
    total = document["total"]
    assert (total["images"], total["simulated"], total["camera"], total["without_row"]) == (108, 0, 108, 0)
    table = kept.run("dataset", "stats").stdout
    assert "3039" in table
    assert "other source" not in table


def test_check_is_content_with_sound_pictures_and_names_what_is_wrong(kept: Shell) -> None:
    assert kept.json("dataset", "check")["right"] is True
    first, second, *_ = sorted((kept.folder / "captures" / "3001").iterdir())
    first.write_bytes(first.read_bytes()[:-500])
    shutil.copy(second, kept.folder / "captures" / "3004" / "copy.jpg")
    said = kept.run("dataset", "check", "captures")
    assert said.returncode == 1
    assert f"  3001/{first.name}  is truncated\n" in said.stdout
    assert f"  3004/copy.jpg  the same as 3001/{second.name}" in said.stdout
    assert said.stdout.splitlines()[-1] == (
        "109 pictures in captures: unreadable pictures: 1; files without a row: 1; the same picture twice: 1."
    )


def test_a_label_typed_wrong_is_mended_and_the_mending_undone(kept: Shell) -> None:
    manifest = kept.folder / "captures" / "metadata.jsonl"
    before = manifest.read_bytes()
    assert kept.json("dataset", "rename", "3039", "3040")["rows"] == 36
    assert kept.json("dataset", "check")["right"] is True
    assert "merge 3040 3001" in kept.fails("dataset", "rename", "3040", "3001")
    assert kept.json("dataset", "merge", "3040", "3001")["files"] == 36
    assert sorted(part["label"] for part in kept.json("dataset", "stats")["parts"]) == ["3001", "3004"]
    for _ in range(2):
        assert kept.run("dataset", "undo").returncode == 0
    assert manifest.read_bytes() == before
    assert "nothing was changed" in kept.fails("dataset", "undo")
    assert "is not a part number" in kept.fails("dataset", "rename", "3039", "../3040")
    # What is renamed can be captured again.
    assert kept.run("capture", "--part", "3039", "--steps", "2").returncode == 0


def test_copies_are_listed_taken_out_and_brought_back(kept: Shell) -> None:
    first, *_ = sorted((kept.folder / "captures" / "3001").iterdir())
    copy = first.with_name("copy.jpg")
    shutil.copy(first, copy)
    said = kept.run("dataset", "dedupe")
    assert f"3001/copy.jpg  is a copy of 3001/{first.name}" in said.stdout
    assert copy.exists()
    assert kept.json("dataset", "dedupe", "--apply")["applied"] is True
    assert not copy.exists()
    assert "no copies" in kept.run("dataset", "dedupe").stdout
    image = next((kept.folder / "captures" / "3001").iterdir())
    shutil.copy2(image, kept.folder / "captures" / "3004" / "mislabelled.jpg")
    said = kept.run("dataset", "dedupe")
    assert "1 copy is under another part's number" in said.stderr
    assert "no other copies" in said.stdout
    assert kept.run("dataset", "undo").returncode == 0
    assert copy.read_bytes() == first.read_bytes()


def test_an_export_is_imported_elsewhere_and_trains_the_same_groups(kept: Shell) -> None:
    exported = kept.json("dataset", "export", "out")["exported"]
    assert sum(exported["images"].values()) == 108
    assert kept.json("dataset", "check", "out")["right"] is True
    assert "exists already" in kept.fails("dataset", "export", "out")
    assert "is not three numbers" in kept.fails("dataset", "export", "new", "--split", "half")
    elsewhere = Shell(kept.folder / "elsewhere")
    elsewhere.folder.mkdir()
    for split in exported["images"]:
        elsewhere.json("dataset", "import", kept.folder / "out" / split)
    again = elsewhere.json("dataset", "import", kept.folder / "out" / "train")
    assert (again["new"], again["known"]) == (0, exported["images"]["train"])
    assert elsewhere.json("dataset", "stats")["total"]["groups"] == 9


def test_an_import_without_bricks_says_what_that_means(kept: Shell, tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(kept.folder / "captures" / "3001", source / "3001")
    assert "--group-from" in kept.fails("dataset", "import", source, "--data", "new")
    said = kept.run("dataset", "import", source, "--data", "new", "--group-from", "none")
    assert "cannot test it" in said.stderr
    assert "36 new pictures" in said.stdout
    torn = source / "3001" / "torn.jpg"
    torn.write_bytes(b"\xff\xd8 torn")
    said = kept.run("dataset", "import", source, "--data", "new", "--group-from", "none")
    assert "torn.jpg is truncated" in said.stderr
    assert "0 new pictures" in said.stdout


def test_a_sheet_of_a_part(kept: Shell) -> None:
    drawn = kept.json("dataset", "sheet", "--part", "3001", "--most", "24", "--out", "sheet.png")
    assert (drawn["shown"], drawn["found"]) == (24, 36)
    sheet = cv2.imread(str(kept.folder / "sheet.png"))
    assert sheet is not None
    assert sheet.shape[1] == 12 * 124


def test_a_folder_that_is_not_there_is_one_clear_line(shell: Shell) -> None:
    for command in ("stats", "check", "dedupe"):
        assert "there is no folder nowhere" in shell.fails("dataset", command, "nowhere")
    assert "there is no folder captures" in shell.fails("dataset", "undo")
