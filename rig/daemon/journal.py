"""What the daemon says, by the standard `logging`: to the journal with its job's id, or to a terminal.

Each record is made once, free of secrets, kept in a ring that the page reads, and written to one place: the
journal's own socket where the journal reads this process anyway, else one readable line on stderr.
"""

import logging
import os
import socket
import struct
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Protocol, TextIO

from rig.daemon.log_ring import LogRecord, LogRing
from rig.daemon.redaction import Secrets
from rig.errors import RigError

JOURNAL_SOCKET = Path("/run/systemd/journal/socket")
IDENTIFIER = "brickrig"

# A journal that is busy may hold up what the rig does for so long; then the line goes to stderr.
_SEND_TIMEOUT_S = 0.5
# So that thousands of records stay small, and one always fits into a datagram.
_LONGEST_MESSAGE = 2_000
_LONGEST_TRACEBACK = 8_000
# As in syslog.
_PRIORITIES = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}

_job: ContextVar[str | None] = ContextVar("brickrig_job", default=None)


@contextmanager
def about_job(job_id: str) -> Iterator[None]:
    """What this thread says inside the block is about a job.

    A thread that is started inside begins without: it names the job itself, here or with
    `extra={"job_id": ...}`.
    """
    token = _job.set(job_id)
    try:
        yield
    finally:
        _job.reset(token)


class Sink(Protocol):
    """Where records are written, besides the ring."""

    def write(self, record: LogRecord) -> None:
        """Write one; what cannot be written is lost."""
        ...


class Terminal:
    """One readable line a record, whatever is in it; the traceback of a fault of our own stands below it."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def write(self, record: LogRecord) -> None:
        # Looked up each time: tests and progress bars put other streams there.
        stream = self._stream or sys.stderr
        # A terminal or a pipe that is gone takes nothing; nobody is left to be told.
        with suppress(OSError, ValueError):
            stream.write(as_line(record) + "\n")
            stream.flush()


class Journal:
    """The journal's native protocol: fields to search by, such as `journalctl JOB_ID=...`."""

    def __init__(self, address: Path = JOURNAL_SOCKET, otherwise: Sink | None = None) -> None:
        self._address = str(address)
        self._otherwise = otherwise or Terminal()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(_SEND_TIMEOUT_S)

    def write(self, record: LogRecord) -> None:
        try:
            # Not connected: a journal that was restarted is found again.
            self._socket.sendto(as_datagram(record), self._address)
        except OSError:
            self._otherwise.write(record)

    def close(self) -> None:
        """Write no more."""
        self._socket.close()


class DaemonLog(logging.Handler):
    """Takes whatever the program and its packages log.

    Attributes:
        ring: the newest records.
        secrets: what must never be read in a log: tell it of every password and token that the daemon reads.
    """

    def __init__(self, sink: Sink, ring: LogRing | None = None, secrets: Secrets | None = None) -> None:
        super().__init__()
        self.ring = ring or LogRing()
        self.secrets = secrets or Secrets()
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        self._sink.write(self.ring.add(self._read(record)))

    def _read(self, record: logging.LogRecord) -> LogRecord:
        """The record without secrets, and no longer than it needs to be."""
        error = record.exc_info[1] if record.exc_info else None
        message = _message(record)
        hint = ""
        told = ""
        if isinstance(error, RigError):
            message, hint = f"{message}: {error.what}", error.hint
        elif error is not None:
            message = f"{message}: {type(error).__name__}: {error}"
            told = "".join(traceback.format_exception(error))
        job_id = getattr(record, "job_id", None) or _job.get()
        return LogRecord(
            id=0,
            logged_at=record.created,
            level=_level(record.levelno),
            logger=record.name,
            job=None if job_id is None else str(job_id),
            message=self._tidied(message, _LONGEST_MESSAGE),
            hint=self._tidied(hint, _LONGEST_MESSAGE),
            traceback=self._tidied(told, _LONGEST_TRACEBACK),
            file=record.pathname,
            line=record.lineno,
            function=record.funcName or "",
            thread=record.threadName or "",
        )

    def _tidied(self, text: str, longest: int) -> str:
        # Far more than is kept, and yet not for ever; a secret that this cuts in two is cut off below.
        text = self.secrets.hidden_in(text[: 20 * longest])
        return text if len(text) <= longest else f"{text[:longest]}... (cut)"


@contextmanager
def logging_as_daemon(
    environment: Mapping[str, str] = os.environ,
    *,
    level: int = logging.INFO,
    journal_socket: Path = JOURNAL_SOCKET,
) -> Iterator[DaemonLog]:
    """Have everything that is logged while the block runs go where a daemon's logs belong.

    Args:
        environment: where JOURNAL_STREAM says whether the journal reads stderr.
        level: the least that is written.
    """
    journal = Journal(journal_socket) if is_read_by_journal(environment) else None
    log = DaemonLog(journal or Terminal())
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    root.handlers[:] = [log]
    root.setLevel(level)
    logging.captureWarnings(True)
    try:
        yield log
    finally:
        logging.captureWarnings(False)
        root.handlers[:] = before[1]
        root.setLevel(before[0])
        if journal is not None:
            journal.close()


def is_read_by_journal(environment: Mapping[str, str], descriptor: int = 2) -> bool:
    """Whether JOURNAL_STREAM names the very file that a descriptor, stderr unless said, writes to."""
    device, _, inode = environment.get("JOURNAL_STREAM", "").partition(":")
    if not (device.isdecimal() and inode.isdecimal()):
        return False
    try:
        written = os.fstat(descriptor)
    except OSError:
        return False
    return (written.st_dev, written.st_ino) == (int(device), int(inode))


def as_line(record: LogRecord) -> str:
    """A record for people: local time, level, job, what is said, and who says it."""
    when = datetime.fromtimestamp(record.logged_at).strftime("%Y-%m-%d %H:%M:%S")
    job = f"job {record.job}: " if record.job else ""
    hint = f" ({record.hint})" if record.hint else ""
    said = _on_one_line(f"{job}{record.message}{hint}")
    below = "".join(f"\n    {_on_one_line(line)}" for line in record.traceback.splitlines())
    return f"{when} {record.level:<8} {said} [{record.logger}]{below}"


def as_datagram(record: LogRecord) -> bytes:
    """A record as the journal's native protocol has it."""
    fields = {
        "MESSAGE": f"{record.message} ({record.hint})" if record.hint else record.message,
        "PRIORITY": str(_PRIORITIES[record.level]),
        "SYSLOG_IDENTIFIER": IDENTIFIER,
        "LOGGER": record.logger,
        "JOB_ID": record.job or "",
        "HINT": record.hint,
        "TRACEBACK": record.traceback,
        "CODE_FILE": record.file,
        "CODE_LINE": str(record.line),
        "CODE_FUNC": record.function,
        "THREAD_NAME": record.thread,
    }
    return b"".join(_field(name, value) for name, value in fields.items() if value)


def _field(name: str, value: str) -> bytes:
    # Text that UTF-8 has no bytes for, such as the name of a file that is none, must not end the daemon.
    content = value.encode("utf-8", "backslashreplace")
    if b"\n" not in content:
        return name.encode() + b"=" + content + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(content)) + content + b"\n"


def _message(record: logging.LogRecord) -> str:
    """A message whose arguments do not fit is said as it is: logging must never end what it tells of."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args}"


def _level(number: int) -> str:
    """The name of the nearest level below, as packages invent levels of their own."""
    for level in (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO):
        if number >= level:
            return logging.getLevelName(level).lower()
    return "debug"


def _on_one_line(text: str) -> str:
    """Newlines and other controls shown, not carried out: what a request brought must not forge a line."""
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
