"""A ledger whose process is killed at many moments has everything on record but the part under way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_killed_eighty_times_it_knows_every_part_and_which_was_under_way(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.sorting.killing", tmp_path, "80"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "under way" in ran.stdout
    assert "between parts" in ran.stdout
