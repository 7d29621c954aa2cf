"""A daemon in a process of its own, as benchmarks see it: over HTTP, and in /proc."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

_RIG = Path(sys.executable).with_name("rig")
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Vitals:
    """What a process holds.

    Attributes:
        resident_mib: memory.
        descriptors: open files and sockets.
        threads: of it.
    """

    resident_mib: float
    descriptors: int
    threads: int


@dataclass(frozen=True)
class Daemon:
    """`rig serve`, on loopback.

    Attributes:
        served_after_s: from its start until it said where.
    """

    folder: Path
    port: int
    pid: int
    served_after_s: float

    def get(self, path: str) -> Any:
        """Ask for a document."""
        return self._ask("GET", path, None)

    def begin(self, **request: object) -> str:
        """Start a job; returns its id."""
        return str(self._ask("POST", "/api/v1/jobs", request)["id"])

    def run(self, **request: object) -> str:
        """Run a job to its end; how that was."""
        with closing(self.events()) as events:
            job = self.begin(**request)
            for name, document, _ in events:
                if name == "job" and document["id"] == job and document["ended_at"] is not None:
                    return str(document["state"])
        raise AssertionError("the daemon has ended")

    def events(self) -> Generator[tuple[str, Any, float], None, None]:
        """Name, document and time of receipt (seconds since 1970) of each event from this call on."""
        stream = self.stream("/api/v1/events").makefile("rb")
        # Its first words say that it listens.
        while not stream.readline().startswith(b":"):
            pass
        return _events(stream)

    def stream(self, path: str) -> socket.socket:
        """Ask for something that does not end; the answer is still to be read."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=_TIMEOUT_S)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode())
        return connection

    def processor_s(self) -> float:
        """What all of its threads have used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND

    def vitals(self) -> Vitals:
        """What it holds now."""
        process = Path(f"/proc/{self.pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        return Vitals(
            int(status["VmRSS"].split()[0]) / 1024,
            len(list((process / "fd").iterdir())),
            len(list((process / "task").iterdir())),
        )

    def _ask(self, method: str, path: str, body: object) -> Any:
        content = None if body is None else json.dumps(body)
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT_S)) as connection:
            connection.request(method, path, content, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            document = json.loads(answer.read())
        assert answer.status < 400, document
        return document


@contextmanager
def daemon(folder: Path, toml: str) -> Iterator[Daemon]:
    """A simulated rig's daemon with its board ready and its model loaded, if there is one."""
    (folder / "rig.toml").write_text(toml)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    began_s = time.perf_counter()
    with (folder / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [_RIG, "serve", "--port", str(port)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert process.stdout is not None
        try:
            # It says where its page is once that is served.
            assert process.stdout.readline().startswith("Page: "), (folder / "serve.log").read_text()
            started = Daemon(folder, port, process.pid, time.perf_counter() - began_s)
            while not _is_ready(started):
                time.sleep(0.01)
            yield started
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()


def _is_ready(daemon: Daemon) -> bool:
    state = daemon.get("/api/v1/state")
    has_model = state["model"] is not None or not (daemon.folder / "models").exists()
    return bool(state["board"]["status"] == "ready" and has_model)


def _events(stream: Any) -> Generator[tuple[str, Any, float], None, None]:
    name = ""
    with stream:
        for line in stream:
            if line.startswith(b"event: "):
                name = line[7:].strip().decode()
            elif line.startswith(b"data: "):
                yield name, json.loads(line[6:]), time.time()
