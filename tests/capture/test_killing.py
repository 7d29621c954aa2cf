"""A capture that is killed at a hundred random moments, the power cut among them, comes out whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_killed_a_hundred_times_it_completes_exactly_what_is_missing(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.capture.killing", tmp_path, "100"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    struck = json.loads(ran.stdout)
    assert sum(struck.values()) == 100
    assert struck["anywhere"] >= 10
