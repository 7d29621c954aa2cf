"""rig.toml over HTTP: what is safe can be changed, never to nonsense, and the file before it is kept."""

import stat
import sys
import tomllib
from pathlib import Path

import pytest

from rig.config import Config, load_config
from rig.config_template import TEMPLATE
from rig.daemon.config_versions import MOST_VERSIONS, ConfigVersions
from rig.daemon.routes.configuration import SAFE_FIELDS
from tests.daemon.served import Served


@pytest.fixture
def rig_toml(served: Served, tmp_path: Path) -> Path:
    """A rig.toml as `rig init` writes it, in use."""
    path = tmp_path / "rig.toml"
    path.write_text(TEMPLATE)
    served.desk.config_file = Path("rig.toml")
    served.desk.reload_config()
    return path


def test_what_holds_is_told(served: Served, rig_toml: Path) -> None:
    told = served.json("/configuration")
    assert told["file"] == "rig.toml"
    assert told["values"]["turntable"]["settle_s"] == 0.2
    assert told["versions"] == []
    fields = {field["name"]: field for field in told["safe_fields"]}
    assert tuple(fields) == SAFE_FIELDS
    assert fields["turntable.settle_s"] == {
        "name": "turntable.settle_s",
        "value": 0.2,
        "default": 0.2,
        "allowed": {"type": "number", "minimum": 0, "maximum": 10},
    }
    assert fields["turntable.settle"]["allowed"]["enum"] == ["fixed", "until_still"]


def test_nothing_that_opens_or_moves_is_safe() -> None:
    sections = {name.partition(".")[0] for name in SAFE_FIELDS}
    assert sections.isdisjoint({"serial", "actuator", "feeder", "bins", "paths", "sim"})
    assert not {name for name in SAFE_FIELDS if "pin" in name or "device" in name or "categories" in name}


def test_a_change_holds_and_the_file_before_it_is_kept(served: Served, rig_toml: Path) -> None:
    answer = served.send("PATCH", "/configuration", {"turntable.settle_s": 0.5, "sorting.pushes": 3})
    assert answer.status == 200, answer.body
    assert answer.json["values"]["turntable"]["settle_s"] == 0.5
    assert (served.desk.config.turntable.settle_s, served.desk.config.sorting.pushes) == (0.5, 3)
    changed = [line for line in rig_toml.read_text().splitlines() if line not in TEMPLATE.splitlines()]
    assert [line.partition(" = ")[0] for line in changed] == ["settle_s", "pushes"]
    (version,) = answer.json["versions"]
    assert (rig_toml.parent / "daemon" / f"rig.toml.{version['version']}").read_text() == TEMPLATE


def test_null_stands_for_the_default(served: Served, rig_toml: Path) -> None:
    served.send("PATCH", "/configuration", {"sorting.target_error": 0.05, "camera.colour_gains": [2, 1.5]})
    config = load_config(rig_toml)
    assert (config.sorting.target_error, config.camera.colour_gains) == (0.05, (2.0, 1.5))
    both = {"sorting.target_error": None, "sorting.reject_threshold": 0.8, "light.brightness": 200.0}
    assert served.send("PATCH", "/configuration", both).status == 200
    config = load_config(rig_toml)
    assert (config.sorting.target_error, config.sorting.reject_threshold) == (None, 0.8)
    assert tomllib.loads(rig_toml.read_text())["light"]["brightness"] == 200


@pytest.mark.parametrize(
    "said",
    [
        {"turntable.settle_s": 11},
        {"turntable.settle_s": "0.5"},
        {"turntable.settle_s": True},
        {"turntable.settle": "soon"},
        {"camera.colour_gains": [1]},
        {"camera.colour_gains": [1, 2, 3]},
        {"camera.exposure_us": 0.5},
        {"serial.port": "/dev/ttyUSB9"},
        {"paths.captures": "/etc"},
        {"actuator.kind": "gcode"},
        {"light.pin": 9},
        {"sim.faults": "/etc/passwd"},
        {"turntable__settle_s": 1.0},
        {"turntable": {"settle_s": 1.0}},
        ["turntable.settle_s"],
    ],
)
def test_what_may_not_be_is_refused(served: Served, rig_toml: Path, said: object) -> None:
    served.problem("PATCH", "/configuration", said, status=422)
    assert rig_toml.read_text() == TEMPLATE
    assert not (rig_toml.parent / "daemon").exists()


def test_what_would_contradict_itself_is_refused_as_a_whole(served: Served, rig_toml: Path) -> None:
    said = {"turntable.settle_s": 0.5, "sorting.cost_reject": 2.0}
    problem = served.problem("PATCH", "/configuration", said, status=409)
    assert "cost_reject must be below cost_wrong_bin" in problem["detail"]
    assert rig_toml.read_text() == TEMPLATE
    assert served.desk.config == Config()


def test_a_change_to_what_is_there_changes_nothing(served: Served, rig_toml: Path) -> None:
    for said in ({}, {"turntable.settle_s": 0.2}):
        assert served.send("PATCH", "/configuration", said).json["versions"] == []


def test_an_earlier_version_is_restored_and_the_later_one_kept(served: Served, rig_toml: Path) -> None:
    (version,) = served.send("PATCH", "/configuration", {"sorting.pushes": 3}).json["versions"]
    answer = served.send("POST", "/configuration/restore", {"version": version["version"]})
    assert answer.status == 200, answer.body
    assert rig_toml.read_text() == TEMPLATE
    assert served.desk.config.sorting.pushes == 2
    later, earlier = answer.json["versions"]
    assert earlier == version
    assert later["kept_at"] > earlier["kept_at"]
    again = served.send("POST", "/configuration/restore", {"version": later["version"]})
    assert again.json["values"]["sorting"]["pushes"] == 3


@pytest.mark.parametrize("version", ["x", "../../rig.toml", "20260101T000000.000000Z", "/etc/passwd"])
def test_only_what_was_kept_can_be_restored(served: Served, rig_toml: Path, version: str) -> None:
    served.send("PATCH", "/configuration", {"sorting.pushes": 3})
    before = rig_toml.read_text()
    problem = served.problem("POST", "/configuration/restore", {"version": version}, status=404)
    assert "no version" in problem["detail"]
    assert rig_toml.read_text() == before


def test_a_version_that_can_no_longer_be_used_is_not_restored(served: Served, rig_toml: Path) -> None:
    ConfigVersions(rig_toml.parent / "daemon").keep(b"[turntable]\nnow_gone = 1\n")
    (version,) = served.json("/configuration")["versions"]
    said = {"version": version["version"]}
    problem = served.problem("POST", "/configuration/restore", said, status=409)
    assert "turntable.now_gone: there is no such key" in problem["detail"]
    assert rig_toml.read_text() == TEMPLATE


def test_a_change_lets_nobody_read_it_who_could_not_before(served: Served, rig_toml: Path) -> None:
    for pushes, mode in ((3, 0o600), (4, 0o640)):
        rig_toml.chmod(mode)
        answer = served.send("PATCH", "/configuration", {"sorting.pushes": pushes})
        assert stat.S_IMODE(rig_toml.stat().st_mode) == mode
        for version in answer.json["versions"]:
            kept = rig_toml.parent / "daemon" / f"rig.toml.{version['version']}"
            assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_file_by_a_name_that_is_no_time_is_no_version(served: Served, rig_toml: Path) -> None:
    (rig_toml.parent / "daemon").mkdir()
    own = rig_toml.parent / "daemon" / "rig.toml.20261399T999999.000000Z"
    own.write_text("mine")
    assert served.json("/configuration")["versions"] == []
    assert own.read_text() == "mine"


def test_what_an_editor_saves_during_a_change_is_not_overwritten(served: Served, rig_toml: Path) -> None:
    """At the worst moment, seen from the interpreter: when the file before the change is being kept."""
    by_hand = TEMPLATE + "# by hand\n"
    has_saved = False

    def save(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal has_saved
        if event == "open" and not has_saved and str(arguments[0]).startswith(f"{rig_toml.parent}/daemon/."):
            has_saved = True
            rig_toml.write_text(by_hand)

    sys.addaudithook(save)  # for good; after this test there is nothing for it to see
    problem = served.problem("PATCH", "/configuration", {"sorting.pushes": 3}, status=409)
    assert problem["detail"] == "somebody has just saved another rig.toml"
    assert rig_toml.read_text() == by_hand
    assert served.send("PATCH", "/configuration", {"sorting.pushes": 3}).status == 200
    assert rig_toml.read_text().endswith("# by hand\n")


def test_a_file_that_somebody_broke_meanwhile_is_left_alone(served: Served, rig_toml: Path) -> None:
    rig_toml.write_text("[camera\n")
    problem = served.problem("PATCH", "/configuration", {"sorting.pushes": 3}, status=409)
    assert "rig.toml is not valid TOML" in problem["detail"]
    assert rig_toml.read_text() == "[camera\n"


def test_without_a_rig_toml_there_is_nothing_to_change(served: Served, tmp_path: Path) -> None:
    told = served.json("/configuration")
    assert (told["file"], told["values"]["sim"]["enabled"]) == (None, True)
    problem = served.problem("PATCH", "/configuration", {"sorting.pushes": 3}, status=409)
    assert problem["hint"] == "write one with: rig init"
    assert list(tmp_path.iterdir()) == []


def test_no_more_versions_are_kept_than_some(tmp_path: Path) -> None:
    versions = ConfigVersions(tmp_path)
    for number in range(MOST_VERSIONS + 5):
        versions.keep(str(number).encode())
    kept = versions.all()
    assert [versions.content(version.name) for version in kept] == [
        str(number).encode() for number in reversed(range(5, MOST_VERSIONS + 5))
    ]
    assert len(list(tmp_path.iterdir())) == MOST_VERSIONS
