"""Refusals as problem documents (RFC 9457)."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


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
        return problem(self.status, self.status.phrase, self.detail, self.hint, headers=self.headers)


def problem(
    status: int, title: str, detail: str, hint: str = "", *, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer that says what went wrong."""
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail, "hint": hint}
    # In ASCII: what somebody sent, and is spoken of, may be half a character.
    return Response(json.dumps(document), status, dict(headers or {}), media_type=MEDIA_TYPE)


def handle_refusals(app: FastAPI) -> None:
    """Have an app answer with problem documents what it or FastAPI refuses."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(HTTPException, _not_served)
    app.add_exception_handler(RequestValidationError, _not_valid)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.response()


def _not_served(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    return problem(error.status_code, title, str(error.detail), headers=error.headers)


def _not_valid(request: Request, error: Exception) -> Response:
    """What was sent is not repeated: it may be a secret, or text that cannot be encoded."""
    assert isinstance(error, RequestValidationError)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    said = [f"{'.'.join(str(step) for step in each['loc'])}: {each['msg']}" for each in error.errors()]
    return problem(status, status.phrase, "; ".join(said), "see /openapi.json for what is expected")
