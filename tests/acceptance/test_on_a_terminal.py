"""`rig capture` with a person at a terminal, a board on a port and a camera on a stream, in real time."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.real_rig import RealRig, Terminal, real_rig

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs pseudo-terminals")


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[RealRig]:
    with real_rig(tmp_path) as rig:
        yield rig


def rows(rig: RealRig) -> list[dict[str, Any]]:
    manifest = rig.folder / "captures" / "metadata.jsonl"
    return [json.loads(line) for line in manifest.read_text().splitlines()]


def await_pictures(rig: RealRig, terminal: Terminal, number: int) -> None:
    while len(list(rig.folder.glob("captures/*/*.jpg"))) < number:
        assert terminal.process.poll() is None, terminal.text
        time.sleep(0.01)


def test_a_person_is_asked_to_turn_the_part_between_poses(rig: RealRig) -> None:
    words = "capture --part 3001 --steps 3 --colour 4 --pose upright --poses 2 --physical-part red-1"
    with rig.streaming(), rig.terminal(*words.split()) as terminal:
        terminal.await_text(
            "Lay one part 3001 in Red (red-1) in the middle of the table, upright, then press Enter."
        )
        rig.lay()
        terminal.type_line()
        terminal.await_text("3001, pose 1 of 2")
        terminal.await_text("3/6")
        terminal.await_text("240° good")
        terminal.await_text(
            "Turn the same part 3001: on a side that it has not lain on (pose 2), then press Enter."
        )
        terminal.type_line()
        terminal.await_text("6/6")
        assert terminal.end() == 0
        assert "6 views of 3001 are in captures/3001" in terminal.text
    found = [(row["pose"], row["pose_name"], row["colour"], row["physical_part"]) for row in rows(rig)]
    assert found == [(0, "upright", 4, "red-1")] * 3 + [(1, None, 4, "red-1")] * 3
    assert {row["source"] for row in rows(rig)} == {"camera"}


def test_a_camera_that_vanishes_is_one_line_and_a_session_that_can_be_resumed(rig: RealRig) -> None:
    rig.lay()
    with rig.streaming() as stream, rig.terminal("capture", "--part", "3001", "--steps", "8") as terminal:
        terminal.await_text("press Enter.")
        terminal.type_line()
        await_pictures(rig, terminal, 3)
        stream.vanish()
        assert terminal.end() == 1
        assert "Traceback" not in terminal.text
        (said,) = [line for line in terminal.text.splitlines() if line.startswith("rig: ")]
        assert "stopped delivering" in said
        assert "complete the session with: rig capture --resume" in terminal.text
    assert not rig.world.motors_on()
    kept = [row["file_name"] for row in rows(rig)]
    assert 3 <= len(kept) < 8
    with rig.streaming(), rig.terminal("capture", "--resume") as terminal:
        terminal.await_text("press Enter.")
        terminal.type_line()
        assert terminal.end() == 0, terminal.text
    names = [row["file_name"] for row in rows(rig)]
    assert names[: len(kept)] == kept
    assert sorted(row["angle_deg"] for row in rows(rig)) == [45 * step for step in range(8)]
    assert sorted(names) == sorted(f"3001/{path.name}" for path in rig.folder.glob("captures/3001/*"))


def test_a_list_is_asked_for_part_by_part_and_a_bad_one_is_skipped(rig: RealRig) -> None:
    (rig.folder / "parts.csv").write_text("part;steps\r\n3003;3\r\n3001;3\r\n")
    with rig.streaming(), rig.terminal("capture", "--batch", "parts.csv") as terminal:
        terminal.await_text("Lay one part 3003")
        terminal.type_line()
        terminal.await_text("Line 2, part 3003: 3003 cannot be captured: no part is to be seen")
        terminal.await_text("What now? (retry, skip, quit)")
        terminal.type_line("what?")
        terminal.await_text("What now? (retry, skip, quit)")
        terminal.type_line("r")
        terminal.await_text("Lay one part 3003")
        terminal.type_line()
        terminal.await_text("What now? (retry, skip, quit)")
        terminal.type_line("skip")
        terminal.await_text("Lay one part 3001")
        rig.lay()
        terminal.type_line()
        terminal.await_text("1 of 2 rows captured")
        terminal.await_text("Line 2 was skipped; capture it with: rig capture --part 3003 --steps 3")
        assert terminal.end() == 1
    assert [row["label"] for row in rows(rig)] == ["3001"] * 3
    assert not list(rig.folder.glob("captures/.*.json"))


def test_who_leaves_a_list_goes_on_with_it_later(rig: RealRig) -> None:
    (rig.folder / "parts.csv").write_text("part,steps\n3003,3\n3001,3\n")
    rig.lay("3003")
    with rig.streaming():
        with rig.terminal("capture", "--batch", "parts.csv") as terminal:
            terminal.await_text("Lay one part 3003")
            terminal.type_line()
            terminal.await_text("Lay one part 3001")
            terminal.type_line("\x04")  # Ctrl-D
            terminal.end()
            assert "go on with the list with: rig capture --resume" in terminal.text
        rig.lay()
        with rig.terminal("capture", "--resume") as terminal:
            terminal.await_text("1 of 2 rows are done")
            terminal.await_text("Lay one part 3001")
            terminal.type_line()
            terminal.await_text("2 of 2 rows captured")
            assert terminal.end() == 0
    assert [row["label"] for row in rows(rig)] == ["3003"] * 3 + ["3001"] * 3
