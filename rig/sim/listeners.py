"""Where clients of the simulated board come from: a pseudo-terminal on Linux, a TCP socket anywhere."""

import ctypes
import errno
import os
import select
import socket
import struct
from collections.abc import Generator
from contextlib import suppress
from typing import Protocol

_CHUNK = 4096


class Stop:
    """Wakes a thread that waits for bytes."""

    def __init__(self) -> None:
        self._waiting, self._waking = socket.socketpair()

    def wait_readable(self, fd: int, timeout_s: float | None) -> bool:
        """True when there is something to read, False when the time is over or the stop was set."""
        readable, _, _ = select.select([fd, self._waiting.fileno()], [], [], timeout_s)
        return fd in readable

    def wait(self, timeout_s: float) -> bool:
        """True as soon as the stop is set, False when the time is over."""
        return bool(select.select([self._waiting], [], [], timeout_s)[0])

    def is_set(self) -> bool:
        return self.wait(0.0)

    def set(self) -> None:
        self._waking.send(b"!")

    def close(self) -> None:
        self._waiting.close()
        self._waking.close()


class Channel(Protocol):
    """One client's connection."""

    def fileno(self) -> int:
        """Readable when bytes have come or the client has left."""
        ...

    def read(self) -> bytes:
        """What has come; may be empty."""
        ...

    def has_left(self) -> bool:
        """Whether the client was found to be gone by the last `read`."""
        ...

    def write(self, data: bytes) -> None:
        """Send as much as the client makes room for; the rest is lost, as on a real wire."""
        ...


class Listener(Protocol):
    """Where clients come from."""

    url: str

    def clients(self, stop: Stop) -> Generator[Channel, None, None]:
        """Clients one after another, each until it leaves; ends when the stop is set."""
        ...

    def unplug(self) -> None:
        """Nobody can come any more, and whoever is there loses the connection."""
        ...

    def plug_in(self) -> None:
        """Clients can come again after `unplug`, to a `url` that may have changed."""
        ...

    def close(self) -> None: ...


class OpenWatch:
    """Tells who opens and closes a file, through Linux' inotify, which misses nothing."""

    _IN_CLOSE = 0x18
    _IN_OPEN = 0x20
    _EVENT = struct.Struct("iIII")

    def __init__(self, path: str) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1 failed")
        if libc.inotify_add_watch(self._fd, os.fsencode(path), self._IN_OPEN | self._IN_CLOSE) < 0:
            os.close(self._fd)
            raise OSError(ctypes.get_errno(), "inotify_add_watch failed", path)

    def fileno(self) -> int:
        return self._fd

    def openings(self) -> list[bool]:
        """What happened since the last call: True for each opening, False for each closing."""
        try:
            events = os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return []
        return [bool(mask & self._IN_OPEN) for _, mask, _, _ in self._EVENT.iter_unpack(events)]

    def close(self) -> None:
        os.close(self._fd)


class PtyListener:
    """A pseudo-terminal: whoever opens its far end is the client, until nobody has it open any more."""

    def __init__(self) -> None:
        self._open()

    def _open(self) -> None:
        import tty  # absent where there are no pseudo-terminals

        self._fd, far_end = os.openpty()
        tty.setraw(far_end)
        self.url = os.ttyname(far_end)
        os.close(far_end)
        os.set_blocking(self._fd, False)
        self._watch = OpenWatch(self.url)
        self._either = select.epoll()
        self._either.register(self._fd, select.EPOLLIN)
        self._either.register(self._watch, select.EPOLLIN)
        self._openers = 0
        self._somebody_came = False

    def clients(self, stop: Stop) -> Generator[Channel, None, None]:
        while self._somebody_came or stop.wait_readable(self._watch.fileno(), None):
            self._count_openers()
            if self._somebody_came:
                self._somebody_came = False
                yield self

    def fileno(self) -> int:
        return self._either.fileno()

    def read(self) -> bytes:
        self._count_openers()
        try:
            return os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return b""
        except OSError as error:
            if error.errno == errno.EIO:  # nobody has the far end open
                return b""
            raise

    def has_left(self) -> bool:
        return self._somebody_came or not self._openers

    def write(self, data: bytes) -> None:
        with suppress(BlockingIOError):
            os.write(self._fd, data)

    def unplug(self) -> None:
        resources = self._either, self._watch, self._fd
        # While the old one is still there, the new one gets another name. Nobody knows it before `plug_in`.
        self._open()
        _close_terminal(*resources)

    def plug_in(self) -> None:
        """The new terminal is there already."""

    def close(self) -> None:
        _close_terminal(self._either, self._watch, self._fd)

    def _count_openers(self) -> None:
        for opened in self._watch.openings():
            self._somebody_came |= opened and not self._openers
            self._openers = max(0, self._openers + (1 if opened else -1))


def _close_terminal(either: select.epoll, watch: OpenWatch, fd: int) -> None:
    either.close()
    watch.close()
    os.close(fd)


class SocketListener:
    """A TCP port of this machine, for one client at a time."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._address = self._listening.getsockname()
        self.url = f"socket://127.0.0.1:{self._address[1]}"

    def clients(self, stop: Stop) -> Generator[Channel, None, None]:
        while stop.wait_readable(self._listening.fileno(), None):
            connection, _ = self._listening.accept()
            with connection:
                connection.setblocking(False)
                yield SocketChannel(connection)

    def unplug(self) -> None:
        self._listening.close()

    def plug_in(self) -> None:
        self._listening = socket.create_server(self._address)

    def close(self) -> None:
        self._listening.close()


class SocketChannel:
    """A connected client."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._left = False

    def fileno(self) -> int:
        return self._connection.fileno()

    def read(self) -> bytes:
        try:
            data = self._connection.recv(_CHUNK)
        except ConnectionError:
            data = b""
        self._left = not data
        return data

    def has_left(self) -> bool:
        return self._left

    def write(self, data: bytes) -> None:
        with suppress(BlockingIOError, ConnectionError):
            self._connection.send(data)
