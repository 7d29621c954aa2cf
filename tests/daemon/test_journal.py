"""What is logged: in the journal's own protocol on a real socket, as a line, and in the ring."""

import io
import logging
import os
import socket
import struct
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.daemon.broker import Broker, Message
from rig.daemon.journal import (
    DaemonLog,
    Journal,
    Terminal,
    about_job,
    is_read_by_journal,
    logging_as_daemon,
)
from rig.daemon.log_ring import LogRing
from rig.daemon.redaction import Secrets
from rig.errors import SerialPortError
from rig.mqtt_config import MqttConfig

posix = pytest.mark.skipif(sys.platform == "win32", reason="the journal is a thing of Linux")


def _fields(datagram: bytes) -> dict[str, str]:
    """Read the journal's native protocol, as journald does."""
    fields = {}
    while datagram:
        line, _, datagram = datagram.partition(b"\n")
        if b"=" in line:
            name, _, value = line.partition(b"=")
        else:
            name = line
            (size,) = struct.unpack("<Q", datagram[:8])
            value, datagram = datagram[8 : 8 + size], datagram[8 + size :]
            assert datagram[:1] == b"\n"
            datagram = datagram[1:]
        fields[name.decode()] = value.decode()
    return fields


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "socket"))
        listening.setblocking(False)
        yield listening


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "socket")) as journal:
        yield journal


def _logger(log: DaemonLog) -> logging.Logger:
    """A logger of its own, which tells nobody else."""
    logger = logging.Logger("rig.daemon.example", logging.DEBUG)
    logger.addHandler(log)
    return logger


@posix
def test_the_journal_gets_fields_to_search_by(journald: socket.socket, journal: Journal) -> None:
    logger = _logger(DaemonLog(journal))
    with about_job("7f3a"):
        logger.warning("bin %s is full", "bricks")
    logger.info("one\ntwo", extra={"job_id": "8c1d"})
    logger.debug("idle")
    full, lines, idle = (_fields(journald.recv(65536)) for _ in range(3))
    assert full["MESSAGE"] == "bin bricks is full"
    assert (full["PRIORITY"], full["JOB_ID"], full["SYSLOG_IDENTIFIER"]) == ("4", "7f3a", "brickrig")
    assert (full["LOGGER"], full["CODE_FUNC"]) == (
        "rig.daemon.example",
        "test_the_journal_gets_fields_to_search_by",
    )
    assert full["CODE_FILE"] == __file__
    assert int(full["CODE_LINE"]) > 0
    assert (lines["MESSAGE"], lines["PRIORITY"], lines["JOB_ID"]) == ("one\ntwo", "6", "8c1d")
    assert (idle["MESSAGE"], idle["PRIORITY"]) == ("idle", "7")
    assert "JOB_ID" not in idle


@posix
def test_an_error_of_the_rig_comes_with_its_hint_and_a_fault_with_its_traceback(
    journald: socket.socket, journal: Journal
) -> None:
    logger = _logger(DaemonLog(journal))
    try:
        raise SerialPortError("the port is gone", hint="plug it in")
    except SerialPortError:
        logger.exception("capture failed")
    try:
        raise KeyError("part")
    except KeyError:
        logger.exception("capture failed")
    expected, fault = (_fields(journald.recv(65536)) for _ in range(2))
    assert expected["MESSAGE"] == "capture failed: the port is gone (plug it in)"
    assert (expected["HINT"], expected["PRIORITY"]) == ("plug it in", "3")
    assert "TRACEBACK" not in expected
    assert fault["MESSAGE"] == "capture failed: KeyError: 'part'"
    assert fault["TRACEBACK"].startswith("Traceback (most recent call last):\n")


@posix
def test_what_is_huge_or_no_text_arrives_all_the_same(journald: socket.socket, journal: Journal) -> None:
    log = DaemonLog(journal)
    logger = _logger(log)
    logger.info("x" * 5_000_000)
    logger.info("name \udcff")
    logger.info("%d parts", "three")
    huge, odd, wrong = (_fields(journald.recv(65536)) for _ in range(3))
    assert huge["MESSAGE"] == "x" * 2000 + "... (cut)"
    assert odd["MESSAGE"] == "name \\udcff"
    assert "%d parts" in wrong["MESSAGE"]
    assert "three" in wrong["MESSAGE"]
    assert sum(len(record.message) for record in log.ring.page().records) < 3000


@posix
def test_a_journal_that_is_restarted_is_found_again_and_meanwhile_it_stands_on_stderr(tmp_path: Path) -> None:
    stderr = io.StringIO()
    address = tmp_path / "socket"
    with closing(Journal(address, otherwise=Terminal(stderr))) as journal:
        logger = _logger(DaemonLog(journal))
        logger.info("nobody listens")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind(str(address))
            logger.info("somebody does")
            assert _fields(listening.recv(4096))["MESSAGE"] == "somebody does"
        address.unlink()
        logger.info("nobody again")
    said = stderr.getvalue().splitlines()
    assert ["nobody listens" in said[0], "nobody again" in said[1]] == [True, True]
    assert len(said) == 2


def test_a_line_is_one_line_whatever_a_request_brings() -> None:
    stderr = io.StringIO()
    logger = _logger(DaemonLog(Terminal(stderr)))
    with about_job("7f3a"):
        logger.error("no part 3001\n2026-11-21 22:03:01 info all is well\x1b[2J")
    (line,) = stderr.getvalue().splitlines()
    assert " error    job 7f3a: no part 3001\\n2026-11-21" in line
    assert "\\x1b[2J" in line
    assert line.endswith("[rig.daemon.example]")


def test_a_terminal_that_is_gone_ends_nothing() -> None:
    stderr = io.StringIO()
    stderr.close()
    log = DaemonLog(Terminal(stderr))
    _logger(log).error("said to nobody")
    assert [record.message for record in log.ring.page().records] == ["said to nobody"]


def test_a_job_is_named_in_its_own_thread_only() -> None:
    log = DaemonLog(Terminal(io.StringIO()))
    logger = _logger(log)
    with about_job("outer"):
        with about_job("inner"):
            logger.info("a")
        thread = threading.Thread(target=logger.info, args=("b",))
        thread.start()
        thread.join()
        logger.info("c")
    logger.info("d")
    jobs = {record.message: record.job for record in log.ring.page().records}
    assert jobs == {"a": "inner", "b": None, "c": "outer", "d": None}


# What a daemon reads from stderr's file itself, as systemd hands it over: the ends of a pipe differ.
_AS_A_SERVICE = """
import os, sys
from pathlib import Path
from rig.daemon.journal import logging_as_daemon
import logging
status = os.fstat(2)
os.environ["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino + int(sys.argv[2])}"
with logging_as_daemon(journal_socket=Path(sys.argv[1])):
    logging.getLogger("rig").info("ready")
"""


@posix
@pytest.mark.parametrize("is_ours", [True, False])
def test_only_a_service_whose_stderr_is_the_journal_speaks_to_it(
    journald: socket.socket, tmp_path: Path, is_ours: bool
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _AS_A_SERVICE, str(tmp_path / "socket"), str(int(not is_ours))],
        capture_output=True,
        text=True,
        check=True,
    )
    if is_ours:
        assert _fields(journald.recv(4096))["MESSAGE"] == "ready"
        assert done.stderr == ""
    else:
        with pytest.raises(BlockingIOError):
            journald.recv(4096)
        assert "info     ready" in done.stderr


@pytest.mark.parametrize("stream", ["", "8", "8:", ":9", "a:b", "-1:2", "8:9:10"])
def test_a_strange_journal_stream_is_none(stream: str) -> None:
    assert not is_read_by_journal({"JOURNAL_STREAM": stream})
    assert not is_read_by_journal({"JOURNAL_STREAM": "8:9"}, descriptor=os.sysconf("SC_OPEN_MAX") - 1)


def test_everything_that_is_logged_goes_there_while_the_block_runs_and_no_longer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    with logging_as_daemon({}) as log:
        logging.getLogger("some.package").info("hello")
        logging.getLogger("some.package").debug("too much")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert (root.level, root.handlers) == before
    logging.getLogger("some.package").info("after")
    messages = [record.message for record in log.ring.page().records]
    assert messages[0] == "hello"
    assert "DeprecationWarning: old" in messages[1]
    assert len(messages) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_the_ring_keeps_the_newest_and_says_how_many_are_gone() -> None:
    log = DaemonLog(Terminal(io.StringIO()), LogRing(most=5))
    logger = _logger(log)
    ring = log.ring
    assert ring.page() == ring.latest()
    for number in range(1, 13):
        logger.info("line %d", number, extra={"job_id": "even" if number % 2 == 0 else "odd"})
    page = ring.page(after=0, limit=3)
    assert [record.id for record in page.records] == [8, 9, 10]
    assert (page.next_after, page.lost) == (10, 7)
    page = ring.page(after=page.next_after, limit=3)
    assert ([record.id for record in page.records], page.next_after, page.lost) == ([11, 12], 12, 0)
    assert ring.page(after=12).records == ()
    assert ring.page(after=12).next_after == 12
    assert [record.id for record in ring.page(after=0, job="even").records] == [8, 10, 12]
    assert [record.message for record in ring.latest(2).records] == ["line 11", "line 12"]
    assert [record.id for record in ring.latest(2, job="odd").records] == [9, 11]
    # An id of the process before this one.
    assert [record.id for record in ring.page(after=500).records] == [8, 9, 10, 11, 12]


def test_readers_of_the_ring_miss_nothing_while_many_write() -> None:
    log = DaemonLog(Terminal(io.StringIO()), LogRing(most=10_000))
    logger = _logger(log)

    def write() -> None:
        for _ in range(300):
            logger.info("x")

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    read: list[int] = []
    after = 0
    while len(read) < 1200:
        page = log.ring.page(after=after, limit=50)
        read += [record.id for record in page.records]
        after = page.next_after
    for writer in writers:
        writer.join()
    assert read == list(range(1, 1201))


SECRETS = st.text(st.sampled_from("abcXYZ0189-_"), min_size=12, max_size=40)


@given(
    secret=SECRETS,
    line=st.sampled_from(
        [
            "GET /api/v1/events?token={} HTTP/1.1",
            "GET /api/v1/events?after=3&access_token={}&x=1",
            "Authorization: Bearer {}",
            "authorization: Basic {}==",
            "headers [(b'host', b'rig'), (b'authorization', b'Bearer {}'), (b'accept', b'*/*')]",
            "{{'cookie': 'session={}; theme=dark', 'host': 'rig'}}",
            "Set-Cookie: brickrig={}; HttpOnly; SameSite=Strict",
            "tried bearer {}",
            '{{"token": "{}"}}',
            "login refused: token='{}'",
            "mqtt://rig:{}@broker:1883 refused",
            "password = {}",
            "MQTT_PASSWORD={}",
        ]
    ),
)
def test_what_looks_like_a_secret_is_never_kept(secret: str, line: str) -> None:
    stderr = io.StringIO()
    log = DaemonLog(Terminal(stderr))
    _logger(log).warning("refused: %s", line.format(secret))
    assert secret not in stderr.getvalue()
    assert secret not in str(log.ring.page().records)
    assert "refused: " in stderr.getvalue()


@given(secret=SECRETS, around=st.text(max_size=20))
def test_a_secret_that_the_daemon_knows_is_hidden_wherever_it_stands(secret: str, around: str) -> None:
    secrets = Secrets()
    secrets.keep(secret)
    stderr = io.StringIO()
    log = DaemonLog(Terminal(stderr), secrets=secrets)
    try:
        raise ValueError(f"{around}{secret}{around}")
    except ValueError:
        _logger(log).exception("%s%s", around, secret)
    assert secret not in stderr.getvalue()
    assert secret not in str(log.ring.page().records)


def test_the_password_of_the_broker_is_one_that_the_daemon_knows(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("open sesame\n")
    config = MqttConfig(host="localhost", user="rig", password_file=str(tmp_path / "password"))
    secrets = Secrets()
    Broker(
        config,
        secrets,
        will=Message("rig/availability", "offline"),
        inbox="rig/command",
        connected=lambda: None,
        has_room=lambda: None,
        heard=lambda payload, retained: None,
    )
    assert secrets.hidden_in("not taken: open sesame, as rig") == "not taken: ***, as rig"


@pytest.mark.parametrize(
    "line",
    [
        "the token was revoked",
        "12 tokens are known",
        "password_file = mqtt.password is absent",
        "see http://127.0.0.1:8000/page/",
        "a secret of 4 characters",
        "cookies are for the page",
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert Secrets().hidden_in(line) == line
