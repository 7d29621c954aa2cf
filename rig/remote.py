"""A rig that a daemon has: its jobs, followed over its Unix socket as if they ran here."""

import http.client
import json
import socket
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rig.errors
from rig.config import Config
from rig.daemon_socket import sockets_to_try
from rig.errors import DeviceError, Interrupted, RigError
from rig.jobs.person import Person
from rig.jobs.requests import JobRequest
from rig.jobs.run import JobEvent
from rig.jobs.wire import from_wire

_API = "/api/v1"
_ANSWER_TIMEOUT_S = 20.0
# A heartbeat comes every 10 s.
_SILENCE_S = 40.0
_ENDED = ("finished", "failed", "cancelled", "stopped")


@dataclass(frozen=True)
class Daemon:
    """A daemon that answers.

    Attributes:
        socket: where it listens.
        pid: its process.
        folder: the folder that it works in.
    """

    socket: Path
    pid: int
    folder: Path

    def __str__(self) -> str:
        return f"the daemon that has the rig (process {self.pid}, in {self.folder})"

    @contextmanager
    def following(self, request: JobRequest, person: Person) -> Iterator[Iterator[JobEvent]]:
        """Start a job, and hand out its events; what ends the block early cancels the job and waits for it.

        Raises:
            RigError: as the job does; or the daemon has another one, or is gone.
            Interrupted: with what the job's end had to say as notes; or somebody else ended the job.
        """
        job = self._ask("POST", "/jobs", json.loads(request.model_dump_json()))
        followed = _Followed(self, job["id"], person)
        with closing(followed.events(job["first_event"])) as events:
            try:
                yield events
            except BaseException as stop:
                for note in followed.end_early():
                    stop.add_note(note)
                raise

    def stop(self, *, emergency: bool) -> None:
        """Stop all motion at once; returns when whatever ran has ended and the rig is at rest."""
        self._ask("POST", "/emergency-stop" if emergency else "/stop", {})

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What it answers to one question.

        Raises:
            RigError: it refuses, or is gone.
        """
        with self._connected(_ANSWER_TIMEOUT_S) as connection:
            content = None if body is None else json.dumps(body)
            connection.request(method, _API + path, content, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = json.loads(answer.read() or b"null")
        if answer.status >= 400:
            raise error_of(said)
        return said

    @contextmanager
    def _connected(self, timeout_s: float) -> Iterator[http.client.HTTPConnection]:
        connection = _UnixConnection(self.socket, timeout_s)
        try:
            with closing(connection):
                yield connection
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise DeviceError(
                f"{self} does not answer any more: {error}",
                hint="see what became of it: rig serve prints it, or journalctl -u brickrig",
            ) from error


class _Followed:
    """One job of a daemon."""

    def __init__(self, daemon: Daemon, job: str, person: Person) -> None:
        self._daemon = daemon
        self._job = job
        self._person = person
        self._answered: set[str] = set()
        self._last_event = ""
        self._has_ended = False

    def events(self, after: str) -> Generator[JobEvent, None, None]:
        for name, document in self._stream(after):
            if document.get("job") == self._job and name == "event":
                yield from_wire(document["event"])
            elif name == "job" and document["id"] == self._job:
                self._see_to(document)
                if document["state"] in _ENDED:
                    self._end(document)
                    return
            elif name == "reset":
                raise DeviceError(
                    f"{self._daemon} tells faster than this computer listens; the job goes on there",
                    hint="see how it ends on the page",
                )

    def end_early(self) -> list[str]:
        """Cancel the job, and wait until the rig is at rest; a second Ctrl-C meanwhile stops it at once."""
        if self._has_ended:
            return []
        how = "cancel"
        while True:
            try:
                self._daemon._ask("POST", f"/jobs/{self._job}/{how}", {})
                return self._await_end()
            except Interrupted:
                how = "stop"

    def _await_end(self) -> list[str]:
        for name, document in self._stream(self._last_event):
            if name == "job" and document["id"] == self._job and document["state"] in _ENDED:
                self._has_ended = True
                return list((document["problem"] or {}).get("notes", []))
        return []

    def _end(self, job: Mapping[str, Any]) -> None:
        self._has_ended = True
        if job["state"] == "finished":
            return
        problem = job["problem"] or {}
        if job["state"] == "failed":
            raise error_of(problem)
        stop = Interrupted()
        for note in problem.get("notes", []):
            stop.add_note(note)
        raise stop

    def _see_to(self, job: Mapping[str, Any]) -> None:
        """Have a question of the job answered, once."""
        question = job["question"]
        if question is None or question["id"] in self._answered:
            return
        self._answered.add(question["id"])
        if question["answers"]:
            answer = self._person.choose(question["sentence"], question["answers"])
        else:
            self._person.ask(question["sentence"])
            answer = ""
        said = {"question_id": question["id"], "answer": answer}
        self._daemon._ask("POST", f"/jobs/{self._job}/answer", said)

    def _stream(self, after: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Names and contents of server-sent events."""
        with self._daemon._connected(_SILENCE_S) as connection:
            connection.request("GET", f"{_API}/events?after={after}")
            answer = connection.getresponse()
            if answer.status >= 400:
                raise error_of(json.loads(answer.read()))
            name = ""
            while line := answer.readline():
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "id":
                    self._last_event = value
                elif field == "data":
                    yield name, json.loads(value)
            raise OSError("it was ended")


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def find_daemon(config: Config, *, anywhere: bool) -> Daemon | None:
    """The daemon that has the rig of `config`; None where none runs.

    Args:
        anywhere: see `sockets_to_try`.

    Raises:
        RigError: one is there, and does not answer, or not to this user.
    """
    for path in sockets_to_try(config, anywhere=anywhere):
        found = Daemon(path, 0, Path())
        try:
            with closing(_UnixConnection(path, _ANSWER_TIMEOUT_S)) as connection:
                connection.connect()
        except (FileNotFoundError, ConnectionRefusedError):
            continue  # none, or one that was killed
        except PermissionError as error:
            raise DeviceError(
                f"{path} is not for this user",
                hint="join its group, then log in anew: usermod -aG brickrig NAME",
            ) from error
        about = found._ask("GET", "/state")["rig"]
        return Daemon(path, about["pid"], Path(about["folder"]))
    return None


def error_of(problem: Mapping[str, Any]) -> RigError:
    """The error that a problem document tells of."""
    name = str(problem.get("type", "")).rpartition("/")[2]
    kind = getattr(rig.errors, name, RigError)
    known = isinstance(kind, type) and issubclass(kind, RigError) and kind is not rig.errors.BadField
    what = str(problem.get("detail") or problem.get("title") or "the daemon says only that it failed")
    error = (kind if known else RigError)(what, hint=str(problem.get("hint") or ""))
    for note in problem.get("notes", ()):
        error.add_note(str(note))
    return error
