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
from rig.at_rest import signals_held, stoppable_elsewhere
from rig.config import Config
from rig.daemon_socket import SERVICE_FOLDER, sockets_to_try
from rig.errors import AnsweredAlready, BadInput, DeviceError, Interrupted, RigError
from rig.jobs.person import PersonElsewhere, Withdrawn
from rig.jobs.requests import JobRequest
from rig.jobs.run import JobEvent
from rig.jobs.wire import from_wire

_API = "/api/v1"
# A stop is answered when the rig is at rest, and a job when the board is connected.
_ANSWER_TIMEOUT_S = 30.0
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
        is_simulated: it has a simulated rig.
    """

    socket: Path
    pid: int
    folder: Path
    is_simulated: bool

    def __str__(self) -> str:
        return f"the daemon that has the rig (process {self.pid}, in {self.folder})"

    @contextmanager
    def following(self, request: JobRequest, person: PersonElsewhere) -> Iterator[Iterator[JobEvent]]:
        """Start a job, and hand out its events; what ends the block early cancels the job and waits for it.

        Raises:
            RigError: as the job does; or the daemon has another one, or is gone.
            Interrupted: with what the job's end had to say as notes; or somebody else ended the job.
        """
        followed: _Followed | None = None
        try:
            with stoppable_elsewhere():
                # Until it is known which job it is, nobody could end it.
                with signals_held():
                    job = self._ask("POST", "/jobs", json.loads(request.model_dump_json()))
                    followed = _Followed(self, job["id"], job["first_event"], person)
                with closing(followed.events()) as events:
                    yield events
        except BaseException as stop:
            if followed is None:
                raise
            try:
                notes = followed.end_early()
            except RigError as error:
                notes = [str(error)]
            for note in notes:
                stop.add_note(note)
            raise

    def stop(self, *, emergency: bool) -> str | None:
        """Stop all motion at once; returns when whatever ran has ended and the rig is at rest.

        Returns:
            What ran, a sentence without a full stop; None where nothing did.

        Raises:
            DeviceError: it is not certain that the rig stands, or at rest.
        """
        job = self._ask("POST", "/emergency-stop" if emergency else "/stop", {})["job"]
        return None if job is None else str(job["what"])

    @property
    def board(self) -> tuple[str, str, str]:
        """How the board is: ready or what else, why, and what to do.

        Raises:
            RigError: the daemon does not answer.
        """
        board = self._ask("GET", "/state")["board"]
        return board["status"], board["reason"] or board["firmware"], board["hint"]

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

    def _gone(self, why: object) -> DeviceError:
        return DeviceError(
            f"{self} does not answer any more: {why}",
            hint="see what became of it: rig serve prints it, or journalctl -u brickrig",
        )

    @contextmanager
    def _connected(self, timeout_s: float) -> Iterator[http.client.HTTPConnection]:
        connection = _UnixConnection(self.socket, timeout_s)
        try:
            with closing(connection):
                yield connection
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._gone(error) from error


class _Followed:
    """One job of a daemon.

    Args:
        after: the id of the event before its first one.
    """

    def __init__(self, daemon: Daemon, job: str, after: str, person: PersonElsewhere) -> None:
        self._daemon = daemon
        self._job = job
        self._person = person
        self._answered: set[str] = set()
        self._seen = after
        # It has ended, or is left to itself.
        self._is_let_go = False

    def events(self) -> Generator[JobEvent, None, None]:
        for name, document in self._stream():
            if document.get("job") == self._job and name == "event":
                yield self._event(document["event"])
            elif name == "job" and document["id"] == self._job:
                if document["state"] in _ENDED:
                    self._end(document)
                    return
                self._see_to(document["question"])
            elif name == "reset":
                self._is_let_go = True
                raise DeviceError(
                    f"{self._daemon} has told more than this computer could hear; the job goes on there",
                    hint="see how it ends on the page, or end it with: rig stop",
                )

    def end_early(self) -> list[str]:
        """Cancel the job, and wait until the rig is at rest; a second Ctrl-C meanwhile stops it at once."""
        how = "cancel"
        while not self._is_let_go:
            try:
                self._daemon._ask("POST", f"/jobs/{self._job}/{how}", {})
                return self._await_end()
            except Interrupted:
                how = "stop"
        return []

    def _await_end(self) -> list[str]:
        with closing(self._stream()) as stream:
            while (job := self._daemon._ask("GET", f"/jobs/{self._job}"))["state"] not in _ENDED:
                # Whatever is told of jobs: then it is asked for anew.
                next(name for name, _ in stream if name in ("job", "reset"))
        self._is_let_go = True
        return list((job["problem"] or {}).get("notes", []))

    def _event(self, document: dict[str, Any]) -> JobEvent:
        try:
            return from_wire(document)
        except ValueError as error:
            raise DeviceError(
                f"{self._daemon} is of another version: {error}", hint="end it, and start it anew"
            ) from error

    def _end(self, job: Mapping[str, Any]) -> None:
        self._is_let_go = True
        if job["state"] == "finished":
            return
        problem = job["problem"] or {}
        if job["state"] == "failed" or problem.get("type") != "about:blank":
            # Not stopped as it should have been: it could not be left at rest.
            raise error_of(problem)
        stop = Interrupted()
        for note in problem.get("notes", []):
            stop.add_note(note)
        raise stop

    def _see_to(self, question: Mapping[str, Any] | None) -> None:
        """Have a question of the job answered, once; it may be answered elsewhere meanwhile."""
        if question is None or question["id"] in self._answered:
            return
        self._answered.add(question["id"])

        def is_asked() -> bool:
            now = self._daemon._ask("GET", f"/jobs/{self._job}")["question"]
            return now is not None and now["id"] == question["id"]

        if not is_asked():
            return
        try:
            answer = self._person.answer(question["sentence"], question["answers"], is_asked)
            said = {"question_id": question["id"], "answer": answer}
            self._daemon._ask("POST", f"/jobs/{self._job}/answer", said)
        except (Withdrawn, AnsweredAlready):
            return

    def _stream(self) -> Generator[tuple[str, dict[str, Any]], None, None]:
        """Names and contents of server-sent events that were not handed out yet."""
        with self._daemon._connected(_SILENCE_S) as connection:
            connection.request("GET", f"{_API}/events?after={self._seen}")
            answer = connection.getresponse()
            if answer.status >= 400:
                raise error_of(json.loads(answer.read()))
            name, number = "", ""
            while line := answer.readline():
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name, number = value, ""
                elif field == "id":
                    number = value
                elif field == "data":
                    yield name, json.loads(value)
                    self._seen = number or self._seen
        # With it, whatever it did.
        self._is_let_go = True
        raise self._daemon._gone("it has ended")


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
        anywhere: see `sockets_to_try`. Otherwise one that has a real rig in place of a simulated one, or the
            other way round, has another rig.

    Raises:
        RigError: one is there, and does not answer, or not to this user.
    """
    for path in sockets_to_try(config, anywhere=anywhere):
        try:
            with closing(_UnixConnection(path, _ANSWER_TIMEOUT_S)) as connection:
                connection.connect()
        except PermissionError as error:
            if config.sim.enabled and not anywhere and path.parent == SERVICE_FOLDER:
                continue  # nobody simulates a rig in the folder of a service that he may not look into
            raise DeviceError(
                f"{path} is not for this user",
                hint="join its group, then log in anew: usermod -aG brickrig NAME",
            ) from error
        except TimeoutError as error:
            raise DeviceError(f"the daemon at {path} does not answer", hint="start it anew") from error
        except OSError:
            continue  # none, or one that was killed, or no place for one
        found = _daemon_at(path)
        if anywhere or found.is_simulated == config.sim.enabled:
            return found
    return None


def _daemon_at(path: Path) -> Daemon:
    about = Daemon(path, 0, Path(), is_simulated=False)._ask("GET", "/state")
    try:
        rig_ = about["rig"]
        return Daemon(path, int(rig_["pid"]), Path(rig_["folder"]), rig_["source"] == "simulated")
    except (KeyError, TypeError, ValueError) as error:
        raise DeviceError(
            f"what listens at {path} is no daemon of a rig", hint="name another socket in [daemon]"
        ) from error


def error_of(problem: Mapping[str, Any]) -> RigError:
    """The error that a problem document tells of."""
    name = str(problem.get("type", "")).rpartition("/")[2]
    kind = getattr(rig.errors, name, RigError)
    if kind is rig.errors.BadField:
        kind = BadInput
    known = isinstance(kind, type) and issubclass(kind, RigError)
    what = str(problem.get("detail") or problem.get("title") or "the daemon says only that it failed")
    error = (kind if known else RigError)(what, hint=str(problem.get("hint") or ""))
    for note in problem.get("notes", ()):
        error.add_note(str(note))
    return error
