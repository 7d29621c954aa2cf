"""The live picture."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from rig.daemon.daemon import Daemon
from rig.daemon.live import Shot
from rig.daemon.problems import may_fail
from rig.errors import FrameTimeout

_BOUNDARY = "picture"
_STREAM = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
_STILL_TIMEOUT_S = 10.0


def routes(daemon: Daemon) -> APIRouter:
    """The live picture, as a stream and as a still."""
    router = APIRouter(tags=["live"])

    @router.get("/live.mjpg", response_class=StreamingResponse, responses={200: {"content": {_STREAM: {}}}})
    async def stream() -> StreamingResponse:
        """A picture after the other, each with the time at which it was exposed (seconds since 1970)."""
        return StreamingResponse(_parts(daemon), media_type=_STREAM, headers={"X-Accel-Buffering": "no"})

    @router.get(
        "/live.jpg",
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}}}, **may_fail(HTTPStatus.SERVICE_UNAVAILABLE)},
    )
    async def still() -> Response:
        """One picture that is exposed from now on."""
        async with daemon.live.watching() as shots:
            try:
                shot = await asyncio.wait_for(anext(shots), _STILL_TIMEOUT_S)
            except (TimeoutError, StopAsyncIteration):
                raise FrameTimeout(
                    f"no picture came within {_STILL_TIMEOUT_S:g} s", hint="see whether the rig is offline"
                ) from None
        return Response(shot.jpeg, media_type="image/jpeg", headers=_exposed(shot))

    return router


def _exposed(shot: Shot) -> dict[str, str]:
    return {"X-Exposed-At": f"{shot.exposed_at:.3f}"}


async def _parts(daemon: Daemon) -> AsyncIterator[bytes]:
    async with daemon.live.watching() as shots:
        async for shot in shots:
            headers = {"Content-Type": "image/jpeg", "Content-Length": str(len(shot.jpeg))} | _exposed(shot)
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            yield f"--{_BOUNDARY}\r\n{lines}\r\n".encode() + shot.jpeg + b"\r\n"
