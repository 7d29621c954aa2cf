"""A rig that `rig` takes for a real one: a board on a port, a camera on a stream, a person at a terminal."""

import os
import pty
import re
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from rig.clock import SystemClock
from rig.config import CameraConfig
from rig.sim.camera import SimulatedCamera
from rig.sim.scene import draw_scene
from rig.sim.world import World
from rig.vision.jpeg import encode_jpeg
from tests.acceptance.conftest import RIG
from tests.sim.boards import desk
from tests.sim.desk import brick

_FRAMES_PER_S = 10.0
_TIMEOUT_S = 60.0
_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Stream:
    """A camera that shows a world as a stream of JPEG pictures over HTTP, until it vanishes."""

    def __init__(self, world: World) -> None:
        camera = SimulatedCamera(
            world,
            draw_scene(np.random.default_rng(5)),
            CameraConfig(width_px=320, height_px=240),
            frames_per_s=_FRAMES_PER_S,
            seed=5,
        )
        camera.start()
        vanished = self._vanished = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                while not vanished.is_set():
                    jpeg = encode_jpeg(camera.capture(world.clock.monotonic()).image)
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    try:
                        self.wfile.write(head.encode() + jpeg + b"\r\n")
                    except OSError:
                        return  # nobody looks any more

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/stream.mjpg"

    def vanish(self) -> None:
        """End every stream, and offer no new one."""
        self._vanished.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.vanish()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass
class Terminal:
    """`rig` on a terminal, and a person who reads and types."""

    process: subprocess.Popen[bytes]
    keyboard: int
    text: str = ""
    _read: int = field(default=0)

    def await_text(self, text: str) -> None:
        """Read on until a text comes that was not read before."""
        deadline_s = time.monotonic() + _TIMEOUT_S
        while (found := self.text.find(text, self._read)) < 0:
            assert self._listen(deadline_s), f"{text!r} never came: {self.text}"
        self._read = found + len(text)

    def type_line(self, line: str = "") -> None:
        os.write(self.keyboard, line.encode() + b"\n")

    def end(self) -> int:
        """Read to the end; the exit code."""
        while self._listen(time.monotonic() + _TIMEOUT_S):
            pass
        return self.process.wait(timeout=_TIMEOUT_S)

    def _listen(self, deadline_s: float) -> bool:
        ready, _, _ = select.select([self.keyboard], [], [], max(0.0, deadline_s - time.monotonic()))
        try:
            heard = os.read(self.keyboard, 65536) if ready else b""
        except OSError:  # what Linux says when the other side is closed
            heard = b""
        self.text += _STEERING.sub("", heard.decode(errors="replace")).replace("\r\n", "\n")
        return bool(heard)


@dataclass(frozen=True)
class RealRig:
    """A folder whose rig.toml describes a board and a camera that are there."""

    folder: Path
    world: World

    def lay(self, part: str = "3001") -> None:
        self.world.lay(brick(part))

    def clear(self) -> None:
        self.world.pour(iter(()))

    @contextmanager
    def streaming(self) -> Iterator[Stream]:
        """The camera, under a new address each time."""
        with Stream(self.world) as stream:
            text = (self.folder / "rig.toml").read_text(encoding="utf-8").split("[camera]")[0]
            text += f'[camera]\ndevice = "{stream.url}"\ntimeout_s = 20\n'
            (self.folder / "rig.toml").write_text(text, encoding="utf-8")
            yield stream

    def terminal(self, *arguments: str) -> AbstractContextManager[Terminal]:
        return terminal(self.folder, *arguments)


@contextmanager
def terminal(folder: Path, *arguments: str) -> Iterator[Terminal]:
    """`rig` on a terminal, called in a folder."""
    keyboard, screen = pty.openpty()
    with closing(_Descriptor(keyboard)):
        with closing(_Descriptor(screen)):
            process = subprocess.Popen(
                [RIG, *arguments],
                cwd=folder,
                stdin=screen,
                stdout=screen,
                stderr=screen,
                env=os.environ | {"COLUMNS": "160", "TERM": "xterm"},
                start_new_session=True,
            )
        with process:
            try:
                yield Terminal(process, keyboard)
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGKILL)


@dataclass(frozen=True)
class _Descriptor:
    number: int

    def close(self) -> None:
        os.close(self.number)


@contextmanager
def real_rig(folder: Path, *, world: World | None = None) -> Iterator[RealRig]:
    """A board in real time on a port of its own, or that of a world in real time; nothing on the table."""
    with desk(clock=SystemClock(), world=world) as board:
        (folder / "rig.toml").write_text(f'[serial]\nport = "{board.url}"\n', encoding="utf-8")
        yield RealRig(folder, board.world)
