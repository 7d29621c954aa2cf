"""Every command that runs a job finds the daemon of its rig, and shows what it shows without one."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import Shell, Trained
from tests.daemon.daemons import Served, daemon

# What differs from run to run: when, how long, and what the session or run is called.
_OWN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}|\d:\d\d:\d\d|process \d+")
# What was measured, or could not be, and how wide the table is that it stands in.
_MEASURED = re.compile(r"\d+(\.\d+)?( ms|%)?|(?<= )-(?= )|(?<=[ ─━])[ ─━]+")
# What a run of sorting says only if some part was rejected, or met a mishap: two runs may differ in that.
_OF_REJECTS = re.compile(r"Of this run \d+ parts? may wait.*?rig review\n", re.DOTALL)
_MISHAPS = (
    "to be fed again|did not leave the table|lost|unfinished|had to wait for|in another bin"
    r"|sprung out of a bin|beside the bins|still on the table|pushes that moved nothing|\w+ pieces"
)
_MISHAP = re.compile(f"│ ({_MISHAPS})[ ,]")
_BAR = re.compile(r"━━ +(\d+/\d+|\d+%)")
_CHANCES = "[sim]\nenabled = true\nseed = 3\n"


def without_names(text: str) -> list[str]:
    """The lines of an output that both ways have in common; how far a bar got meanwhile is chance."""
    said = _OWN.sub("...", _OF_REJECTS.sub("", text)).splitlines()
    lines = [line.rstrip() for line in said if not (_BAR.search(line) or _MISHAP.match(line))]
    return [line for line in lines if line and not line.startswith("Through the daemon")]


def without_figures(lines: list[str]) -> list[str]:
    """The same without what depends on how fast this computer is just now."""
    return [re.sub("#+", "#", _MEASURED.sub("#", line)) for line in lines]


def prepared(folder: Path, model: Path) -> Shell:
    folder.mkdir()
    (folder / "rig.toml").write_text(_CHANCES, encoding="utf-8")
    (folder / "models").mkdir()
    (folder / "models" / "small").symlink_to(model)
    (folder / "parts.csv").write_text("part,steps\n3001,3\n3004,3\n", encoding="utf-8")
    return Shell(folder)


@pytest.fixture(scope="module")
def both(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shell, Shell, Served]]:
    """Two folders alike: one without a daemon, and one with."""
    folder = tmp_path_factory.mktemp("both")
    alone, served = prepared(folder / "alone", trained.model), prepared(folder / "served", trained.model)
    with daemon(served.folder) as of_served:
        yield alone, served, of_served


@pytest.mark.parametrize(
    "command",
    [
        "capture --part 3001 --steps 3 --poses 2",
        "capture --part 3001 --steps 3 --sweep",
        "capture --batch parts.csv",
        "capture --resume",
        "capture --part no/part",
        "capture --batch missing.csv",
        "sort --count 3 --model small",
        "sort --count 3 --model models/small",
        "sort --count 3 --model small --emptied nowhere",
        "sort --model nowhere",
        "calibrate table",
        "calibrate settle --out drawings",
        "calibrate camera",
        "calibrate camera --dry-run",
    ],
)
def test_with_and_without_a_daemon_a_command_shows_the_same(
    both: tuple[Shell, Shell, Served], command: str
) -> None:
    alone, served, of_served = both
    jobs = len(of_served.get("/jobs"))
    without, through = alone.run(*command.split()), served.run(*command.split())
    assert through.returncode == without.returncode, through.stderr
    for shown, expected in (through.stdout, without.stdout), (through.stderr, without.stderr):
        lines, expected_lines = without_names(shown), without_names(expected)
        if command.startswith(("sort", "calibrate")):
            lines, expected_lines = without_figures(lines), without_figures(expected_lines)
        assert lines == expected_lines
    assert "Traceback" not in through.stderr
    # That it was the daemon that did it.
    was_asked = "Through the daemon" in through.stderr
    assert len(of_served.get("/jobs")) == jobs + was_asked
    assert was_asked or through.returncode == 2


def test_the_documents_are_the_same(both: tuple[Shell, Shell, Served]) -> None:
    alone, served, _ = both
    words = ("capture", "--part", "3039", "--steps", "3")
    without, through = (_OWN.sub("...", json.dumps(shell.json(*words))) for shell in (alone, served))
    assert through == without


def test_a_plan_is_followed(both: tuple[Shell, Shell, Served], trained: Trained) -> None:
    alone, served, _ = both
    text = ""
    for shell in (alone, served):
        made = shell.run("plan", "--model", "small", "--bins", "3", "--out", "plan.toml")
        if made.returncode:  # its options are not what is tested here
            pytest.fail(made.stderr)
        text = text or (shell.folder / "plan.toml").read_text()
        (shell.folder / "plan.toml").write_text(text)
    words = ("sort", "--plan", "plan.toml", "--count", "2", "--model", "small")
    without, through = alone.run(*words), served.run(*words)
    assert through.returncode == without.returncode == 0
    shown, expected = (without_figures(without_names(done.stdout)) for done in (through, without))
    assert shown == expected
    assert "Through the daemon" in through.stderr


def test_an_error_of_a_job_is_the_same_line_hint_and_exit_code_in_json(
    both: tuple[Shell, Shell, Served],
) -> None:
    documents = []
    for shell in both[:2]:
        done = shell.run("--json", "sort", "--model", "nowhere")
        assert done.returncode == 1
        documents.append(json.loads(done.stdout))
    assert documents[0] == documents[1]
    assert documents[0]["error"]["kind"] == "ModelError"
