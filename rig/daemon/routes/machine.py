"""The machine: how it is, how it is stopped, and whether the daemon is well."""

import os
from functools import partial
from http import HTTPStatus
from importlib.metadata import version
from typing import Literal

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from rig.daemon.board import BoardView
from rig.daemon.daemon import WORKERS_S, Daemon
from rig.daemon.job import JobView
from rig.daemon.metrics import MEDIA_TYPE, Metrics
from rig.daemon.problems import may_fail

# It is read from a file, which takes longer than all else that a state is made of.
_VERSION = version("brickrig")


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class RigView(_View):
    """Which rig this is, and who runs it.

    Attributes:
        boot: changes whenever the daemon is started.
    """

    name: str
    source: Literal["simulated", "camera"]
    version: str
    pid: int
    folder: str
    started_at: str
    boot: str


class Position(_View):
    """Where the table stands.

    Attributes:
        is_known: also while it turns from one known place to the next. Whenever this changes, a `state` event
            is told.
        angle_deg: None where nobody knows, and while it turns.
    """

    is_known: bool
    angle_deg: float | None


class LeftOver(_View):
    """A job that was under way when the daemon died."""

    what: str
    started_at: str
    kind: str


class ModelView(_View):
    """The model in use."""

    name: str
    labels_count: int


class LiveView(_View):
    """Who looks at the live picture, and how many pictures were encoded so far."""

    viewers: int
    encoded: int


class State(_View):
    """All that a page shows at its top.

    Attributes:
        event_id: of the latest event: what comes after it is not in here yet.
    """

    rig: RigView
    board: BoardView
    position: Position
    job: JobView | None
    last_job: JobView | None
    interrupted: LeftOver | None
    model: ModelView | None
    live: LiveView
    event_id: str


class Stopped(_View):
    """What a stop met."""

    job: JobView | None


class Health(_View):
    """Whether the workers of the daemon live, and how long ago each showed it."""

    status: Literal["ok", "stalled"]
    alive_s_ago: dict[str, float]


def routes(daemon: Daemon) -> APIRouter:
    """All about the machine."""
    router = APIRouter(tags=["machine"])

    @router.get("/state")
    async def state() -> State:
        """How everything is now."""
        # Nothing in it waits for anything: a thread of its own would cost half as much again.
        return _state(daemon)

    @router.post("/stop", status_code=HTTPStatus.ACCEPTED, responses=may_fail(HTTPStatus.SERVICE_UNAVAILABLE))
    async def stop() -> Stopped:
        """Stop all motion at once, and end the job that runs; returns when the rig is at rest."""
        return await _stopped(daemon, emergency=False)

    @router.post(
        "/emergency-stop", status_code=HTTPStatus.ACCEPTED, responses=may_fail(HTTPStatus.SERVICE_UNAVAILABLE)
    )
    async def emergency_stop() -> Stopped:
        """Kill the board: it releases the motors, and takes nothing until it is reset."""
        return await _stopped(daemon, emergency=True)

    @router.post(
        "/machine/reconnect", status_code=HTTPStatus.ACCEPTED, responses=may_fail(HTTPStatus.CONFLICT)
    )
    def reconnect() -> BoardView:
        """Reset the board and find it anew, such as after an emergency stop; not while a job runs."""
        daemon.reconnect()
        return daemon.keeper.board.view

    return router


def health_routes(daemon: Daemon, metrics: Metrics) -> APIRouter:
    """For whoever watches over many computers."""
    router = APIRouter(tags=["health"])

    @router.get("/health", responses={HTTPStatus.SERVICE_UNAVAILABLE: {"model": Health}})
    async def health(response: Response) -> Health:
        """Whether the daemon is well; 503 where a worker is stuck."""
        # Who has it restarted where it does not answer must not meet a queue.
        stalled = daemon.watchdog.stalled()
        if stalled:
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        ages_s = {name: round(daemon.watchdog.silent_s(name) or 0.0, 3) for name in WORKERS_S}
        return Health(status="stalled" if stalled else "ok", alive_s_ago=ages_s)

    @router.get("/metrics", response_class=Response, responses={200: {"content": {MEDIA_TYPE: {}}}})
    def prometheus() -> Response:
        """Figures for Prometheus."""
        return Response(metrics.text(), media_type=MEDIA_TYPE)

    return router


async def _stopped(daemon: Daemon, *, emergency: bool) -> Stopped:
    """Stop on a thread of its own: those that other requests share may all be busy when it matters."""
    stop = partial(daemon.stop_and_wait, emergency=emergency)
    job = await to_thread.run_sync(stop, limiter=CapacityLimiter(1))
    return Stopped(job=None if job is None else job.view())


def _state(daemon: Daemon) -> State:
    config, left, model = daemon.config, daemon.left_over, daemon.recogniser.model
    event_id = daemon.events.last_id
    running, jobs = daemon.running, daemon.jobs
    over = next((job for job in jobs if job.state.is_over), None)
    return State(
        rig=RigView(
            name=daemon.name,
            source="simulated" if config.sim.enabled else "camera",
            version=_VERSION,
            pid=os.getpid(),
            folder=str(daemon.folder),
            started_at=daemon.started_at.isoformat(timespec="milliseconds"),
            boot=daemon.events.boot,
        ),
        board=daemon.keeper.board.view,
        position=Position(is_known=not daemon.rig.is_lost, angle_deg=daemon.rig.angle_deg),
        job=None if running is None else running.view(),
        last_job=None if over is None else over.view(),
        interrupted=None
        if left is None
        else LeftOver(what=left.what, started_at=left.started_at, kind=left.request.kind),
        model=None if model is None else ModelView(name=model[0], labels_count=model[1]),
        live=LiveView(viewers=daemon.live.viewers, encoded=daemon.live.encoded),
        event_id=event_id,
    )
