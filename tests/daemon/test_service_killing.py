"""An installation that was killed anywhere is completed by the next one, and undone wherever it was."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="services are for systemd")


def test_an_installation_killed_at_any_moment_is_completed_or_undone(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.daemon.killing", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100
