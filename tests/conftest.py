"""What many tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says something of the machine that runs the tests, which may be a busy one.
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulated rig is one of its folder: tests that run at once open theirs in different ones."""
    monkeypatch.chdir(tmp_path)
