"""Jobs: start one, look at it, pause, resume, cancel and stop it, and answer what it asks."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from rig.daemon.caller import is_over_unix_socket
from rig.daemon.daemon import Daemon
from rig.daemon.from_afar import require_no_path
from rig.daemon.job import JobView
from rig.daemon.problems import may_fail
from rig.jobs.requests import JobRequest

JobId = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]
_REFUSED = may_fail(HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)


class Answer(BaseModel):
    """What somebody says to a question of a job; empty where the sentence was only to be done."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question_id: str = Field(pattern=r"^[0-9a-f]{8}$")
    answer: str = Field(default="", max_length=100)


def routes(daemon: Daemon) -> APIRouter:
    """All about jobs."""
    router = APIRouter(tags=["jobs"])

    @router.post(
        "/jobs",
        status_code=HTTPStatus.CREATED,
        responses=may_fail(HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT),
    )
    def start(request: JobRequest, asked: Request) -> JobView:
        """Start a job; one at a time."""
        if not is_over_unix_socket(asked.scope):
            require_no_path(request)
        return daemon.begin(request).view()

    @router.get("/jobs")
    def jobs() -> list[JobView]:
        """The jobs since the daemon was started, the newest first."""
        return [job.view() for job in daemon.jobs]

    @router.get("/jobs/{job_id}", responses=may_fail(HTTPStatus.NOT_FOUND))
    def job(job_id: JobId) -> JobView:
        """One of them."""
        return daemon.job(job_id).view()

    # These only leave word, and wait for nothing: in a queue for a thread a stop would come too late.

    @router.post("/jobs/{job_id}/pause", status_code=HTTPStatus.ACCEPTED, responses=_REFUSED)
    async def pause(job_id: JobId) -> JobView:
        """Have it stand still: motors hold, the lamp stays on, valves are closed."""
        job = daemon.job(job_id)
        job.pause()
        return job.view()

    @router.post("/jobs/{job_id}/resume", status_code=HTTPStatus.ACCEPTED, responses=_REFUSED)
    async def resume(job_id: JobId) -> JobView:
        """Have it go on after a pause."""
        job = daemon.job(job_id)
        job.go_on()
        return job.view()

    @router.post("/jobs/{job_id}/cancel", status_code=HTTPStatus.ACCEPTED, responses=_REFUSED)
    async def cancel(job_id: JobId) -> JobView:
        """End it once the move under way has ended; the rig is put at rest."""
        job = daemon.job(job_id)
        daemon.keeper.cancel(job)
        return job.view()

    @router.post("/jobs/{job_id}/stop", status_code=HTTPStatus.ACCEPTED, responses=_REFUSED)
    async def stop(job_id: JobId) -> JobView:
        """Stop all motion at once; then the rig is put at rest."""
        job = daemon.job(job_id)
        if not job.state.is_over:
            daemon.keeper.stop(job)
        return job.view()

    @router.post(
        "/jobs/{job_id}/answer",
        status_code=HTTPStatus.ACCEPTED,
        responses=_REFUSED,
    )
    async def answer(job_id: JobId, said: Answer) -> JobView:
        """Answer what it asks; the first answer counts."""
        job = daemon.job(job_id)
        job.answer(said.question_id, said.answer)
        return job.view()

    @router.post(
        "/interrupted/resume",
        status_code=HTTPStatus.CREATED,
        responses=may_fail(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
    )
    def go_on() -> JobView:
        """Go on with the job that was under way when the power went."""
        return daemon.go_on().view()

    @router.delete("/interrupted", status_code=HTTPStatus.NO_CONTENT)
    def dismiss() -> None:
        """Forget it."""
        daemon.dismiss()

    return router
