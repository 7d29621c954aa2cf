"""What many tests share."""

from pathlib import Path

import pytest


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulated rig is one of its folder: tests that run at once open theirs in different ones."""
    monkeypatch.chdir(tmp_path)
