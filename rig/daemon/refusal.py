"""Refusals: requests that get no further than the door, answered by a problem document (RFC 9457)."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
SEE_SCHEMA = "see what the interface takes: /api/v1/openapi.json"


class Refusal(Exception):
    """A request that gets no further.

    Args:
        status: of HTTP, 400 to 599.
        detail: one sentence that says what is wrong with it.
        hint: what to do, as an imperative; empty where nothing helps.
        headers: to answer with, besides those that every answer has.
    """

    def __init__(
        self, status: HTTPStatus, detail: str, *, hint: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.hint = hint
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The answer."""
        document = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": self.status,
            "detail": self.detail,
            "hint": self.hint,
            "notes": [],
            "errors": [],
        }
        # In ASCII: what a request said, and the problem repeats, need not be proper Unicode.
        return Response(json.dumps(document), self.status, self.headers, MEDIA_TYPE)


def handle_refusals(app: FastAPI) -> None:
    """Have an app answer so where one of its routes refuses."""
    app.add_exception_handler(Refusal, _answer)


async def _answer(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal), "it is registered for these"
    return error.response()
