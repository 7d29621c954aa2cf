"""The manifest: rows come back as they went in, and a crash leaves nothing half."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rig.dataset.layout import MANIFEST, ImageRow, image_name
from rig.dataset.reader import read_dataset
from rig.dataset.store import DatasetStore
from rig.errors import DatasetError

ROW = ImageRow(
    file_name="3001/20261121T220301Z-a1b2_pose0_005deg.jpg",
    label="3001",
    session="20261121T220301Z-a1b2",
    pose=0,
    pose_name="upright",
    physical_part="3001-red",
    colour=4,
    angle_deg=5.0,
    microsteps=44,
    motion_end_s=1.0,
    exposed_from_s=1.25,
    exposed_until_s=1.258,
    exposure_us=8000,
    gain=1.0,
    sharpness=120.5,
    box=(100, 120, 80, 60),
    source="simulated",
    firmware="Marlin 2.1.2.7",
    software="brickrig 0.1.0",
    captured_at="2026-11-21T22:03:01.000+00:00",
    settled_by="until_still",
)


def test_rows_come_back_as_they_went_in(tmp_path: Path) -> None:
    store = DatasetStore(tmp_path)
    other = replace(ROW, file_name="3001/other.jpg", box=None, colour=None, physical_part=None)
    assert store.add(ROW, b"jpeg").read_bytes() == b"jpeg"
    store.add(other, b"jpeg too")
    assert list(DatasetStore(tmp_path).rows()) == [ROW, other]


def test_rows_from_before_settling_was_recorded_are_read(tmp_path: Path) -> None:
    document = ROW.to_json()
    assert document.pop("settled_by") == "until_still"
    DatasetStore(tmp_path).add_document(document, b"jpeg")
    assert list(DatasetStore(tmp_path).rows()) == [replace(ROW, settled_by=None)]


def test_a_swept_view_says_where_it_was_and_rows_of_before_do_not(tmp_path: Path) -> None:
    store = DatasetStore(tmp_path)
    swept = replace(ROW, motion_end_s=None, measured_angle_deg=5.125)
    store.add(swept, b"jpeg")
    assert list(store.rows()) == [swept]
    document = ROW.to_json()
    del document["measured_angle_deg"]
    store.add_document(document, b"jpeg")
    assert list(store.rows()) == [swept, ROW]


def test_a_row_torn_by_a_crash_is_passed_over_and_then_replaced(tmp_path: Path) -> None:
    store = DatasetStore(tmp_path)
    store.add(ROW, b"jpeg")
    with (tmp_path / MANIFEST).open("a") as file:
        file.write('{"file_name": "3001/to')
    assert list(store.rows()) == [ROW]
    other = replace(ROW, file_name="3001/other.jpg")
    store.add(other, b"jpeg")
    assert list(store.rows()) == [ROW, other]


@pytest.mark.parametrize(
    "damage", [b"nonsense\n", b"[]\n", b'{"label": "3001"}\n', b'{"file_name": "\xff"}\n', b"\n"]
)
def test_the_writing_and_the_reading_side_refuse_the_same_damage(tmp_path: Path, damage: bytes) -> None:
    store = DatasetStore(tmp_path)
    store.add(ROW, b"jpeg")
    with (tmp_path / MANIFEST).open("ab") as file:
        file.write(damage)
    with pytest.raises(DatasetError, match="line 2 is not a manifest row"):
        list(store.rows())
    with pytest.raises(DatasetError, match="line 2 is not a manifest row"):
        read_dataset(tmp_path, least_classes=1)


@pytest.mark.skipif(os.name != "posix", reason="needs to ask for a process by its id")
def test_opening_clears_what_a_killed_capture_left(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    DatasetStore(tmp_path).add(ROW, b"jpeg")
    for folder in (tmp_path, tmp_path / "3001"):
        (folder / f".name.{gone.pid}.tmp").write_bytes(b"half")
    DatasetStore(tmp_path)
    assert not list(tmp_path.rglob("*.tmp"))
    assert (tmp_path / ROW.file_name).exists()


def test_names_sort_by_angle_and_keep_close_angles_apart() -> None:
    names = [image_name("3001", "s", 0, angle) for angle in (0, 5, 7.5, 112.5, 355)]
    assert names[1] == "3001/s_pose0_005deg.jpg"
    assert names == sorted(names)
    assert len(set(names)) == len(names)
