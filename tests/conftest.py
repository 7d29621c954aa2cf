"""What every test shares."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulated rig is one of its folder: tests that run at once stand in different ones."""
    monkeypatch.chdir(tmp_path)
