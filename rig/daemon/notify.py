"""Tells systemd how the daemon is (sd_notify), and has it restarted when a worker shows no life any more.

Where no systemd waits for word, as on a terminal, all of this does nothing.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass

_log = logging.getLogger(__name__)

# systemd answers nothing; only a full queue makes it late, and a message that waits longer is of no use.
_SEND_TIMEOUT_S = 2.0
# Of the time that systemd allows between two signs of life: a lost or late one does no harm.
_FEED_SHARE = 0.25


class Notifier:
    """The line to the service manager that started this process.

    Args:
        address: of its datagram socket: a path, or a name in the abstract namespace behind an `@`; none where
            nobody waits for word.
        watchdog_s: how long it waits for a sign of life before it restarts the service; None: for ever.
    """

    def __init__(self, address: str | None, watchdog_s: float | None = None) -> None:
        self.watchdog_s = watchdog_s if address else None
        self._address = "\0" + address[1:] if address and address.startswith("@") else address
        self._has_failed = False

    @classmethod
    def from_environment(cls, environment: MutableMapping[str, str]) -> "Notifier":
        """The one that systemd has named, or one that says nothing.

        Its variables are taken away, so that no process that this one starts speaks in its name.
        """
        address = environment.pop("NOTIFY_SOCKET", None)
        interval_s = _watchdog_s(environment)
        for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
            environment.pop(name, None)
        is_known = address is not None and len(address) > 1 and address[0] in "/@"
        return cls(address if is_known else None, interval_s)

    @property
    def is_listened_to(self) -> bool:
        """Whether there is anybody to tell."""
        return self._address is not None

    def ready(self, status: str = "") -> bool:
        """Say that the daemon serves; what is ordered after it begins now."""
        return self._send({"READY": "1", "STATUS": status})

    def stopping(self, status: str = "") -> bool:
        """Say that the daemon is on its way out."""
        return self._send({"STOPPING": "1", "STATUS": status})

    def status(self, sentence: str) -> bool:
        """What `systemctl status` shows."""
        return self._send({"STATUS": sentence})

    def alive(self) -> bool:
        """Feed the watchdog; `Watchdog` knows when that is deserved."""
        return self._send({"WATCHDOG": "1"})

    def _send(self, words: Mapping[str, str]) -> bool:
        """Whether it was handed over: a daemon that works does not die of a manager that does not listen."""
        if self._address is None:
            return False
        # A line is a word: a newline in a sentence would begin another.
        lines = [f"{name}={' '.join(value.split())}" for name, value in words.items() if value]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.settimeout(_SEND_TIMEOUT_S)
                line.connect(self._address)
                line.sendall("\n".join(lines).encode())
        except OSError as error:
            if not self._has_failed:
                _log.warning("the service manager cannot be told %s: %s", "/".join(words), error)
            self._has_failed = True
            return False
        self._has_failed = False
        return True


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """What is asked of this very process: a parent's interval is none of its own."""
    try:
        interval_s = int(environment["WATCHDOG_USEC"]) / 1e6
        is_meant = int(environment.get("WATCHDOG_PID", os.getpid())) == os.getpid()
    except (KeyError, ValueError):
        return None
    return interval_s if is_meant and interval_s > 0 else None


@dataclass(frozen=True)
class Stalled:
    """A worker that has shown no life for longer than it may."""

    name: str
    silent_s: float
    limit_s: float

    def __str__(self) -> str:
        return f"{self.name} has shown no life for {self.silent_s:.0f} s (it may for {self.limit_s:g} s)"


@dataclass
class _Worker:
    limit_s: float
    seen_s: float


class Watchdog:
    """Feeds systemd's watchdog only while every worker has shown life within its own limit.

    It has no thread: whoever owns the main loop calls `feed` at least every `feed_every_s` seconds. So a loop
    that hangs starves it as well. Safe to share between threads.

    Args:
        monotonic: seconds that pass for workers and systemd alike, never a simulated rig's.
    """

    def __init__(self, notifier: Notifier, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._notifier = notifier
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._workers: dict[str, _Worker] = {}
        self._fed_s: float | None = None
        self._is_starving = False

    @property
    def feed_every_s(self) -> float | None:
        """How often `feed` wants to be called at least; None where nobody waits for it."""
        interval_s = self._notifier.watchdog_s
        return None if interval_s is None else interval_s * _FEED_SHARE

    def watch(self, name: str, limit_s: float) -> None:
        """Expect a worker to show life every `limit_s` seconds from now on.

        A worker may be watched anew, with another limit, before it begins what takes it longer.
        """
        with self._lock:
            self._workers[name] = _Worker(limit_s, self._monotonic())

    def forget(self, name: str) -> None:
        """Expect nothing of a worker any more: it has ended as it should."""
        with self._lock:
            self._workers.pop(name, None)

    def beat(self, name: str) -> None:
        """A worker shows life; one that nobody watches is heard without a word."""
        with self._lock:
            if name in self._workers:
                self._workers[name].seen_s = self._monotonic()

    def silent_s(self, name: str) -> float | None:
        """For how long a worker has shown no life; None where it is not watched."""
        with self._lock:
            worker = self._workers.get(name)
            return None if worker is None else self._monotonic() - worker.seen_s

    def stalled(self, now_s: float | None = None) -> list[Stalled]:
        """The workers that are silent for longer than they may be, at `now_s` of this watchdog's clock."""
        with self._lock:
            now_s = self._monotonic() if now_s is None else now_s
            return [
                Stalled(name, now_s - worker.seen_s, worker.limit_s)
                for name, worker in self._workers.items()
                if now_s - worker.seen_s > worker.limit_s
            ]

    def alive(self, now_s: float | None = None) -> bool:
        """Whether every worker has shown life within its limit."""
        return not self.stalled(now_s)

    def feed(self) -> bool:
        """Feed systemd's watchdog if it is time and every worker lives; says once who does not.

        Returns:
            Whether all live, fed or not.
        """
        now_s = self._monotonic()
        stalled = self.stalled(now_s)
        if stalled:
            self._starve(stalled)
            return False
        if self._is_starving:
            self._is_starving = False
            _log.warning("every worker shows life again")
            self._notifier.status("every worker shows life again")
        is_time = self._fed_s is None or now_s - self._fed_s >= (self.feed_every_s or 0) * 0.5
        if self.feed_every_s is not None and is_time and self._notifier.alive():
            self._fed_s = now_s
        return True

    def _starve(self, stalled: list[Stalled]) -> None:
        if self._is_starving:
            return
        self._is_starving = True
        told = "; ".join(map(str, stalled))
        _log.error("%s: the watchdog is not fed", told)
        self._notifier.status(told)
