"""Bodies of requests, read whole and bounded before anything else sees them."""

import asyncio
import re
from collections.abc import Mapping
from http import HTTPStatus

from starlette.types import Message, Receive, Scope

from rig.daemon import caller
from rig.daemon.refusal import Refusal
from rig.inventory.lots import Format

LIMIT = 64 * 1024
LIMITS: Mapping[str, int] = {
    "/api/v1/classify": 16 * 1024 * 1024,
    "/api/v1/inventory/progress": 4 * 1024 * 1024,
    **{
        f"/api/v1/inventory/export/{format_}{end}": 4 * 1024 * 1024
        for format_ in Format
        for end in ("", "/preview")
    },
}
"""In bytes, by path; elsewhere it is `LIMIT`."""

_PATIENCE_S = 60.0
_LENGTH = re.compile(r"[0-9]{1,20}")


async def bounded(
    scope: Scope, receive: Receive, limits: Mapping[str, int], *, patience_s: float = _PATIENCE_S
) -> Receive:
    """Read a request's body.

    Args:
        limits: in bytes, by path.
        patience_s: how long it may take.

    Returns:
        Gives the body in one piece, and after that what `receive` gives.

    Raises:
        Refusal: it is too large (413), however its size was told, or takes too long (408).
    """
    length = caller.header(scope, "content-length")
    if length is None and caller.header(scope, "transfer-encoding") is None:
        return receive
    limit = limits.get(scope["path"], LIMIT)
    if length is not None and not _LENGTH.fullmatch(length):
        raise Refusal(
            HTTPStatus.BAD_REQUEST, "the request's Content-Length is no number", hint="count the body's bytes"
        )
    if length is not None and int(length) > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(patience_s):
            first = await _whole(receive, limit)
    except TimeoutError:
        raise Refusal(
            HTTPStatus.REQUEST_TIMEOUT,
            f"the request's body was not complete after {patience_s:g} seconds",
            hint="send it at once, or less of it",
            headers={"Connection": "close"},
        ) from None
    waiting = [first]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


async def _whole(receive: Receive, limit: int) -> Message:
    """One message that holds the body, or the one that says that its sender has gone."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        body += message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return {"type": "http.request", "body": bytes(body), "more_body": False}


def _too_large(limit: int) -> Refusal:
    size = f"{limit // 1024} KiB" if limit < 1024 * 1024 else f"{limit // (1024 * 1024)} MiB"
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the request's body is larger than {size}", hint="send less"
    )
