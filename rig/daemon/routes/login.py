"""Signing in and out of the page."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rig.daemon import caller
from rig.daemon.door import API, Door, cookie_name
from rig.daemon.problems import may_fail


class Login(BaseModel):
    """What signs somebody in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] = Field(
        description="as `rig serve --new-token` showed it"
    )


class SessionState(BaseModel):
    """Whether a token has to be shown where this request came from, and whether one was."""

    model_config = ConfigDict(frozen=True)

    needs_token: bool
    signed_in: bool


def routes(door: Door) -> APIRouter:
    """Signing in with a token, signing out, and whether either is of use.

    Args:
        door: knows tokens and sessions; the same that guards the app.
    """
    router = APIRouter(prefix=API, tags=["login"])

    @router.post("/login", summary="Sign in with a token", responses=may_fail(400, 401, 429, 503))
    def login(body: Login, request: Request, response: Response) -> SessionState:
        token = door.present(body.token, request.scope)
        _end_session(request)
        _set_cookie(request, response, door.sessions.begin(token.sha256))
        return SessionState(needs_token=door.needs_token(request.scope), signed_in=True)

    @router.post("/logout", status_code=HTTPStatus.NO_CONTENT, summary="Sign out")
    def logout(request: Request, response: Response) -> None:
        _end_session(request)
        _set_cookie(request, response, None)

    @router.get("/session", summary="Whether a token is needed, and somebody is signed in")
    def session(request: Request) -> SessionState:
        needs_token = door.needs_token(request.scope)
        return SessionState(
            needs_token=needs_token, signed_in=not needs_token or door.is_signed_in(request.scope)
        )

    def _end_session(request: Request) -> None:
        session_id = caller.cookie(request.scope, cookie_name(request.scope))
        if session_id:
            door.sessions.end(session_id)

    return router


def _set_cookie(request: Request, response: Response, session_id: str | None) -> None:
    """Give the browser a session's id, or have it forget the one it has.

    Scripts cannot read it, other sites' pages cannot make browsers send it, and it ends with the browser.
    """
    response.set_cookie(
        cookie_name(request.scope),
        session_id or "",
        max_age=None if session_id else 0,
        path="/",
        secure=caller.scheme_of(request.scope) == "https",
        httponly=True,
        samesite="strict",
    )
