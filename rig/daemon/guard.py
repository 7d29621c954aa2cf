"""What every request passes before anything else looks at it.

In this order: is it our address, did our page ask, may the sender come in, is the body bounded.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rig.daemon import caller
from rig.daemon.bodies import LIMITS, bounded
from rig.daemon.caller import Origin
from rig.daemon.door import Door
from rig.daemon.headers import SecurityHeaders
from rig.daemon.refusal import SEE_SCHEMA, Refusal

_SAFE = ("GET", "HEAD", "OPTIONS")
_log = logging.getLogger(__name__)


class _Ended(BaseException):
    """An answer is cut off: its receiver may not see it, or has not asked for it. No error to be logged."""


def guarded(app: ASGIApp, door: Door, *, limits: Mapping[str, int] = LIMITS) -> ASGIApp:
    """What to serve in place of an app: nothing reaches it unguarded, no answer leaves without headers.

    Args:
        app: the daemon's; it has to answer a `Refusal` as `refusal.handle_refusals` has it.
        door: knows who may come in.
        limits: of bodies, in bytes, by path.
    """
    return SecurityHeaders(Guard(app, door, limits=limits))


class Guard:
    """ASGI middleware: refuses what may not come in with a problem document, and passes on the rest.

    Args:
        app: what it guards.
        door: knows who may come in.
        limits: of bodies, in bytes, by path.
    """

    def __init__(self, app: ASGIApp, door: Door, *, limits: Mapping[str, int] = LIMITS) -> None:
        self._app = app
        self._door = door
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:  # websockets, of which the daemon has none
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def note_and_send(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._until_answered(scope, receive, note_and_send)
        except asyncio.CancelledError:
            # The server has waited long enough, and ends. That is no error to be logged with a traceback.
            if not has_begun:
                refusal = Refusal(
                    HTTPStatus.SERVICE_UNAVAILABLE, "the daemon ends", hint="ask again once it is back"
                )
                await refusal.response()(scope, receive, send)

    async def _until_answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            _check_path(scope["path"])
            if self._door.is_to_be_checked(scope):
                self._check_sender(scope)
            may_stay = self._door.admit(scope)
            received = await bounded(scope, receive, self._limits)
        except Refusal as refusal:
            _log.debug("refused %s %r: %s", scope["method"], scope["path"], refusal.detail)
            await refusal.response()(scope, receive, send)
            return
        await self._answer(scope, received, send, may_stay)

    def _check_sender(self, scope: Scope) -> None:
        host = caller.host_of(scope)
        _check_host(host, scope, self._door)
        _check_origin(host, scope)
        _check_site(scope)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, may_stay: Callable[[], bool]) -> None:
        """Have the app answer while the sender may see it: a live picture could outlast its token."""
        has_begun = False
        # As GET, without what it would answer: that may have no end.
        is_head = scope["method"] == "HEAD"

        async def send_while_allowed(message: Message) -> None:
            nonlocal has_begun
            if has_begun and is_head:
                raise _Ended
            # What is one piece was allowed a moment ago.
            if has_begun and message.get("more_body", False) and not _is_true(may_stay):
                _log.info("ended %s %r: its token or session is not valid", scope["method"], scope["path"])
                raise _Ended
            has_begun = has_begun or message["type"] == "http.response.start"
            await send(message)

        try:
            asked = {**scope, "method": "GET"} if is_head else scope
            await self._app(asked, receive, send_while_allowed)
        except* _Ended:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _check_path(path: str) -> None:
    """Refuse what another reader could take for another path.

    Raises:
        Refusal: there are dots that lead elsewhere, backslashes or control characters in it.
    """
    odd = any(character < " " or character in "\\\x7f" for character in path)
    if odd or not path.startswith("/") or any(part in (".", "..") for part in path.split("/")):
        raise Refusal(HTTPStatus.NOT_FOUND, "there is nothing at this address", hint=SEE_SCHEMA)


def _check_host(host: Origin, scope: Scope, door: Door) -> None:
    """Against DNS rebinding: a name of somebody else's that leads here is refused.

    Raises:
        Refusal: it is none of the daemon's names and addresses.
    """
    server_address, server_port = scope["server"]
    # The address that this connection came in at; of a browser it cannot be told to be another's.
    own = {"localhost", "127.0.0.1", "::1", caller.plain_name(server_address)}
    own.add(caller.plain_name(door.listener.address))
    if host.name in own and host.port == server_port:
        return
    # Behind a proxy the port is the proxy's.
    if host.name in {caller.plain_name(name) for name in door.listener.host_names}:
        return
    raise Refusal(
        HTTPStatus.MISDIRECTED_REQUEST,
        f"the daemon does not answer to {host.name}, port {host.port}",
        hint=f'if that is its name, add it to host_names in [daemon]: host_names = ["{host.name}"]',
    )


def _check_origin(host: Origin, scope: Scope) -> None:
    """Against requests that another site's page makes in a visitor's browser.

    Raises:
        Refusal: the page that made it is not the daemon's, or a browser does not say which page did.
    """
    text = caller.header(scope, "origin")
    if text is None:
        if scope["method"] not in _SAFE and any(name == b"cookie" for name, _ in scope["headers"]):
            raise Refusal(
                HTTPStatus.FORBIDDEN,
                "a change that comes with a cookie has to say which page it is from",
                hint="send no cookie but a token, as Authorization: Bearer TOKEN; or Origin, as browsers do",
            )
    elif caller.parse_origin(text) != host:
        raise Refusal(
            HTTPStatus.FORBIDDEN,
            "a page of another address asked for this",
            hint="a reverse proxy has to pass on Host and set X-Forwarded-Proto: see docs/security.md",
        )


def _check_site(scope: Scope) -> None:
    """The same by what newer browsers say on their own; a link to the page itself may stand anywhere.

    Raises:
        Refusal: another site's page made it.
    """
    site = caller.header(scope, "sec-fetch-site")
    if site in (None, "same-origin", "none"):
        return
    follows_link = (
        scope["method"] == "GET"
        and scope["path"] == "/"
        and caller.header(scope, "sec-fetch-mode") == "navigate"
        and caller.header(scope, "sec-fetch-dest") == "document"
    )
    if not follows_link:
        hint = "open the rig's own page, and do it there"
        raise Refusal(HTTPStatus.FORBIDDEN, "a page of another site asked for this", hint=hint)


def _is_true(may_stay: Callable[[], bool]) -> bool:
    try:
        return may_stay()
    except Refusal:  # the tokens have become unreadable
        return False
