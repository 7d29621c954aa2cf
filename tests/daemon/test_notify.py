"""What systemd is told, read from a real datagram socket, and when its watchdog is fed."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.daemon.notify import Notifier, Watchdog

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd is a thing of Linux")


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """A service manager's socket, and the NOTIFY_SOCKET that names it."""
    name = f"@brickrig-{secrets.token_hex(8)}" if request.param == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0" + name[1:] if request.param == "abstract" else name)
        listening.setblocking(False)
        yield name, listening


def _heard(listening: socket.socket) -> list[str]:
    heard = []
    while True:
        try:
            heard.append(listening.recv(4096).decode())
        except BlockingIOError:
            return heard


def test_every_word_arrives_as_systemd_reads_it(manager: tuple[str, socket.socket]) -> None:
    address, listening = manager
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": address})
    assert notifier.is_listened_to
    assert notifier.ready("the board is being looked for")
    assert notifier.status("sorting\nREADY=0")
    assert notifier.alive()
    assert notifier.stopping()
    assert _heard(listening) == [
        "READY=1\nSTATUS=the board is being looked for",
        "STATUS=sorting READY=0",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


def test_nobody_is_told_where_nobody_waits_for_word() -> None:
    for environment in ({}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "@"}, {"NOTIFY_SOCKET": "vsock:2:1"}):
        notifier = Notifier.from_environment({**environment, "WATCHDOG_USEC": "1000"})
        assert not notifier.is_listened_to
        assert notifier.watchdog_s is None
        assert not notifier.ready()


def test_a_manager_that_has_gone_costs_one_line_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    address = tmp_path / "notify"
    notifier = Notifier(str(address))
    assert not notifier.ready()
    assert not notifier.status("still there")
    assert len(caplog.records) == 1
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(address))
        assert notifier.status("heard again")
        assert listening.recv(100) == b"STATUS=heard again"
    assert not notifier.status("gone again")
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    ("variables", "expected_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid() + 1)}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "me"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_for_the_process_that_it_names(
    variables: dict[str, str], expected_s: float | None
) -> None:
    environment = {"NOTIFY_SOCKET": "/run/notify", "HOME": "/", **variables}
    assert Notifier.from_environment(environment).watchdog_s == expected_s
    assert environment == {"HOME": "/"}


def test_a_process_that_this_one_starts_does_not_speak_in_its_name(tmp_path: Path) -> None:
    script = (
        "import os, subprocess, sys\n"
        "from rig.daemon.notify import Notifier\n"
        "Notifier.from_environment(os.environ)\n"
        "subprocess.run([sys.executable, '-c', 'import os; print(sorted(os.environ))'], check=True)\n"
    )
    named = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **named},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not any(name in done.stdout for name in named)
    assert "PATH" in done.stdout


class _Hand:
    """Time that a test turns by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def hand() -> _Hand:
    return _Hand()


def test_systemd_is_fed_while_all_show_life_and_starves_when_one_does_not(
    manager: tuple[str, socket.socket], hand: _Hand, caplog: pytest.LogCaptureFixture
) -> None:
    address, listening = manager
    watchdog = Watchdog(Notifier(address, watchdog_s=8.0), hand)
    assert watchdog.feed_every_s == 2.0
    watchdog.watch("serial", limit_s=5.0)
    watchdog.watch("camera", limit_s=20.0)
    for _ in range(4):
        assert watchdog.feed()
        hand.now_s += 2.0
        watchdog.beat("serial")
    assert _heard(listening) == ["WATCHDOG=1"] * 4
    # The camera has been silent for 8 s, which it may be; the serial port falls silent now.
    hand.now_s += 5.5
    assert not watchdog.alive()
    assert [stalled.name for stalled in watchdog.stalled()] == ["serial"]
    assert not watchdog.feed()
    hand.now_s += 2.0
    assert not watchdog.feed()
    told = "serial has shown no life for 6 s (it may for 5 s)"
    assert _heard(listening) == [f"STATUS={told}"]
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    watchdog.beat("serial")
    assert watchdog.feed()
    assert _heard(listening) == ["STATUS=every worker shows life again", "WATCHDOG=1"]


def test_it_is_fed_no_more_often_than_does_any_good(manager: tuple[str, socket.socket], hand: _Hand) -> None:
    address, listening = manager
    watchdog = Watchdog(Notifier(address, watchdog_s=8.0), hand)
    for _ in range(100):
        assert watchdog.feed()
        hand.now_s += 0.01
    hand.now_s += 0.25
    assert watchdog.feed()
    assert _heard(listening) == ["WATCHDOG=1"] * 2


def test_a_worker_counts_from_the_moment_that_it_is_watched_until_it_is_forgotten(hand: _Hand) -> None:
    watchdog = Watchdog(Notifier(None), hand)
    assert watchdog.feed_every_s is None
    watchdog.beat("camera")
    assert watchdog.silent_s("camera") is None
    watchdog.watch("camera", limit_s=1.0)
    assert watchdog.silent_s("camera") == 0.0
    assert watchdog.alive(now_s=101.0)
    assert not watchdog.alive(now_s=101.1)
    hand.now_s = 103.0
    assert watchdog.silent_s("camera") == 3.0
    assert not watchdog.feed()
    watchdog.watch("camera", limit_s=10.0)
    hand.now_s = 112.0
    assert watchdog.feed()
    watchdog.forget("camera")
    hand.now_s = 1000.0
    assert watchdog.alive()
    assert watchdog.silent_s("camera") is None
