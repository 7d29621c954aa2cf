"""The shape of the command line: help, version, one JSON document, quick start."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.acceptance.conftest import Shell

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
COMMANDS = (
    "capture",
    "train",
    "plan",
    "sort",
    "review",
    "classify",
    "evaluate",
    "model",
    "doctor",
    "init",
    "demo",
    "service",
    "sim",
)


def test_help_names_every_command(shell: Shell) -> None:
    said = shell.run("--help").stdout
    for command in COMMANDS:
        assert f"  {command} " in said


@pytest.mark.parametrize("words", [[], ["dataset"], ["--sim", "calibrate"]])
def test_who_does_not_say_which_command_is_shown_help_alone(shell: Shell, words: list[str]) -> None:
    done = shell.run(*words)
    assert done.returncode == 2
    assert done.stderr.strip() == shell.run(*words, "--help").stdout.strip()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(shell: Shell, command: str) -> None:
    done = shell.run(command, "--help")
    assert done.returncode == 0
    assert f"Usage: rig {command}" in done.stdout


def test_an_unknown_command_is_one_line(shell: Shell) -> None:
    assert "catpure" in shell.fails("catpure")


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("dataset export new --format tar", "dataset export"),
        ("dataset nonsense", "dataset"),
        ("capture --stps 3", "capture"),
        ("capture --part export --stps 3", "capture"),
    ],
)
def test_who_uses_a_command_wrongly_is_shown_its_own_help(shell: Shell, words: str, command: str) -> None:
    assert f"see: rig {command} --help\n" in shell.fails(*words.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "inventory export excel list.csv",
            "rig: Invalid value for 'FORMAT': 'excel' is not one of 'bricklink-upload', ",
        ),
        ("inventory export", "rig: Missing argument 'FORMAT'. Choose from: bricklink-upload, "),
        ("serve --port many", "rig: Invalid value for '--port': Input should be a valid integer\n"),
    ],
)
def test_what_was_typed_wrongly_is_said_without_words_for_programs(
    shell: Shell, words: str, said: str
) -> None:
    assert said in shell.fails(*words.split())


def test_help_imports_nothing_heavy() -> None:
    heavy = ("cv2", "numpy", "tensorflow", "keras", "pydantic", "serial", "ai_edge_litert", "rich")
    script = f"import rig.cli.main, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", ["typer", "rig.cli.capture", "rig.errors"])
def test_ctrl_c_while_python_still_imports_is_quiet(module: str) -> None:
    entry = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["scripts"]["rig"]
    where, _, function = entry.partition(":")
    script = f"""
import signal, sys

def strike(event, arguments):
    if event == "import" and arguments[0] == {module!r}:
        signal.raise_signal(signal.SIGINT)

sys.addaudithook(strike)
from {where} import {function}
{function}()
"""
    done = subprocess.run([sys.executable, "-c", script, "--help"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_json_is_one_document_wherever_the_option_stands(shell: Shell) -> None:
    for arguments in (("--json", "capture"), ("capture", "--json")):
        done = shell.run(*arguments, "--part", "3001", "--steps", "2")
        assert json.loads(done.stdout)["views"] == 2


def test_an_error_is_a_json_document_too(shell: Shell) -> None:
    done = shell.run("--json", "capture", "--part", "../x")
    assert done.returncode == 2
    error = json.loads(done.stdout)["error"]
    assert error["kind"] == "BadInput"
    assert "../x" in error["what"]


@pytest.mark.parametrize(
    "words",
    [
        "capture --part 3001",
        "capture --resume",
        "capture --batch parts.csv",
        "dataset stats",
        "dataset undo",
        "dataset import source --group-from none",
    ],
)
def test_a_file_in_the_place_of_the_pictures_is_named(shell: Shell, words: str) -> None:
    (shell.folder / "captures").write_text("a note")
    (shell.folder / "parts.csv").write_text("part\n3001\n")
    (shell.folder / "source" / "3001").mkdir(parents=True)
    said = shell.fails(*words.split())
    assert "rig: captures is not a folder" in said
    assert "[paths] of rig.toml" in said
    assert (shell.folder / "captures").read_text() == "a note"


@pytest.mark.parametrize("words", ["capture --part 3001", "capture --batch parts.csv", "dataset stats"])
def test_no_bar_that_never_began_stands_above_an_error(shell: Shell, words: str) -> None:
    """An unknown fault scenario is noticed when the rig is opened, a missing folder when it is listed."""
    (shell.folder / "rig.toml").write_text('[sim]\nenabled = true\nfaults = "nonsense"\n')
    (shell.folder / "parts.csv").write_text("part\n3001\n3003\n")
    said = shell.fails(*words.split()).splitlines()
    assert said[0].startswith("Simulated rig")
    assert said[1].startswith("rig: ")


def test_debug_shows_the_traceback(shell: Shell) -> None:
    assert "Traceback" in shell.run("--debug", "capture", "--part", "../x").stderr


def test_init_writes_a_file_once(shell: Shell) -> None:
    assert shell.run("init").returncode == 0
    before = (shell.folder / "rig.toml").read_bytes()
    assert "--force" in shell.fails("init")
    assert (shell.folder / "rig.toml").read_bytes() == before


def test_doctor_on_the_simulated_rig_finds_nothing_bad(shell: Shell) -> None:
    findings = {finding["subject"]: finding for finding in shell.json("doctor")["findings"]}
    assert "Marlin 2.1" in findings["rig"]["found"]
    assert findings["model"]["verdict"] == "note"
    assert "rig train" in findings["model"]["advice"]
    assert all(finding["verdict"] != "bad" for finding in findings.values())
    assert not list(shell.folder.iterdir())
