"""An MJPEG stream over loopback HTTP: like a network camera, it goes on sending while nobody reads."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np

PERIOD_S = 0.04
WIDTH_PX, HEIGHT_PX = 96, 72


class Stream:
    """What the sender knows of its frames: the grey level of each, and when it came to be.

    Attributes:
        silent: while set, the sender sends nothing.
    """

    def __init__(self) -> None:
        self.silent = threading.Event()
        self.stop = threading.Event()
        self.made_s: list[float] = []

    def frame(self) -> bytes:
        """The next frame, whose place is told by its four quarters: 4 levels in each."""
        number = len(self.made_s)
        digits = [number >> shift & 3 for shift in (0, 2, 4, 6)]
        small = np.array(digits, np.uint8).reshape(2, 2) * 80 + 8
        self.made_s.append(time.monotonic())
        return cv2.imencode(".jpg", np.kron(small, np.ones((HEIGHT_PX // 2, WIDTH_PX // 2), np.uint8)))[
            1
        ].tobytes()

    def made_at(self, image: np.ndarray) -> float:
        """When the frame that an image shows came to be."""
        rows, columns = (HEIGHT_PX // 4, 3 * HEIGHT_PX // 4), (WIDTH_PX // 4, 3 * WIDTH_PX // 4)
        quarters = [image[row, column, 0] for row in rows for column in columns]
        number = sum(round((int(level) - 8) / 80) << 2 * place for place, level in enumerate(quarters))
        return self.made_s[number]


@contextmanager
def streaming(stream: Stream) -> Iterator[str]:
    """Send a stream to whoever connects, once; the URL of it."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            while not stream.stop.wait(PERIOD_S):
                if stream.silent.is_set():
                    continue
                jpeg = stream.frame()
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                try:
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
                except ConnectionError:
                    return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/table.mjpg"
    finally:
        stream.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
