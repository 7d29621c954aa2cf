"""Asks a daemon for its state so many times a second, over connections that stay open, until SIGTERM.

Run as: python -m tests.benchmarks.state_load PORT REQUESTS_A_SECOND; it says how often it was answered.

It speaks HTTP by hand, since what it takes of the processor itself is lost to the daemon that it measures:
a library's client takes as long for a request as the daemon for its answer.
"""

import signal
import socket
import sys
import threading
import time

_CONNECTIONS = 4
_TIMEOUT_S = 60.0
# Larger than any state: an answer comes in one piece, or two.
_PIECE_BYTES = 1 << 16


def _ask_on(port: int, interval_s: float, ended: threading.Event, took_s: list[float]) -> None:
    request = f"GET /api/v1/state HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S) as connection:
        due_s = time.monotonic()
        while not ended.is_set():
            due_s += interval_s
            ended.wait(max(0.0, due_s - time.monotonic()))
            began_s = time.monotonic()
            connection.sendall(request)
            _read_answer(connection)
            took_s.append(time.monotonic() - began_s)


def _read_answer(connection: socket.socket) -> None:
    """Read one whole answer, which has to be a good one."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _piece(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += _piece(connection)


def _piece(connection: socket.socket) -> bytes:
    piece = connection.recv(_PIECE_BYTES)
    assert piece, "the daemon hung up"
    return piece


def main() -> None:
    """Ask until SIGTERM."""
    port, rate = int(sys.argv[1]), float(sys.argv[2])
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: ended.set())
    took_s: list[float] = []
    threads = [
        threading.Thread(target=_ask_on, args=(port, _CONNECTIONS / rate, ended, took_s))
        for _ in range(_CONNECTIONS)
    ]
    began_s = time.monotonic()
    for thread in threads:
        thread.start()
    print("asking", flush=True)
    for thread in threads:
        thread.join()
    print(f"{len(took_s) / (time.monotonic() - began_s):.0f} {1000 * sorted(took_s)[len(took_s) // 2]:.1f}")


if __name__ == "__main__":
    main()
