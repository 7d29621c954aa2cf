"""What the simulated camera sees, for webcam clients and browsers: MJPEG over HTTP, in real time."""

import math
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socket import SHUT_RDWR, socket
from socketserver import ThreadingTCPServer
from typing import Any

from rig.camera.frame import Camera
from rig.clock import Clock
from rig.errors import BadInput
from rig.vision.jpeg import encode_jpeg

STREAM_PATH = "/stream.mjpg"
SNAPSHOT_PATH = "/snapshot.jpg"
# Whoever neither asks for anything nor takes what was asked for is let go after so long.
_PATIENCE_S = 5.0
_STOP_LOOP_S = 0.1
_BOUNDARY = "picture"
_CONTENT_TYPES = {
    "/": "text/html; charset=utf-8",
    STREAM_PATH: f"multipart/x-mixed-replace; boundary={_BOUNDARY}",
    SNAPSHOT_PATH: "image/jpeg",
}
_PAGE = f"""\
<!doctype html><html lang="en"><meta charset="utf-8"><title>Simulated rig</title>
<style>:root {{ color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }}</style>
<h1>What the simulated camera sees</h1>
<p><img src="{STREAM_PATH}" alt="the turntable, live">
<p><a href="{STREAM_PATH}">{STREAM_PATH}</a> for a webcam client,
<a href="{SNAPSHOT_PATH}">{SNAPSHOT_PATH}</a> for one picture.
A black picture: the lamp is off until the board is told to switch it on.
""".encode()


class LiveView:
    """Pictures of a camera, taken and encoded once for all who watch, and only while somebody does.

    Args:
        camera: running.
        clock: the camera's.
    """

    def __init__(self, camera: Camera, clock: Clock) -> None:
        self._camera = camera
        self._clock = clock
        self._changed = threading.Condition()
        self._watchers = 0
        self._closed = False
        self._newest = -math.inf, b""

    def pictures(self) -> Generator[bytes, None, None]:
        """JPEG files of what is exposed from now on, until the view is closed.

        Whoever is slower than the camera misses pictures.
        """
        seen_s = self._clock.monotonic()
        with self._changed:
            self._watchers += 1
            self._changed.notify_all()
        try:
            while newest := self._newer_than(seen_s):
                seen_s, picture = newest
                yield picture
        finally:
            with self._changed:
                self._watchers -= 1

    def run(self) -> None:
        """Take pictures for those who watch, until the view is closed.

        Raises:
            CameraError: the camera failed; the view is closed.
        """
        try:
            while self._somebody_watches():
                frame = self._camera.capture(self._clock.monotonic())
                picture = encode_jpeg(frame.image)
                with self._changed:
                    self._newest = frame.exposed_from_s, picture
                    self._changed.notify_all()
        finally:
            self.close()

    def close(self) -> None:
        """Nobody gets another picture."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _newer_than(self, seen_s: float) -> tuple[float, bytes] | None:
        """Wait for a picture whose exposure began later; None once the view is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._newest[0] > seen_s)
            return None if self._closed else self._newest

    def _somebody_watches(self) -> bool:
        """Wait for somebody; False once the view is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._watchers)
            return not self._closed


@contextmanager
def offer_stream(camera: Camera, clock: Clock, host: str, port: int) -> Iterator[str]:
    """Offer a page, a stream and single pictures of a running camera over HTTP; yields the page's URL.

    Args:
        port: 0 for any that is free.

    Raises:
        BadInput: nobody can listen at this address.
        CameraError: at the end, if the camera failed meanwhile.
    """
    view = LiveView(camera, clock)
    try:
        server = _Server((host, port), view)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadInput(
            f"no stream can be offered at {host}:{port}: {reason}",
            hint="choose another port; 0 stands for any that is free",
        ) from error
    with ExitStack() as stack:
        # Joins the threads of all requests.
        stack.enter_context(server)
        workers = stack.enter_context(ThreadPoolExecutor(2, thread_name_prefix="live view"))
        photographer = workers.submit(view.run)
        # What ended it is raised here, and not lost in its thread.
        stack.callback(photographer.result)
        workers.submit(server.serve_forever, _STOP_LOOP_S)
        stack.callback(server.hang_up)
        stack.callback(server.shutdown)
        stack.callback(view.close)
        address, free_port = server.server_address[:2]
        yield f"http://{address!s}:{free_port}/"


class _Server(ThreadingTCPServer):
    """Not http.server's own, which asks the network what its name is."""

    allow_reuse_address = True
    daemon_threads = False

    def __init__(self, address: tuple[str, int], view: LiveView) -> None:
        self.view = view
        self._connections: set[socket] = set()
        super().__init__(address, _Request)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Let go whoever is still connected."""
        for connection in tuple(self._connections):
            with suppress(OSError):  # it left by itself
                connection.shutdown(SHUT_RDWR)


class _Request(BaseHTTPRequestHandler):
    server: _Server
    timeout = _PATIENCE_S

    def handle(self) -> None:
        with suppress(ConnectionError):  # whoever watches may leave at any time
            super().handle()

    def do_GET(self) -> None:
        if self._asked_for == STREAM_PATH:
            self._send_stream()
        elif self._asked_for == SNAPSHOT_PATH:
            self._send_snapshot()
        elif self._asked_for == "/":
            self._answer(_PAGE)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_HEAD(self) -> None:
        """What there is, without a picture being taken."""
        if self._asked_for in _CONTENT_TYPES:
            self._begin()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    @property
    def _asked_for(self) -> str:
        return self.path.partition("?")[0]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Requests are no news."""

    def _send_snapshot(self) -> None:
        with closing(self.server.view.pictures()) as pictures:
            picture = next(pictures, None)
        if picture is None:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._answer(picture)

    def _send_stream(self) -> None:
        self._begin()
        # The boundary goes with the picture before it, which many clients show no sooner.
        boundary = f"--{_BOUNDARY}\r\n".encode()
        self.wfile.write(boundary)
        with closing(self.server.view.pictures()) as pictures:
            for picture in pictures:
                head = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n".encode()
                self.wfile.write(head + picture + b"\r\n" + boundary)

    def _answer(self, body: bytes) -> None:
        self._begin(("Content-Length", str(len(body))))
        self.wfile.write(body)

    def _begin(self, *headers: tuple[str, str]) -> None:
        self.send_response(HTTPStatus.OK)
        content_type = _CONTENT_TYPES[self._asked_for]
        for name, value in (("Content-Type", content_type), ("Cache-Control", "no-store"), *headers):
            self.send_header(name, value)
        self.end_headers()
