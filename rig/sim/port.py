"""The simulated board behind a port that any Marlin client opens: a pseudo-terminal, or a TCP socket.

A real board is reset by the DTR line when its port is opened. A pseudo-terminal has no such line: the board
is reset when its far end is opened, unless somebody has it open already, and when a client connects to the
socket. A client that leaves takes nothing with it: what moves goes on moving.
"""

import math
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Self

from rig.sim.board import Board, Wake
from rig.sim.firmware import Firmware
from rig.sim.link_folder import link_folder
from rig.sim.listeners import Channel, Listener, PtyListener, SocketListener, Stop
from rig.sim.world import World

# While a command waits, new bytes are looked for this often, in seconds of the world's clock.
_IDLE_LOOP_S = 0.005
# Clients flush their input while they open a port: the board keeps silent for as long (in real seconds), as a
# bootloader does.
_BOOTLOADER_S = 0.05


# What udev calls such a board under /dev/serial/by-id, more or less.
_STABLE_NAME = "usb-Simulated_Marlin-if00"
# While the board is unplugged, the clock is looked at this often, in real seconds.
_ABSENCE_LOOP_S = 0.02


class UnpluggedError(Exception):
    """The board's USB cable was pulled out.

    Args:
        back_after_s: when it is plugged in again, on the world's clock; None for never.
    """

    def __init__(self, *, back_after_s: float | None = None) -> None:
        super().__init__(back_after_s)
        self.back_after_s = back_after_s


class PortKind(Enum):
    """What stands between client and board."""

    PTY = "pty"
    SOCKET = "socket"

    @classmethod
    def available(cls) -> "PortKind":
        """A pseudo-terminal where the system tells when it is opened, a socket elsewhere."""
        return cls.PTY if sys.platform == "linux" else cls.SOCKET


class SimulatedPort:
    """A board behind a port, from `with` to its end.

    Args:
        world: what the board drives.
        board: the board; the standard firmware if None.
        kind: pseudo-terminal or socket.
    """

    def __init__(self, world: World, *, board: Board | None = None, kind: PortKind | None = None) -> None:
        self._clock = world.clock
        self._board = board or Firmware(world)
        self._kind = kind or PortKind.available()
        self._resources = ExitStack()
        self._served: Future[None] = Future()
        self._url = ""
        self._stable_link: Path | None = None

    @property
    def url(self) -> str:
        """What a client opens, a device path or a `socket://` URL; empty before `with`.

        A device that comes back after it was unplugged has another path.
        """
        return self._url

    @property
    def stable_url(self) -> str:
        """What a client opens whatever the device is called now; cannot be opened while it is unplugged.

        A link to the device, as udev makes them in /dev/serial/by-id; for a socket, the same URL.
        """
        return self._url if self._stable_link is None else str(self._stable_link)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stop = Stop()
            stack.callback(stop.close)
            device: Listener = PtyListener() if self._kind is PortKind.PTY else SocketListener()
            if self._kind is PortKind.PTY:
                self._stable_link = stack.enter_context(link_folder()) / _STABLE_NAME
            self._announce(device)
            worker = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="simulated board"))
            self._served = worker.submit(self._serve, device, stop)
            # What ended the board is raised here, and not lost in its thread.
            stack.callback(self._served.result)
            stack.callback(stop.set)
            self._resources = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._resources.close()

    def wait(self) -> None:
        """Wait until nobody can reach the board any more: it was unplugged for good."""
        self._served.result()

    def _announce(self, device: Listener) -> None:
        self._url = device.url
        if self._stable_link is not None:
            self._stable_link.symlink_to(device.url)

    def _serve(self, device: Listener, stop: Stop) -> None:
        with closing(device):
            while (back_after_s := self._serve_until_unplugged(device, stop)) is not None:
                back_s = self._clock.monotonic() + back_after_s
                while self._clock.monotonic() < back_s:
                    if stop.wait(_ABSENCE_LOOP_S):
                        return
                device.plug_in()
                self._announce(device)

    def _serve_until_unplugged(self, device: Listener, stop: Stop) -> float | None:
        """Serve one client after another; says after how long the device comes back, None for never."""
        with closing(device.clients(stop)) as clients:
            for channel in clients:
                if stop.wait(_BOOTLOADER_S):
                    break
                self._board.reset()
                try:
                    self._converse(channel, stop)
                except UnpluggedError as pulled:
                    if self._stable_link is not None:
                        self._stable_link.unlink()
                    device.unplug()
                    return pulled.back_after_s
        return None

    def _converse(self, channel: Channel, stop: Stop) -> None:
        """Run the board until its client leaves."""
        while not stop.is_set():
            wake = self._board.run()
            if output := self._board.take_output():
                channel.write(output)
            if stop.wait_readable(channel.fileno(), self._patience_s(wake)):
                data = channel.read()
                if channel.has_left():
                    return
                self._board.receive(data)
            elif wake.working:
                self._clock.sleep_until(min(wake.at_s, self._clock.monotonic() + _IDLE_LOOP_S))

    def _patience_s(self, wake: Wake) -> float | None:
        """How long to wait for bytes, in real seconds: not at all while the clock has to be moved on."""
        if wake.working:
            return 0.0
        return None if math.isinf(wake.at_s) else max(0.0, wake.at_s - self._clock.monotonic())
