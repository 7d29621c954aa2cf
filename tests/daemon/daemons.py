"""A real `rig serve` in a process of its own, asked over its Unix socket."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.acceptance.conftest import RIG

API = "/api/v1"
_PATIENCE_S = 60.0


class OverSocket(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout_s: float = _PATIENCE_S) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


@dataclass(frozen=True)
class Told:
    """A server-sent event."""

    name: str
    id: str
    data: dict[str, Any]


@dataclass
class Served:
    """A daemon that serves."""

    process: subprocess.Popen[str]
    socket: Path
    page: str | None
    folder: Path
    log: Path = field(default=Path())

    @property
    def pid(self) -> int:
        return self.process.pid

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and document of an answer."""
        with closing(OverSocket(self.socket)) as connection:
            told = {"Content-Type": "application/json", **(headers or {})}
            connection.request(method, API + path, None if body is None else json.dumps(body), told)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")

    def get(self, path: str) -> Any:
        status, document = self.ask("GET", path)
        assert status == 200, document
        return document

    def post(self, path: str, body: object = None) -> Any:
        status, document = self.ask("POST", path, {} if body is None else body)
        assert status in (200, 201, 202), document
        return document

    def begin(self, kind: str, **request: Any) -> str:
        """Start a job; its id."""
        return str(self.post("/jobs", {"kind": kind, "attended": False, **request})["id"])

    def job(self, job: str) -> Any:
        return self.get(f"/jobs/{job}")

    def state(self) -> Any:
        return self.get("/state")

    @contextmanager
    def events(
        self, after: str = "", headers: Mapping[str, str] | None = None, *, signs_of_life: bool = False
    ) -> Iterator[Iterator[Told]]:
        """What is told from an id on, or from now on; each read waits for it.

        Args:
            signs_of_life: those that come every ten seconds, too, without a name.
        """
        with closing(OverSocket(self.socket)) as connection:
            connection.request(
                "GET", f"{API}/events" + (f"?after={after}" if after else ""), headers=headers or {}
            )
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            yield _parsed(answer, signs_of_life=signs_of_life)

    def await_state(self, is_so: Callable[[Any], bool]) -> Any:
        """The state, once it is as it is waited for: looked at whenever something is told."""
        deadline_s = time.monotonic() + _PATIENCE_S
        state = self.state()
        with self.events(state["event_id"], signs_of_life=True) as events:
            while not is_so(state):
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline_s, (state, self.log.read_text())
                next(events)
                state = self.state()
        return state

    def await_board(self, status: str) -> Any:
        return self.await_state(lambda state: state["board"]["status"] == status)["board"]

    def await_job(self, job: str, *states: str) -> Any:
        """A job, once it stands so; as it is when it has ended otherwise."""
        over = ("finished", "cancelled", "stopped", "failed")
        found: list[Any] = []

        def is_so(state: Any) -> bool:
            found[:] = [self.job(job)]
            return found[0]["state"] in (states or over)

        self.await_state(is_so)
        return found[0]

    def await_event(self, job: str, kind: str, after: str = "") -> Any:
        """An event of a job, from its first on."""
        with self.events(after or self.job(job)["first_event"]) as events:
            for told in events:
                if told.name == "event" and told.data["job"] == job and told.data["event"]["event"] == kind:
                    return told.data["event"]
        raise AssertionError(f"{kind} never came")

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Tell it to end; its exit code. It has to be at rest in time, and to have ended soon after."""
        self.send(number)
        return self.process.wait(timeout=_PATIENCE_S)


def _parsed(lines: http.client.HTTPResponse, *, signs_of_life: bool) -> Iterator[Told]:
    name, number = "", ""
    while line := lines.readline():
        if line.startswith(b":") and signs_of_life:
            yield Told("", "", {})
        key, _, value = line.decode().rstrip("\n").partition(": ")
        if key == "event":
            name, number = value, ""
        elif key == "id":
            number = value
        elif key == "data":
            yield Told(name, number, json.loads(value))


@contextmanager
def daemon(folder: Path, *options: str, ready: bool = True) -> Iterator[Served]:
    """A daemon in a folder, which is told to end when the block does.

    Args:
        options: of `rig serve`; the Unix socket alone where there are none.
        ready: wait until its board is.
    """
    log = folder / "serve.log"
    with log.open("a") as errors:
        process = subprocess.Popen(
            [RIG, "--json", "serve", *(options or ("--port", "0"))],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            # Whoever runs the tests in the background has them ignore it, and so would the daemon.
            preexec_fn=_heed_ctrl_c,
        )
    with process:
        try:
            served = _once_serving(process, folder, log)
            if ready:
                served.await_board("ready")
            yield served
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(timeout=_PATIENCE_S)
                finally:
                    process.kill()


@contextmanager
def looking(served: Served) -> Iterator[Callable[[], tuple[float, bytes]]]:
    """The stream of pictures: each call reads the next one, and when it was exposed."""
    with closing(OverSocket(served.socket)) as connection:
        connection.request("GET", f"{API}/live.mjpg")
        stream = connection.getresponse()
        assert stream.status == 200

        def read() -> tuple[float, bytes]:
            headers = {}
            assert stream.readline() == b"--picture\r\n"
            while line := stream.readline().strip():
                name, _, value = line.decode().partition(": ")
                headers[name] = value
            jpeg = stream.read(int(headers["Content-Length"]))
            assert stream.readline() == b"\r\n"
            return float(headers["X-Exposed-At"]), jpeg

        yield read


def _heed_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _once_serving(process: subprocess.Popen[str], folder: Path, log: Path) -> Served:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("}"):
            where = json.loads(said)
            if "socket" not in where:
                break
            return Served(process, Path(where["socket"]), where["page"], folder, log)
    process.wait(timeout=_PATIENCE_S)
    raise AssertionError(f"it does not serve: {said} {log.read_text()}")


def within(duration_s: float, is_so: Callable[[], bool]) -> bool:
    """Whether something that only the simulated desk shows comes to be so in time."""
    deadline_s = time.monotonic() + duration_s
    while not is_so():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True
