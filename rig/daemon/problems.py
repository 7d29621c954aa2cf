"""Whatever goes wrong with a request, told as a problem document (RFC 9457)."""

import json
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rig.daemon.refusal import SEE_SCHEMA
from rig.errors import (
    AnsweredAlready,
    BadInput,
    BoardNotReady,
    ConfigError,
    DeviceError,
    MissingPackage,
    NotFound,
    RigBusy,
    RigError,
    StorageError,
    in_plain_words,
)

MEDIA_TYPE = "application/problem+json"

_log = logging.getLogger(__name__)
# The first that an error is one of says its status; any other RigError is a conflict with what is there.
_STATUSES: Sequence[tuple[type[RigError], HTTPStatus]] = (
    (NotFound, HTTPStatus.NOT_FOUND),
    # Each value was sound by itself, or it would have been refused as bad input.
    (ConfigError, HTTPStatus.CONFLICT),
    (AnsweredAlready, HTTPStatus.CONFLICT),
    (BadInput, HTTPStatus.UNPROCESSABLE_ENTITY),
    (RigBusy, HTTPStatus.CONFLICT),
    (BoardNotReady, HTTPStatus.CONFLICT),
    (StorageError, HTTPStatus.INSUFFICIENT_STORAGE),
    (DeviceError, HTTPStatus.SERVICE_UNAVAILABLE),
    (MissingPackage, HTTPStatus.SERVICE_UNAVAILABLE),
)
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Refused(RigError):
    """What is asked for is sound in itself, and contradicts what is there."""


class Misfit(BaseModel):
    """One value of a request that cannot be used: where it stands, and what is wrong with it."""

    model_config = ConfigDict(frozen=True)

    where: str
    what: str


class Problem(BaseModel):
    """A problem document.

    Attributes:
        type: `about:blank` where the status says all; otherwise `/problems/` and the name of the error.
        title: the same for all problems of a type.
        detail: what happened, a sentence.
        hint: what to do next; empty where nothing helps.
        notes: what else there is to know.
        errors: the values of the request that cannot be used, where it is that.
    """

    model_config = ConfigDict(frozen=True)

    type: str = "about:blank"
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    hint: str = ""
    notes: tuple[str, ...] = ()
    errors: tuple[Misfit, ...] = ()


def install(app: FastAPI) -> None:
    """Have every error of an app answered by a problem document, and its OpenAPI schema say so."""
    # Coroutines, all of them: any other function would wait for a thread, and a stop that failed with it.
    app.add_exception_handler(RigError, _rig_error)
    app.add_exception_handler(RequestValidationError, _misfits)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(_Unexpected)
    describe = app.openapi

    def describe_problems() -> dict[str, Any]:
        if app.openapi_schema is None:
            _describe(describe())
        return describe()

    app.openapi = describe_problems  # type: ignore[method-assign]


def may_fail(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How an operation says with which statuses it may answer by a problem."""
    return {status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in statuses}


def problem_of(error: RigError) -> Problem:
    """The document about an error that the rig raises on purpose."""
    kind = type(error)
    return Problem(
        type=f"/problems/{kind.__name__}",
        title=(kind.__doc__ or kind.__name__).partition("\n")[0].removesuffix("."),
        status=status_of(error),
        detail=error.what,
        hint=error.hint,
        notes=tuple(getattr(error, "__notes__", ())),
    )


def status_of(error: RigError) -> HTTPStatus:
    """The HTTP status that an error is answered with."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), HTTPStatus.CONFLICT)


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as a response."""
    # In ASCII: what a request said, and the problem repeats, need not be proper Unicode.
    content = json.dumps(problem.model_dump(mode="json"))
    return Response(content, problem.status, headers, MEDIA_TYPE)


async def _rig_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RigError), "it is registered for these"
    return answer(problem_of(error))


async def _misfits(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError), "it is registered for these"
    errors = tuple(
        Misfit(where=".".join(map(str, misfit["loc"])), what=in_plain_words(misfit["msg"]))
        for misfit in error.errors()
    )
    return answer(
        Problem(
            type="/problems/BadInput",
            title="A value of the request cannot be used",
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            detail="; ".join(f"{misfit.where}: {misfit.what}" for misfit in errors),
            hint=SEE_SCHEMA,
            errors=errors,
        )
    )


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException), "it is registered for these"
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    detail = str(error.detail)
    if status == HTTPStatus.NOT_FOUND and detail == status.phrase:
        detail = f"there is nothing at {request.url.path}"
    if status == HTTPStatus.BAD_REQUEST:
        detail = "the body cannot be read as JSON"  # the framework's only one, and it says less
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = _allowed(request)
        headers["Allow"] = ", ".join(allowed)
        detail = f"{request.url.path} takes {' and '.join(allowed)}, not {request.method}"
    return answer(Problem(title=status.phrase, status=status, detail=detail, hint=SEE_SCHEMA), headers)


def _allowed(request: Request) -> list[str]:
    """The methods that an address takes: of several routes to it each knows of its own only."""
    return [
        method
        for method in _METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.router.routes
        )
    ]


class _Unexpected:
    """Answers what nobody foresaw, and puts it into the log; who asked learns nothing of the inside."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def note_and_send(message: Message) -> None:
            nonlocal has_begun
            has_begun = has_begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, note_and_send)
        except ClientDisconnect:
            return  # nobody is left to be answered
        except Exception:
            if has_begun:
                raise  # it cannot be answered any more; the server logs it and ends the connection
            _log.exception("%s %s failed", scope["method"], scope["path"])
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            problem = Problem(
                title=status.phrase,
                status=status,
                detail="something went wrong inside the rig's program, which nobody foresaw",
                hint="its log says more: please report it",
            )
            await answer(problem)(scope, receive, send)


def _describe(schema: dict[str, Any]) -> None:
    """Have all errors in a schema be problems; the framework says otherwise of those that are its own."""
    shape = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for operations in schema.get("paths", {}).values():
        for operation in operations.values():
            for status, response in operation.get("responses", {}).items():
                if status >= "400":
                    response["content"] = {MEDIA_TYPE: shape}
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for model in (Problem, Misfit):
        described = model.model_json_schema(ref_template="#/components/schemas/{model}")
        described.pop("$defs", None)
        schemas.setdefault(model.__name__, described)
