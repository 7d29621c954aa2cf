"""Asks a daemon for its state so many times a second, over connections that stay open, until SIGTERM.

Run as: python -m tests.benchmarks.state_load PORT REQUESTS_A_SECOND; it says how often it was answered.
"""

import signal
import sys
import threading
import time
from http.client import HTTPConnection

_CONNECTIONS = 4


def _ask_on(port: int, interval_s: float, ended: threading.Event, took_s: list[float]) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    due_s = time.monotonic()
    while not ended.is_set():
        due_s += interval_s
        ended.wait(max(0.0, due_s - time.monotonic()))
        began_s = time.monotonic()
        connection.request("GET", "/api/v1/state")
        answer = connection.getresponse()
        assert answer.status == 200 and answer.read()
        took_s.append(time.monotonic() - began_s)
    connection.close()


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
