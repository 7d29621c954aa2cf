"""Bodies of requests that are no JSON: of which type and how large they may be."""

from collections.abc import Awaitable, Callable, Collection
from http import HTTPStatus

from fastapi import Request
from starlette.exceptions import HTTPException

_MIB = 2**20


def body_of(media_types: Collection[str], *, most_bytes: int) -> Callable[[Request], Awaitable[bytes]]:
    """A dependency that gives the body of a request.

    It answers 415 where the body is of another type, and 413 as soon as it turns out larger.
    """

    async def read(request: Request) -> bytes:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in media_types:
            raise HTTPException(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"this takes {', '.join(media_types)}, not {media_type!r}"
            )
        content = bytearray()
        async for piece in request.stream():
            content += piece
            if len(content) > most_bytes:
                raise HTTPException(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"this takes at most {most_bytes // _MIB} MiB"
                )
        return bytes(content)

    return read


def described(media_types: Collection[str]) -> dict[str, object]:
    """The same for the OpenAPI schema."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {"requestBody": {"required": True, "content": dict.fromkeys(media_types, binary)}}
