"""What may be asked of a rig at its broker."""

import json
import logging
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rig.daemon.daemon import Daemon
from rig.daemon.from_afar import require_no_path
from rig.daemon.job import Job, JobState
from rig.daemon.problems import Refused
from rig.errors import BadInput, NotFound, RigError
from rig.jobs.requests import JobRequest

# As much as a request for a job may hold: lists of parts are long.
_MOST_BYTES = 1 << 20
_log = logging.getLogger(__name__)


class Command(BaseModel):
    """Something that the rig is to do.

    Attributes:
        id: whatever the sender wants to find in the answer.
        request: the job that is to be started.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: Literal["start", "pause", "resume", "stop", "cancel"]
    id: str = Field(default="", max_length=100)
    request: JobRequest | None = None

    @model_validator(mode="after")
    def _start_says_what(self) -> Self:
        if (self.command == "start") != (self.request is not None):
            raise ValueError("request belongs to start, and to nothing else")
        return self


class Reply(BaseModel):
    """What came of it.

    Attributes:
        id, command: as they were sent; empty where that could not be read.
        what: why it was refused, or what the job does.
        hint: what to do next; empty where nothing helps.
        job: its id; None where no job is concerned.
    """

    model_config = ConfigDict(frozen=True)

    id: str = ""
    command: str = ""
    accepted: bool
    what: str
    hint: str = ""
    job: str | None = None


def obey(daemon: Daemon, payload: bytes, *, retained: bool) -> Reply:
    """Do what a message says, if that may be done; whatever it is, it does no harm.

    Returns at once, but for a job that waits for the board to be connected.

    Args:
        retained: it was kept by the broker, for how long nobody knows.
    """
    said: Command | None = None
    try:
        said = _read(payload)
        if not daemon.config.mqtt.allow_commands:
            raise Refused(
                "this rig takes no commands from the broker", hint="set allow_commands in [mqtt] of rig.toml"
            )
        if retained:
            raise Refused("this command was retained by the broker: nobody knows how old it is")
        job = _do(daemon, said)
    except RigError as error:
        _log.info("refused what the broker sent: %s", error)
        return _reply(said, what=error.what, hint=error.hint)
    except Exception as error:  # noqa: BLE001 - the line to the broker outlives it, and it is told and logged
        _log.exception("a command of the broker failed")
        return _reply(said, what=f"a mistake in this program ({type(error).__name__})", hint="see the log")
    _log.info("%s, as the broker asked", said.command, extra={"job_id": job.id})
    return Reply(id=said.id, command=said.command, accepted=True, what=job.view().what, job=job.id)


def _read(payload: bytes) -> Command:
    if len(payload) > _MOST_BYTES:
        raise BadInput(f"a command of {len(payload)} bytes is too long", hint=f"at most {_MOST_BYTES}")
    try:
        return Command.model_validate_json(payload)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInput(
            f"{where or 'the message'}: {first['msg']}",
            hint=f"such as {json.dumps({'command': 'pause'})}; docs/fleet.md says what there is",
        ) from error


def _do(daemon: Daemon, said: Command) -> Job:
    if said.request is not None:
        require_no_path(said.request)
        return daemon.begin(said.request)
    job = daemon.running
    if job is None:
        raise NotFound("no job runs", hint="start one")
    match said.command:
        case "pause":
            job.pause()
            _see(job, JobState.PAUSED)
        case "resume":
            job.go_on()
            _see(job, JobState.RUNNING)
        case "stop":
            daemon.keeper.stop(job)
        case "cancel":
            daemon.keeper.cancel(job)
    return job


def _see(job: Job, wanted: JobState) -> None:
    if job.state is not wanted:
        raise Refused(f"the job is {job.state.value}", hint="look at its state")


def _reply(said: Command | None, *, what: str, hint: str = "") -> Reply:
    if said is None:
        return Reply(accepted=False, what=what, hint=hint)
    return Reply(id=said.id, command=said.command, accepted=False, what=what, hint=hint)
