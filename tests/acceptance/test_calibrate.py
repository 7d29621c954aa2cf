"""`rig calibrate` as a user calls it, on rigs whose truth is known."""

import json
from pathlib import Path

import cv2
import pytest

from tests.acceptance.conftest import Shell

# Small pictures: they are drawn faster, and measured almost as well.
RIG = """
[camera]
width_px = 320
height_px = 240
[sim]
enabled = true
seed = {seed}
"""


def _write_rig(shell: Shell, seed: int, more: str = "") -> None:
    (shell.folder / "rig.toml").write_text(RIG.format(seed=seed) + more)


def _is_picture(path: Path) -> bool:
    return cv2.imread(str(path)) is not None


def test_a_table_that_turns_right_is_good(shell: Shell) -> None:
    _write_rig(shell, 11)
    measured = shell.json("calibrate", "table")
    assert measured["verdict"]["meaning"] == "right"
    assert measured["full_turn_deg"] == pytest.approx(360, abs=3 * measured["uncertainty_deg"])
    assert measured["uncertainty_deg"] < 0.3
    assert _is_picture(shell.folder / measured["picture"])


@pytest.mark.parametrize(
    ("driver", "turned", "steps_per_deg"), [(8, "720", "4.444444"), (32, "180", "17.777778")]
)
def test_a_driver_that_steps_otherwise_is_found_out(
    shell: Shell, driver: int, turned: str, steps_per_deg: str
) -> None:
    _write_rig(shell, 12, f"driver_microsteps_per_step = {driver}\nbacklash_deg = 1.5\n")
    done = shell.run("calibrate", "table", "--part", "3039", "--out", "found")
    assert done.returncode == 1, done.stderr
    assert f"the driver steps at 1/{driver}, and rig.toml says 1/16" in done.stdout
    assert f"microsteps_per_step = {driver}" in done.stdout
    assert f"{steps_per_deg} for X" in done.stdout
    assert abs(float(done.stdout.split("turns ")[1].split()[0]) - float(turned)) < 1.5
    assert _is_picture(shell.folder / "found" / "table.png")


def test_settling_is_measured_and_proposed(shell: Shell) -> None:
    _write_rig(shell, 13)
    measured = shell.json("calibrate", "settle")
    assert [move["size_deg"] for move in measured["moves"]] == [5, 45, 90] * 3
    slowest_s = max(move["still_from_s"] for move in measured["moves"])
    assert any(move["moving_until_s"] is not None for move in measured["moves"])
    assert measured["frame_interval_s"] <= measured["settle_s"]
    assert slowest_s <= measured["settle_s"] < slowest_s + 0.05 + measured["frame_interval_s"]
    assert 0.05 < measured["settle_s"] <= 0.5
    assert _is_picture(shell.folder / measured["picture"])


def test_the_camera_s_settings_are_found_and_written_among_the_user_s_comments(shell: Shell) -> None:
    _write_rig(shell, 14, "# my own words\n")
    tried = shell.json("calibrate", "camera", "--dry-run")
    assert tried["written"] is None
    assert (shell.folder / "rig.toml").read_text() == RIG.format(seed=14) + "# my own words\n"
    found = shell.json("calibrate", "camera", "--mains", "60")
    assert found["written"] == "rig.toml"
    text = (shell.folder / "rig.toml").read_text()
    assert text.endswith("# my own words\n")
    for key, value in found["settings"].items():
        assert f"{key} = {value}" in text
    assert _is_picture(shell.folder / found["picture"])
    assert _is_picture(shell.folder / found["empty_table"])
    # The next session is locked so, and knows the empty table.
    captured = shell.run("capture", "--part", "3001", "--steps", "2")
    assert captured.returncode == 0, captured.stderr
    assert "no longer shows this table" not in captured.stderr
    row = json.loads((shell.folder / "captures" / "metadata.jsonl").read_text().splitlines()[0])
    assert row["exposure_us"] == found["settings"]["exposure_us"]
    assert row["settled_by"] == "fixed"
    # A rig that stands otherwise is told so, in one line, and works.
    (shell.folder / "rig.toml").write_text(text.replace("seed = 14", "seed = 15"))
    otherwise = shell.run("capture", "--part", "3001", "--steps", "2")
    assert otherwise.returncode == 0, otherwise.stderr
    assert otherwise.stderr.count("no longer shows this table") == 1


def test_a_simulated_rig_that_is_drawn_anew_is_not_to_be_calibrated_again_and_again(shell: Shell) -> None:
    calibrated = shell.run("calibrate", "camera")
    assert calibrated.returncode == 0, calibrated.stderr
    assert "holds for none of the next sessions" in calibrated.stderr
    captured = shell.run("capture", "--part", "3001", "--steps", "2")
    assert captured.returncode == 0, captured.stderr
    assert "rig calibrate camera" not in captured.stderr


@pytest.mark.parametrize("command", ["camera", "table", "settle"])
def test_bad_input_is_one_line(shell: Shell, command: str) -> None:
    assert "9999" in shell.fails("calibrate", command, "--part", "9999")
    assert f"rig calibrate {command} --help" in shell.fails("calibrate", command, "--colour")
