"""rig.toml: what `rig init` writes is the default, and what is wrong is named."""

import tomllib
from pathlib import Path

import pytest

from rig.bin_config import BinConfig
from rig.config import (
    AirJetsConfig,
    Config,
    GcodeConfig,
    LightConfig,
    StepperChuteConfig,
    SweeperConfig,
    load_config,
)
from rig.config_template import TEMPLATE
from rig.errors import ConfigError
from rig.feeder_config import AskedFeederConfig, GcodeFeederConfig, PinFeederConfig
from rig.section import Section


def _load(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "rig.toml"
    path.write_text(text)
    return load_config(path)


def test_the_template_holds_every_default(tmp_path: Path) -> None:
    assert _load(tmp_path, TEMPLATE) == Config()


def test_the_template_names_every_key() -> None:
    text = TEMPLATE
    optionals = (
        "return_bin",
        "target_error",
        "reject_threshold",
        "categories",
        "seed",
        "driver_microsteps_per_step",
        "ldraw",
    )
    for optional in (*optionals, "colour_gains", "white_balance_k", "lens_position"):
        text = text.replace(f"# {optional}", optional)
    document = tomllib.loads(text)
    for name, section in Config():
        if name != "bins":
            assert set(document[name]) == set(type(section).model_fields), name


@pytest.mark.parametrize("kind", [StepperChuteConfig, AirJetsConfig, GcodeConfig])
def test_the_template_names_every_key_of_the_other_actuators(kind: type[Section]) -> None:
    named = _keys_of_kind("actuator", kind)
    assert set(kind.model_fields) - set(SweeperConfig.model_fields) - {"kind"} <= named


@pytest.mark.parametrize("kind", [GcodeFeederConfig, PinFeederConfig])
def test_the_template_names_every_key_of_the_feeders(kind: type[Section]) -> None:
    in_common = set(AskedFeederConfig.model_fields)
    assert set(kind.model_fields) - in_common - {"kind"} <= _keys_of_kind("feeder", kind)
    for key in in_common:
        assert f"\n# {key} = {AskedFeederConfig.model_fields[key].default} " in TEMPLATE


def _keys_of_kind(table: str, kind: type[Section]) -> set[str]:
    """What the template names, commented out, under a kind of a table."""
    (of_table,) = [part for part in TEMPLATE.split("\n[") if part.startswith(f"{table}]")]
    name = kind.model_fields["kind"].default
    (of_kind,) = [part for part in of_table.split("# kind = ")[1:] if part.startswith(f'"{name}"')]
    lines = [line.removeprefix("# ") for line in of_kind.splitlines()[1:] if " = " in line]
    return {line.split(" = ")[0] for line in lines[: len(kind.model_fields)]}


BINS = {
    "stepper_chute": "chute_deg = -90",
    "air_jets": "jet_pin = 10",
    "gcode": 'gcode = ["M280 P0 S90"]',
}


@pytest.mark.parametrize("kind", BINS)
def test_each_actuator_has_bins_of_its_own(tmp_path: Path, kind: str) -> None:
    config = _load(tmp_path, f'[actuator]\nkind = "{kind}"\n[[bins]]\nname = "reject"\n{BINS[kind]}')
    assert config.actuator.kind == kind
    with pytest.raises(ConfigError, match="needs"):
        _load(tmp_path, f'[actuator]\nkind = "{kind}"\n[[bins]]\nname = "reject"')


def test_output_pins_are_lamp_jets_and_those_of_the_users_own_lines() -> None:
    assert Config().output_pins == {8}
    jets = (BinConfig(name="reject", jet_pin=10), BinConfig(name="b", jet_pin=4))
    assert Config(actuator=AirJetsConfig(), bins=jets).output_pins == {4, 8, 10}
    lines = (BinConfig(name="reject", gcode=("M280 P0 S0",)),)
    own = GcodeConfig(pins=(11,))
    assert Config(actuator=own, bins=lines, light=LightConfig(pin=None)).output_pins == {11}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[camera]\nwidth_px = 0", "camera.width_px"),
        ("[camera]\nwidht_px = 640", "camera.widht_px"),
        ("[turntable]\ngear_ratio = 1.23456", "whole number of microsteps"),
        ('[sorting]\nreject_bin = "nowhere"', "no bin named 'nowhere'; add it as one of [[bins]]"),
        ('[sorting]\nreturn_bin = "3001"', "counted and then fed again"),
        ('[[bins]]\nname = "reject"\nchute_deg = 0\nparts = ["../x"]', "'../x' is not a part number"),
        ('[[bins]]\nname = "reject"\nchute_deg = 200', "chute_deg"),
        ('[[bins]]\nname = "reject"\nchute_deg = 0\n[[bins]]\nname = "reject"\nchute_deg = 1', "same name"),
        (
            '[[bins]]\nname = "reject"\nchute_deg = 0\nparts = ["3001"]\n'
            '[[bins]]\nname = "b"\nchute_deg = 1\nparts = ["3001"]',
            "part 3001 is in 'reject' and in 'b'",
        ),
        ("[actuator]\nchute_servo = 1", "chute_servo and sweeper_servo are both 1"),
        (
            '[camera]\nkind = "picamera2"\ndevice = "/dev/video0"',
            "is its number, such as 0, not '/dev/video0'",
        ),
        ('[actuator]\nkind = "catapult"', "actuator.kind: 'catapult' is none of 'servo_gate', "),
        (
            '[actuator]\nkind = "air_jets"\n[[bins]]\nname = "reject"\njet_pin = 8',
            "light.pin, are the same",
        ),
        ("[camera", "not valid TOML"),
        ('[camera]\nwidth_px = "wide"', "camera.width_px: Input should be a valid integer"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    assert named in caught.value.what
    assert "\n" not in caught.value.what
    assert "parse" not in caught.value.what


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        (
            "[turntable]\nsettel_s = 1",
            "turntable.settel_s: there is no such key",
            "did you mean settle_s or ",
        ),
        ("[sim.pile]\nstay = 0.1", "sim.pile.stay: there is no such key", "did you mean stays or astray?"),
        ("[sim.scene]\nroll = 1", "sim.scene.roll: there is no such key", "did you mean roll_deg?"),
        (
            "[actuator]\ntravel = 1",
            "actuator.servo_gate.travel: there is no such key",
            "did you mean travel_s",
        ),
        (
            '[[bins]]\nname = "a"\nchute = 0',
            "bins.'a'.chute: there is no such key",
            "did you mean chute_deg?",
        ),
        ("[[bins]]\nchute_deg = 0", "bins.1.name: Field required", ""),
        ("[light]\nx = 1\n[paths]\nx = 1", "light.x: there is no such key (and 1 more)", "pin, brightness"),
        ("[turntabel]\nsettle_s = 1", "turntabel: there is no such table", "did you mean turntable?"),
        ("x = 1", "x: there is no such table", "there are: serial, turntable, camera, "),
    ],
)
def test_of_a_key_that_is_none_the_nearest_are_named(tmp_path: Path, text: str, what: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    assert caught.value.what == f"{tmp_path / 'rig.toml'}: {what}"
    assert hint in caught.value.hint


def test_how_a_line_is_mended_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"not valid TOML.*line 2") as caught:
        _load(tmp_path, "[sim]\nenabled = yes")
    assert "yes and no are true and false" in caught.value.hint


def test_bytes_that_are_no_text_are_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "rig.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not valid TOML") as caught:
        load_config(tmp_path / "rig.toml")
    assert "encoding UTF-8" in caught.value.hint


def test_what_an_editor_of_windows_has_saved_is_read(tmp_path: Path) -> None:
    (tmp_path / "rig.toml").write_bytes("\ufeff[sim]\r\nenabled = true\r\n".encode())
    assert load_config(tmp_path / "rig.toml").sim.enabled


def test_a_missing_file_points_to_rig_init(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "rig.toml")
    assert "rig init" in caught.value.hint


def test_a_lamp_may_be_always_on(tmp_path: Path) -> None:
    assert _load(tmp_path, '[light]\npin = "none"').light.pin is None
