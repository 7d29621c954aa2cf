"""What the tests of the daemon share, also with those of whole commands."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import trained
from tests.daemon.fleet import Mosquitto, broker
from tests.daemon.served import Served, serving

__all__ = ["trained"]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server of an empty folder; tests fill it."""
    with serving(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A broker for all tests of a file."""
    with broker(tmp_path_factory.mktemp("mosquitto")) as started:
        yield started
