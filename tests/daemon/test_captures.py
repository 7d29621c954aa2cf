"""The dataset is browsed as it is on the disk at that moment, and nothing beside it is."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.capture.plan import new_plan, save_plan
from rig.dataset.store import DatasetStore
from tests.daemon.served import Served
from tests.dataset.pictures import add_row, picture, session, turned, write_dataset


def _decoded(content: bytes) -> tuple[int, int]:
    """Width and height of a picture."""
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image.shape[1], image.shape[0]


def test_a_rig_without_pictures_has_none(served: Served) -> None:
    assert served.json("/captures") == {
        "pictures": 0,
        "camera": 0,
        "simulated": 0,
        "other_source": 0,
        "classes": [],
    }
    assert served.json("/sessions") == {"total": 0, "sessions": []}
    assert served.problem("GET", "/captures/3001", status=404)["detail"].startswith(
        "there are no pictures of part 3001"
    )


def test_classes_are_counted_as_pictures_come(served: Served, tmp_path: Path) -> None:
    folder = write_dataset(
        tmp_path / "captures",
        session("3001", "s1", 3, physical_part="red-1")
        | session("3001", "s2", 2, source="simulated")
        | {"3003/photo.jpg": None},
    )
    counted = served.json("/captures")
    assert (counted["pictures"], counted["camera"], counted["simulated"], counted["other_source"]) == (
        6,
        3,
        2,
        1,
    )
    brick, other = counted["classes"]
    assert (brick["part"], brick["pictures"], brick["sessions"], brick["physical_parts"]) == ("3001", 5, 2, 1)
    assert (other["part"], other["pictures"], other["without_row"]) == ("3003", 1, 1)
    DatasetStore(folder).add_document({"file_name": "3003/new.jpg", "session": "s3"}, picture(1))
    other = served.json("/captures")["classes"][1]
    assert (other["pictures"], other["sessions"], other["without_row"]) == (2, 1, 1)


def test_pictures_come_some_at_a_time_with_what_is_known_of_them(served: Served, tmp_path: Path) -> None:
    write_dataset(
        tmp_path / "captures",
        turned(
            "3001",
            "s1",
            5,
            step_deg=72.0,
            colour=4,
            box=[1, 2, 30, 40],
            captured_at="2026-11-21T23:03:01.5+01:00",
        ),
    )
    page = served.json("/captures/3001?offset=3&limit=5")
    assert page["total"] == 5
    assert [shown["file_name"] for shown in page["pictures"]] == ["3001/s1_003.jpg", "3001/s1_004.jpg"]
    shown = page["pictures"][0]
    assert (shown["angle_deg"], shown["colour_name"], shown["box"]) == (216.0, "Red", [1, 2, 30, 40])
    assert shown["captured_at"] == "2026-11-21T22:03:01.500000Z"
    assert served.json("/sessions/s1?limit=1")["pictures"][0]["file_name"] == "3001/s1_000.jpg"
    assert (
        served.problem("GET", "/captures/3001?limit=1000", status=422)["errors"][0]["where"] == "query.limit"
    )
    assert served.problem("GET", "/sessions/s9", status=404)["type"] == "/problems/NotFound"


def test_what_others_wrote_into_the_manifest_does_no_harm(served: Served, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "captures", {"3001/a.jpg": None})
    odd = {
        "session": {"a": 1},
        "pose": "first",
        "angle_deg": True,
        "colour": 4.5,
        "box": [1, None, 2, 3],
        "captured_at": "yesterday",
        "source": "\ud800",
        "sharpness": 10**400,
    }
    add_row(folder, "3001/a.jpg", odd)
    with (folder / "metadata.jsonl").open("a") as manifest:
        manifest.write(json.dumps({"file_name": "3001/\ud800.jpg", "angle_deg": float("nan")}) + "\n")
    (shown,) = served.json("/captures/3001")["pictures"]
    assert shown["session"] == "{'a': 1}"
    assert shown["source"] == "?"
    for column in ("pose", "angle_deg", "colour", "box", "captured_at", "sharpness"):
        assert shown[column] is None, column
    assert len(served.json("/sessions")["sessions"]) == 1


def test_sessions_come_the_newest_first_and_say_what_they_lack(served: Served, tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    plan = new_plan("3003", steps=8, poses=2, microsteps_per_turn=3200, source="simulated", seed=1)
    write_dataset(
        folder,
        session("3001", "z-old", 2, captured_at="2025-01-01T00:00:00Z")
        | session("3003", plan.session, 3, captured_at="2026-01-01T00:00:00Z")
        | session("3001", "undated", 1),
    )
    save_plan(plan, folder)
    (folder / ".torn.session.json").write_text("{")
    listed = served.json("/sessions")
    assert listed["total"] == 3
    assert [entry["session"] for entry in listed["sessions"]] == [plan.session, "z-old", "undated"]
    assert [entry["planned"] for entry in listed["sessions"]] == [16, None, None]
    assert [entry["pictures"] for entry in listed["sessions"]] == [3, 2, 1]
    assert served.json("/sessions?offset=1&limit=1")["sessions"] == listed["sessions"][1:2]


def test_a_picture_is_given_as_it_is_or_small(served: Served, tmp_path: Path) -> None:
    write_dataset(tmp_path / "captures", session("3001", "s1", 1))
    path = tmp_path / "captures" / "3001" / "s1_000.jpg"
    path.write_bytes(picture(1, side=900))
    whole = served.get("/captures/3001/s1_000.jpg")
    assert (whole.status, whole.headers["content-type"]) == (200, "image/jpeg")
    assert whole.body == path.read_bytes()
    small = served.get("/captures/3001/s1_000.jpg?width_px=100")
    assert _decoded(small.body) == (100, 100)
    assert served.get("/captures/3001/s1_000.jpg?width_px=100").body == small.body
    again = served.get("/captures/3001/s1_000.jpg?width_px=100", if_none_match=small.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    # Another picture under its name is another one at once.
    path.write_bytes(picture(2, side=300))
    changed = served.get("/captures/3001/s1_000.jpg?width_px=100", if_none_match=small.headers["etag"])
    assert changed.status == 200
    assert changed.body != small.body
    assert _decoded(served.get("/captures/3001/s1_000.jpg?width_px=640").body) == (300, 300)
    for width_px in (39, 641, "wide"):
        served.problem("GET", f"/captures/3001/s1_000.jpg?width_px={width_px}", status=422)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".bmp"])
def test_other_pictures_are_given_as_what_they_are(served: Served, tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "captures" / "3001"
    folder.mkdir(parents=True)
    image = np.zeros((300, 400, 3), np.uint8)
    (folder / f"a{suffix}").write_bytes(cv2.imencode(suffix, image)[1].tobytes())
    assert served.get(f"/captures/3001/a{suffix}").headers["content-type"] == f"image/{suffix[1:]}"
    small = served.get(f"/captures/3001/a{suffix}?width_px=40")
    assert small.headers["content-type"] == "image/jpeg"
    assert _decoded(small.body) == (40, 30)


def test_a_sheet_shows_a_part_and_changes_with_it(served: Served, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "captures", session("3001", "s1", 5) | session("3003", "s2", 30))
    one_row = served.get("/captures/3001/sheet.jpg")
    assert (one_row.status, one_row.headers["content-type"]) == (200, "image/jpeg")
    three_rows = _decoded(served.get("/captures/3003/sheet.jpg").body)
    assert three_rows[1] == 3 * _decoded(one_row.body)[1]
    assert _decoded(served.get("/captures/3003/sheet.jpg?most=12").body)[1] == _decoded(one_row.body)[1]
    assert served.get("/captures/3001/sheet.jpg").body == one_row.body
    DatasetStore(folder).add_document({"file_name": "3001/new.jpg"}, picture(77))
    assert served.get("/captures/3001/sheet.jpg").body != one_row.body
    (folder / "3010").mkdir()
    assert "no pictures of 3010" in served.problem("GET", "/captures/3010/sheet.jpg", status=404)["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "3001/notes.txt",
        "3001/gone.jpg",
        "../rig.toml",
        "..%2Frig.jpg",
        "3001/..%2F..%2Foutside.jpg",
        "%2E%2E/outside.jpg",
        ".hidden/a.jpg",
        "3001/.hidden.jpg",
        "3001/out.jpg",
        "3001/a%00.jpg",
        "3001/%FF.jpg",
        "3001/" + "a" * 251 + ".jpg",
        "linked/outside.jpg",
        "3001%2Fsub/a.jpg",
    ],
)
def test_nothing_else_is_given(served: Served, tmp_path: Path, path: str) -> None:
    """Though each of these files is there and is a picture by its name, or nearly."""
    folder = write_dataset(tmp_path / "captures", session("3001", "s1", 1))
    secret = picture(5)
    for name in ("outside.jpg", "rig.jpg", "captures/.hidden/a.jpg", "captures/3001/.hidden.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(secret)
    (folder / "3001" / "notes.txt").write_bytes(secret)
    (folder / "3001" / "out.jpg").symlink_to(tmp_path / "outside.jpg")
    (folder / "linked").symlink_to(tmp_path)
    answer = served.get(f"/captures/{path}")
    assert answer.status == 404, answer.body
    assert secret not in answer.body


def test_a_picture_that_is_none_is_named(served: Served, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "captures", session("3001", "s1", 1))
    (folder / "3001" / "s1_000.jpg").write_bytes(b"no picture")
    for path, what in (
        ("s1_000.jpg?width_px=100", "cannot be shown small"),
        ("sheet.jpg", "is not a readable"),
    ):
        problem = served.problem("GET", f"/captures/3001/{path}", status=409)
        assert f"s1_000.jpg {what}" in problem["detail"]


def test_a_damaged_manifest_is_named(served: Served, tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "captures", session("3001", "s1", 1))
    (folder / "metadata.jsonl").write_text("nonsense\n")
    for path in ("/captures", "/sessions", "/captures/3001", "/parts"):
        assert "line 1 is not a manifest row" in served.problem("GET", path, status=409)["detail"]
