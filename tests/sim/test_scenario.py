"""Fault scenarios, by name and from files."""

from pathlib import Path

import pytest

from rig.errors import ConfigError
from rig.sim.faults import Direction, Fault, FaultKind
from rig.sim.scenario import SCENARIOS, Scenario, load_scenario

NAMES = ("noisy", "lost-oks", "reset-in-a-move", "unplug-and-return", "brown-out", "endstop-open", "busy")


@pytest.mark.parametrize("name", NAMES)
def test_scenarios_by_name(name: str) -> None:
    assert load_scenario(name).faults
    assert load_scenario(name) == SCENARIOS[name]


def test_no_name_no_faults() -> None:
    assert load_scenario("") == Scenario()


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "bad-cable.toml"
    path.write_text(
        "seed = 7\n"
        '[[fault]]\nkind = "drop"\ndirection = "to host"\nmatches = "^ok"\nat = 3\nprobability = 0.5\n'
        '[[fault]]\nkind = "replug"\nduration_s = 4\n'
        '[[fault]]\nkind = "split"\ndelay_s = 0.1\n'
    )
    assert load_scenario(str(path)) == Scenario(
        (
            Fault(FaultKind.DROP, Direction.TO_HOST, b"^ok", at=3, probability=0.5),
            Fault(FaultKind.REPLUG, Direction.TO_BOARD, duration_s=4.0),
            Fault(FaultKind.SPLIT, Direction.TO_BOARD, delay_s=0.1),
        ),
        seed=7,
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[[fault]]\nkind = "explode"', r"fault\.0\.kind: .*'drop'"),
        ('[[fault]]\nkind = "drop"\nprobability = 2', r"fault\.0\.probability"),
        ('[[fault]]\nkind = "drop"\n[[fault]]\nkind = "drop"\nwhen = 2', r"fault\.1\.when"),
        ('[[fault]]\nkind = "drop"\nmatches = "("', r"fault\.0\.matches: '\(' is no regular expression"),
        ('[[fault]]\nkind = "drop"\nmatches = "→"', r"fault\.0\.matches"),
        ('[[fault]]\nkind = "busy"\ndirection = "to host"', r"fault\.0: no 'busy' can strike a line to host"),
        ("seed = -1", "seed"),
        ("seed = ", "not valid TOML"),
    ],
)
def test_a_wrong_file_is_one_clear_error(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=complaint) as caught:
        load_scenario(str(path))
    assert str(path) in caught.value.what


def test_an_unknown_name_tells_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match="'noisi' is neither") as caught:
        load_scenario("noisi")
    for name in NAMES:
        assert name in caught.value.hint


def test_a_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_scenario(str(tmp_path))
