"""What the tests of the daemon share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.served import Served, serving


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server of an empty folder; tests fill it."""
    with serving(tmp_path) as running:
        yield running
