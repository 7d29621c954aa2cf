"""Runs the real `rig` command in a folder of its own, as a user would."""

import fcntl
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PARTS = ("3001", "3004", "3039")
RIG = Path(sys.executable).with_name("rig")


@dataclass(frozen=True)
class Shell:
    """A folder in which `rig` is called."""

    folder: Path
    timeout_s: float = 480.0

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start a command and leave it running."""
        return subprocess.Popen(
            [RIG, *map(str, arguments)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        with self.start(*arguments) as process:
            stdout, stderr = process.communicate(timeout=self.timeout_s)
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)

    def json(self, *arguments: str | Path) -> Any:
        """Run a command that must succeed with --json, and read its document."""
        done = self.run("--json", *arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def fails(self, *arguments: str | Path) -> str:
        """Run a command that must fail with one clear line; returns what it said."""
        done = self.run(*arguments)
        assert done.returncode not in (0, 130), done.stdout
        assert "Traceback" not in done.stderr
        said = [line for line in done.stderr.splitlines() if line.startswith("rig: ")]
        assert len(said) == 1, done.stderr
        return done.stderr


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """An empty folder."""
    return Shell(tmp_path)


@dataclass(frozen=True)
class Trained:
    """A folder where three parts were captured in three sessions each and a small model was trained."""

    shell: Shell
    model: Path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Trained:
    """Captured and trained once for all tests that only read it, whichever worker runs them."""
    run = tmp_path_factory.getbasetemp()  # a worker's own is inside that of the run
    folder = (run if worker_id == "master" else run.parent) / "trained"
    folder.mkdir(exist_ok=True)
    made = Trained(Shell(folder), folder / "models" / "small")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.model.exists():
            _capture_and_train(made.shell)
    return made


def _capture_and_train(shell: Shell) -> None:
    for _ in range(3):
        for part in PARTS:
            shell.json("capture", "--part", part, "--steps", "6", "--poses", "2")
    shell.json("train", "--epochs", "1", "--size", "48", "--folds", "2", "--jobs", "1", "--name", "small")
