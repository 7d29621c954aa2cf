"""Changes of many files: whole at whatever moment they are killed, undone to the byte, one at a time."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rig.catalog import PartNumber
from rig.dataset.journal import Draft, change, exclusive, finish_interrupted, history_folder, undo
from rig.dataset.layout import MANIFEST
from rig.dataset.reader import read_dataset
from rig.dataset.relabel import merge, rename
from rig.errors import BadInput, DatasetError, StorageError
from tests.dataset.pictures import add_row, contents, rows_of, session, write_dataset


def quiet(progress: object) -> None:
    """Nobody looks at the progress."""


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    """Two parts with a session each."""
    return write_dataset(tmp_path / "captures", session("3001", "s1", 3) | session("3002", "s2", 2))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_killed_at_every_step_it_is_done_or_not_begun_and_can_be_undone(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.dataset.killing", tmp_path], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    kills = dict(line.split() for line in ran.stdout.splitlines())
    assert kills.keys() == {"rename", "merge", "remove", "undo"}
    assert all(int(count) > 20 for count in kills.values())


def test_undo_takes_back_one_change_after_the_other(captures: Path) -> None:
    first = contents(captures)
    rename(captures, "3001", PartNumber("3003"), quiet)
    second = contents(captures)
    merge(captures, "3003", PartNumber("3002"), quiet)
    assert undo(captures, quiet).what == "merge 3003 into 3002"
    assert contents(captures) == second
    assert undo(captures, quiet).what == "rename 3001 to 3003"
    assert contents(captures) == first
    assert not list(history_folder(captures).iterdir())
    with pytest.raises(BadInput, match="nothing was changed"):
        undo(captures, quiet)


def test_what_was_captured_since_survives_an_undo(captures: Path) -> None:
    rename(captures, "3001", PartNumber("3003"), quiet)
    write_dataset(captures, {"3003/later.jpg": {"label": "3003"}})
    undo(captures, quiet)
    assert list(rows_of(captures))[-1] == "3003/later.jpg"
    assert (captures / "3003/later.jpg").exists()
    assert len(list((captures / "3001").iterdir())) == 3


@pytest.mark.parametrize("ending", ["", '{"file_name": "3001/to'])
def test_a_last_line_without_a_newline_or_torn_by_a_crash_does_no_harm(captures: Path, ending: str) -> None:
    manifest = captures / MANIFEST
    manifest.write_text(manifest.read_text().rstrip("\n") + ("\n" + ending if ending else ""))
    rename(captures, "3001", PartNumber("3003"), quiet)
    add_row(captures, "3003/later.jpg", {"label": "3003"})
    undo(captures, quiet)
    assert len(rows_of(captures)) == 6


def test_a_manifest_that_somebody_edited_is_not_overwritten(captures: Path) -> None:
    rename(captures, "3001", PartNumber("3003"), quiet)
    manifest = captures / MANIFEST
    edited = manifest.read_text().replace('"pose": 0', '"pose": 1', 1)
    manifest.write_text(edited)
    with pytest.raises(DatasetError, match="was edited since"):
        undo(captures, quiet)
    assert manifest.read_text() == edited
    assert (captures / "3003").is_dir()


def test_an_error_while_it_is_drafted_leaves_all_as_it_was(captures: Path) -> None:
    before = contents(captures)
    with (captures / MANIFEST).open("a") as manifest:
        manifest.write("nonsense\n")

    def decide(draft: Draft) -> None:
        draft.move("3001/s1_000.jpg", None)
        draft.edit_rows(lambda row: row)

    with pytest.raises(DatasetError, match="line 6 is not a manifest row"):
        change(captures, "nothing", decide, quiet)
    assert contents(captures) == before | {MANIFEST: before[MANIFEST] + b"nonsense\n"}
    assert not list(history_folder(captures).iterdir())


def test_a_file_in_the_way_is_never_overwritten(captures: Path) -> None:
    rename(captures, "3001", PartNumber("3003"), quiet)
    in_the_way = captures / "3001" / "s1_001.jpg"
    in_the_way.parent.mkdir()
    in_the_way.write_bytes(b"another one")
    with pytest.raises(DatasetError, match="stands in its place"):
        undo(captures, quiet)
    assert in_the_way.read_bytes() == b"another one"
    in_the_way.unlink()
    assert read_dataset(captures).labels == ("3001", "3002")


@pytest.mark.skipif(sys.platform == "win32", reason="has no such locks")
def test_only_one_process_changes_a_dataset(captures: Path) -> None:
    with (captures / ".change.lock").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(DatasetError, match="another command is changing"), exclusive(captures):
            pass
        assert read_dataset(captures).labels == ("3001", "3002")
        begun = history_folder(captures) / "0001"
        begun.mkdir(parents=True)
        nothing = {"size": 0, "sha256": ""}
        document = {
            "what": "rename", "state": "begun", "files": 0, "rows": 0, "before": nothing, "after": nothing,
        }  # fmt: skip
        (begun / "moves.jsonl").touch()
        (begun / "change.json").write_text(json.dumps(document))
        with pytest.raises(DatasetError, match="another command is changing"):
            read_dataset(captures)
    finish_interrupted(captures)
    assert '"done"' in (begun / "change.json").read_text()


def test_a_damaged_journal_says_where_the_pictures_are(captures: Path) -> None:
    rename(captures, "3001", PartNumber("3003"), quiet)
    (history_folder(captures) / "0001" / "change.json").write_text("{")
    with pytest.raises(DatasetError, match=r"change\.json is damaged") as caught:
        finish_interrupted(captures)
    assert "removed" in caught.value.hint


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounts a small disk, as root only")
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("no disk may be mounted here")
    try:
        captures = write_dataset(disk / "captures", session("3001", "s1", 6))
        before = contents(captures)
        padding = disk / "padding"
        with pytest.raises(OSError, match="No space"):
            padding.write_bytes(b"x" * 400_000)
        with pytest.raises(StorageError, match="No space") as caught:
            rename(captures, "3001", PartNumber("3003"), quiet)
        assert "free some space" in caught.value.hint
        assert contents(captures) == before
        padding.unlink()
        rename(captures, "3001", PartNumber("3003"), quiet)
        assert len(rows_of(captures)) == 6
    finally:
        subprocess.run(["umount", str(disk)], check=True)
