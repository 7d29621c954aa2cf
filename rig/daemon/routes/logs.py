"""What the daemon has said lately."""

from typing import Annotated

from fastapi import APIRouter, Query

from rig.daemon.fields import Reply
from rig.daemon.log_ring import LogRecord, LogRing


class LogReply(Reply):
    """Something that was said; the attributes are those of `LogRecord`, but for its place in the code."""

    id: int
    logged_at: float
    level: str
    logger: str
    job: str | None
    message: str
    hint: str
    traceback: str


class LogPageReply(Reply):
    """Some records, the oldest first; the attributes are those of `LogPage`."""

    records: list[LogReply]
    next_after: int
    lost: int


def routes(ring: LogRing) -> APIRouter:
    """Logs."""
    router = APIRouter(tags=["logs"])

    @router.get("/logs")
    def logs(
        after: Annotated[int | None, Query(ge=0, le=2**53)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        job: Annotated[str | None, Query(pattern=r"^[0-9a-f]{12}$")] = None,
    ) -> LogPageReply:
        """The newest records, or those after an id; of all, or of one job."""
        page = ring.latest(limit, job=job) if after is None else ring.page(after=after, limit=limit, job=job)
        return LogPageReply(
            records=[_reply(record) for record in page.records],
            next_after=page.next_after,
            lost=page.lost,
        )

    return router


def _reply(record: LogRecord) -> LogReply:
    return LogReply(
        id=record.id,
        logged_at=record.logged_at,
        level=record.level,
        logger=record.logger,
        job=record.job,
        message=record.message,
        hint=record.hint,
        traceback=record.traceback,
    )
