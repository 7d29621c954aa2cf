"""What happens, as it happens."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from rig.daemon.daemon import Daemon

_MEDIA_TYPE = "text/event-stream"


def routes(daemon: Daemon) -> APIRouter:
    """The stream of events."""
    router = APIRouter(tags=["events"])

    @router.get("/events", response_class=StreamingResponse, responses={200: {"content": {_MEDIA_TYPE: {}}}})
    async def events(
        after: Annotated[str | None, Query(max_length=100)] = None,
        last_event_id: Annotated[str | None, Header(max_length=100)] = None,
    ) -> StreamingResponse:
        """Server-sent events: `job`, `event` (of a job), `state`, `live` and `reset`.

        They go on after the id in `after` or `Last-Event-ID`; after `reset`, look at everything anew.
        """
        stream: AsyncIterator[bytes] = daemon.events.follow(last_event_id or after)
        return StreamingResponse(stream, media_type=_MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})

    return router
