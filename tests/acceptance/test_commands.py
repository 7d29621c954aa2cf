"""The shape of the command line: help, version, one JSON document, quick start."""

import json
import subprocess
import sys

import pytest

from tests.acceptance.conftest import Shell

COMMANDS = ("capture", "train", "sort", "classify", "evaluate", "model", "doctor", "init", "demo", "sim")


def test_help_names_every_command(shell: Shell) -> None:
    said = shell.run("--help").stdout
    for command in COMMANDS:
        assert f"  {command} " in said


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(shell: Shell, command: str) -> None:
    done = shell.run(command, "--help")
    assert done.returncode == 0
    assert f"Usage: rig {command}" in done.stdout


def test_an_unknown_command_is_one_line(shell: Shell) -> None:
    assert "catpure" in shell.fails("catpure")


def test_help_imports_nothing_heavy() -> None:
    heavy = ("cv2", "numpy", "tensorflow", "keras", "pydantic", "serial", "ai_edge_litert", "rich")
    script = f"import rig.cli.main, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


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
