"""What calibration drew, over HTTP: three drawings by their names, and no other file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.daemon.served import Served

KINDS = {"calibrate_table": "table.png", "calibrate_settle": "settle.png", "calibrate_camera": "camera.png"}


def _draw(folder: Path, name: str, shade: int) -> bytes:
    folder.mkdir(exist_ok=True)
    cv2.imwrite(str(folder / name), np.full((480, 960, 3), shade, np.uint8))
    return (folder / name).read_bytes()


def test_nothing_was_drawn_yet(served: Served) -> None:
    assert served.json("/calibration") == []
    served.problem("GET", "/calibration/calibrate_table/drawing.png", status=404)


@pytest.mark.parametrize(("kind", "name"), KINDS.items())
def test_what_was_drawn_is_listed_and_shown(served: Served, tmp_path: Path, kind: str, name: str) -> None:
    drawn = _draw(tmp_path / "calibration", name, 200)
    (listed,) = served.json("/calibration")
    assert listed["kind"] == kind
    age = datetime.now(UTC) - datetime.fromisoformat(listed["drawn_at"])
    assert timedelta(0) <= age < timedelta(minutes=10)
    answer = served.get(f"/calibration/{kind}/drawing.png")
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "image/png", drawn)
    small = served.get(f"/calibration/{kind}/drawing.png?width_px=320")
    assert small.headers["content-type"] == "image/jpeg"
    shown = cv2.imdecode(np.frombuffer(small.body, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert shown.shape == (160, 320, 3)


def test_the_next_drawing_takes_the_place_of_the_last(served: Served, tmp_path: Path) -> None:
    path = "/calibration/calibrate_table/drawing.png"
    _draw(tmp_path / "calibration", "table.png", 200)
    first = served.get(path)
    assert first.headers["cache-control"] == "no-cache"
    assert served.get(path, If_None_Match=first.headers["etag"]).status == 304
    (tmp_path / "calibration" / "table.png").unlink()
    second = _draw(tmp_path / "calibration", "table.png", 10)
    answer = served.get(path, If_None_Match=first.headers["etag"])
    assert (answer.status, answer.body) == (200, second)


@pytest.mark.parametrize("kind", ["empty-table", "capture", "..", "..%2F..%2Frig.toml", "table", ""])
def test_no_other_file_is_given(served: Served, tmp_path: Path, kind: str) -> None:
    _draw(tmp_path / "calibration", "empty-table.png", 90)
    _draw(tmp_path / "calibration", "table.png", 90)
    assert served.get(f"/calibration/{kind}/drawing.png").status in (404, 422)


def test_a_link_that_leads_out_of_the_folder_is_no_drawing(served: Served, tmp_path: Path) -> None:
    _draw(tmp_path / "elsewhere", "secret.png", 90)
    (tmp_path / "calibration").mkdir()
    (tmp_path / "calibration" / "table.png").symlink_to(tmp_path / "elsewhere" / "secret.png")
    assert served.json("/calibration") == []
    served.problem("GET", "/calibration/calibrate_table/drawing.png", status=404)
