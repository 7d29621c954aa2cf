"""Values change, and nothing else in the file does."""

from pathlib import Path

import pytest

from rig.config import load_config
from rig.config_file import set_values, with_values
from rig.config_template import TEMPLATE
from rig.errors import ConfigError

FOUND = {"exposure_us": 20000, "gain": 1.25, "colour_gains": (2.303, 1.572), "lens_position": 8.7}


def test_comments_order_and_everything_else_stay(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(TEMPLATE)
    set_values(path, "camera", FOUND)
    before, after = TEMPLATE.splitlines(), path.read_text().splitlines()
    changed = [line for line in before if line not in after]
    assert [line.split(" = ")[0] for line in changed] == ["exposure_us", "gain"]
    added = [line for line in after if line not in before]
    assert added == [
        "exposure_us = 20000          # locked for a whole session",
        "gain = 1.25                  # 1.0: the least of a Pi camera; a webcam's as its driver has it",
        "colour_gains = [2.303, 1.572]",
        "lens_position = 8.7",
    ]
    assert after.index("[light]") > after.index("lens_position = 8.7") > after.index("[camera]")
    camera = load_config(path).camera
    assert (camera.exposure_us, camera.colour_gains, camera.lens_position) == (20000, (2.303, 1.572), 8.7)


def test_twice_is_as_good_as_once(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text("# mine\n[sim]\nenabled = true")
    set_values(path, "camera", FOUND)
    once = path.read_text()
    set_values(path, "camera", FOUND)
    assert path.read_text() == once
    assert once.startswith("# mine\n[sim]\nenabled = true\n")


def test_what_an_editor_of_windows_has_saved_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_bytes("\ufeff# my rig\r\n[sim]\r\nenabled = true\r\n".encode())
    set_values(path, "turntable", {"settle_s": 0.3})
    assert load_config(path).turntable.settle_s == 0.3
    assert b"# my rig\r\n[sim]\r\nenabled = true\r\n" in path.read_bytes()


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "kept.toml").write_text("[camera]\ngain = 2.0\n")
    link = tmp_path / "rig.toml"
    link.symlink_to("kept.toml")
    set_values(link, "camera", {"gain": 3.0})
    assert link.is_symlink()
    assert (tmp_path / "kept.toml").read_text() == "[camera]\ngain = 3.0\n"


@pytest.mark.parametrize("text", ["[camera\n", "[camera]\nmagic = 1\n"])
def test_a_file_that_is_wrong_stays_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        set_values(path, "camera", FOUND)
    assert path.read_text() == text


def test_a_value_that_would_be_wrong_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(TEMPLATE)
    with pytest.raises(ConfigError, match=r"camera\.gain: Input should be less than or equal to 64"):
        set_values(path, "camera", {"gain": 65.0})
    assert path.read_text() == TEMPLATE


def test_values_of_several_tables_change_together_or_not_at_all() -> None:
    text = b"[sorting]\r\ntarget_error = 0.01 # mine\r\n"
    values = {("sorting", "target_error"): None, ("sorting", "reject_threshold"): 0.8, ("light", "pin"): 7}
    lines = [line for line in with_values(text, "rig.toml", values).splitlines() if line]
    assert lines == [b"[sorting]", b"reject_threshold = 0.8", b"[light]", b"pin = 7"]
    with pytest.raises(ConfigError, match="target_error and reject_threshold exclude each other"):
        with_values(text, "rig.toml", {("sorting", "reject_threshold"): 0.8})
    assert with_values(b"", "rig.toml", {("sorting", "target_error"): None}) == b""
