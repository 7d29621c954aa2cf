"""`rig sim look` as a user runs it, and the ranges that scenes are drawn from."""

from dataclasses import asdict, fields
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from rig.cli.main import app
from rig.errors import BadInput
from rig.scene_config import SceneConfig
from rig.sim.scene import Scene, draw_scene

RIG_TOML = """
[camera]
width_px = 160
height_px = 120
[sim]
enabled = true
[sim.scene]
{scene}
"""


def look(folder: Path, monkeypatch: pytest.MonkeyPatch, scene: str, *options: str) -> str:
    (folder / "rig.toml").write_text(RIG_TOML.format(scene=scene))
    monkeypatch.chdir(folder)
    return CliRunner().invoke(app, ["sim", "look", "3004", "--fast", "--scenes", "2", *options]).output


def test_a_sheet_is_written_and_depends_on_the_seed_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheets = []
    for seed, name in (("1", "a.jpg"), ("1", "b.jpg"), ("2", "c.jpg")):
        look(tmp_path, monkeypatch, "", "--angles", "3", "--seed", seed, "--out", name)
        sheets.append((tmp_path / name).read_bytes())
    assert sheets[0] == sheets[1] != sheets[2]
    sheet = cv2.imread(str(tmp_path / "a.jpg"))
    assert sheet is not None
    height, width = sheet.shape[:2]
    assert width > 3 * 240 > height > 2 * 180


def test_a_scene_in_rig_toml_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    means = []
    for exposure in ("0.2", "[0.4, 0.5]"):
        look(tmp_path, monkeypatch, f"exposure = {exposure}", "--out", "a.jpg")
        sheet = cv2.imread(str(tmp_path / "a.jpg"))
        assert sheet is not None
        means.append(sheet.mean())
    assert means[0] < 0.85 * means[1]


def test_one_picture_is_no_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(tmp_path, monkeypatch, "").endswith("look.jpg, 2 pictures.\n")
    assert look(tmp_path, monkeypatch, "", "--scenes", "1").endswith("look.jpg, 1 picture.\n")


@pytest.mark.parametrize("name", ["look.png", "sheets"])
def test_what_is_no_name_of_a_jpeg_is_refused_before_anything_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    refused = CliRunner().invoke(app, ["sim", "look", "--out", name]).exception
    assert isinstance(refused, BadInput)
    assert str(refused).startswith(f"{name} is no JPEG file")
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--angles", "26"], "260 pictures are too many for a row of a sheet"),
        (["--angles", "25", "--scenes", "5"], "1250 pictures are too many for a sheet"),
    ],
)
def test_what_no_sheet_holds_is_refused_before_anything_is_drawn(options: list[str], said: str) -> None:
    refused = CliRunner().invoke(app, ["sim", "look", *options])
    assert isinstance(refused.exception, BadInput)
    assert str(refused.exception).startswith(said)
    assert "Pictures" not in refused.output


def test_scene_and_config_name_the_same_values() -> None:
    assert [field.name for field in fields(Scene)] == [*SceneConfig.model_fields, "seed"]


def test_each_value_is_drawn_from_its_range() -> None:
    scenes = [asdict(draw_scene(np.random.default_rng(seed))) for seed in range(300)]
    for name, (low, high) in SceneConfig():
        drawn = [scene[name] for scene in scenes]
        assert low <= min(drawn) < low + 0.05 * (high - low), name
        assert high >= max(drawn) > high - 0.05 * (high - low), name


def test_fixing_one_value_leaves_the_others() -> None:
    free, held = (
        asdict(draw_scene(np.random.default_rng(7), ranges))
        for ranges in (SceneConfig(), SceneConfig.model_validate({"elevation_deg": 45}))
    )
    assert held.pop("elevation_deg") == 45
    assert free.pop("elevation_deg") != 45
    assert free == held


@pytest.mark.parametrize(
    "value", [200, [50, 40], [40], "steep", True, [40, 41, 42], None, float("nan"), [40, float("inf")]]
)
def test_what_is_no_range_is_refused_in_one_line(value: object) -> None:
    with pytest.raises(ValidationError, match=r"must be a number or \[low, high\]") as told:
        SceneConfig.model_validate({"elevation_deg": value})
    assert told.value.error_count() == 1


def test_of_a_range_the_wrong_way_round_the_error_says_so() -> None:
    with pytest.raises(ValidationError, match="the lower one first"):
        SceneConfig.model_validate({"elevation_deg": [50, 40]})


@pytest.mark.parametrize("shares", [{"key_share": 1, "fill_share": 1}, {"key_share": [0.2, 0.7]}])
def test_lamps_that_could_give_the_table_more_than_all_of_its_light_are_refused(
    shares: dict[str, object],
) -> None:
    with pytest.raises(ValidationError, match=r"fill_share .* more than 1 together") as told:
        SceneConfig.model_validate(shares)
    assert told.value.error_count() == 1


def test_one_lamp_may_give_all_of_the_light() -> None:
    assert SceneConfig.model_validate({"key_share": 1, "fill_share": 0}).key_share == (1, 1)
