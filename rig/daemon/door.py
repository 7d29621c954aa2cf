"""Who is let in: by the file permissions of the Unix socket, from this computer, or with a token.

    over the Unix socket               whoever may open that file
    over loopback, as `localhost`      whoever uses this computer
    anything else                      who shows a token, or a session that began with one

A reverse proxy on this computer comes over loopback too, with requests from anywhere: what it passes on needs
a token, which shows by the name that was asked for (`Host`) or by the headers that proxies add.
"""

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.types import Scope

from rig.daemon import caller
from rig.daemon.attempts import Attempts
from rig.daemon.refusal import Refusal
from rig.daemon.sessions import Sessions
from rig.daemon.tokens import Token, TokenStore
from rig.errors import ConfigError

API = "/api/v1"

# What the page needs before anybody has signed in, and what a supervisor asks.
OPEN_PATHS = frozenset(
    {"/", "/favicon.ico", "/health", f"{API}/health", f"{API}/login", f"{API}/logout", f"{API}/session"}
)
OPEN_FOLDERS = ("/page/",)

_COOKIE = "brickrig"
_log = logging.getLogger(__name__)
_MAKE_ONE = "make one on the rig's computer with: rig serve --new-token NAME"


@dataclass(frozen=True)
class Listener:
    """Where the daemon listens on the network.

    Attributes:
        address: an IP address of this computer, 0.0.0.0 or :: for all of them, or localhost.
        host_names: further names that it answers to, without a port.
    """

    address: str = "127.0.0.1"
    host_names: tuple[str, ...] = ()

    @property
    def is_loopback(self) -> bool:
        """Whether only this computer reaches it, proxies aside."""
        return caller.is_loopback(self.address)


class Door:
    """Knows who may come in. Safe to share between threads.

    Args:
        listener: where the daemon listens.
        tokens: that open it.
        sessions: of those who have shown one.
        attempts: of those who tried to.
    """

    def __init__(
        self, listener: Listener, tokens: TokenStore, sessions: Sessions, attempts: Attempts
    ) -> None:
        self.listener = listener
        self.sessions = sessions
        self._tokens = tokens
        self._attempts = attempts
        self._lock = threading.Lock()

    def needs_token(self, scope: Scope) -> bool:
        """Whether whoever sends this has to show a token, whatever it is about.

        Raises:
            Refusal: nobody can say for whom it is.
        """
        if not self.is_to_be_checked(scope):
            return False
        is_near = self.listener.is_loopback and caller.is_loopback(caller.host_of(scope).name)
        return not is_near or caller.is_forwarded(scope)

    def is_to_be_checked(self, scope: Scope) -> bool:
        """Whether this came some other way than by the file permissions of the Unix socket."""
        return caller.is_forwarded(scope) or not caller.is_over_unix_socket(scope)

    def admit(self, scope: Scope) -> Callable[[], bool]:
        """Let a request in.

        Returns:
            Says whether it would still be let in; for answers that take long.

        Raises:
            Refusal: it has to show a token and does not or shows a wrong one (401), or there were too many
                wrong ones (429), or none can be read (503).
        """
        if not self.needs_token(scope) or is_open(scope["path"]):
            return lambda: True
        shown = _bearer(scope)
        if shown is not None:
            digest = self.present(shown, scope).sha256
            return lambda: self._is_valid(digest)
        if not self.is_signed_in(scope):
            raise Refusal(
                HTTPStatus.UNAUTHORIZED,
                "this address needs a token",
                hint=f"sign in on the page, or send it as Authorization: Bearer TOKEN; {_MAKE_ONE}",
                headers={"WWW-Authenticate": 'Bearer realm="brickrig"'},
            )
        return lambda: self.is_signed_in(scope)

    def present(self, text: str, scope: Scope) -> Token:
        """Look at a token that somebody shows.

        Raises:
            Refusal: it is wrong (401), there were too many wrong ones (429), or none can be read (503).
        """
        address = caller.address_of(scope)
        # One at a time: as many at once would all be looked at before the first is counted.
        with self._lock:
            wait_s = self._attempts.wait_s(address)
            if wait_s > 0:
                raise Refusal(
                    HTTPStatus.TOO_MANY_REQUESTS,
                    "too many wrong tokens were tried",
                    hint=f"wait {math.ceil(wait_s)} seconds, then try again",
                    headers={"Retry-After": str(math.ceil(wait_s))},
                )
            try:
                token = self._tokens.find(text)
            except ConfigError as error:
                raise _unreadable(error) from error
            if token is None:
                self._attempts.failed(address)
                _log.warning("a wrong token was tried from %s", address)
                raise Refusal(
                    HTTPStatus.UNAUTHORIZED,
                    "there is no such token",
                    hint=f"see that nothing of it is missing, or {_MAKE_ONE}",
                    headers={"WWW-Authenticate": 'Bearer realm="brickrig", error="invalid_token"'},
                )
            self._attempts.succeeded(address)
            return token

    def is_signed_in(self, scope: Scope) -> bool:
        """Whether a session's cookie comes along; asking for it is using it.

        Raises:
            Refusal: the tokens cannot be read (503).
        """
        session_id = caller.cookie(scope, cookie_name(scope))
        token_sha256 = self.sessions.use(session_id) if session_id else None
        if session_id is None or token_sha256 is None:
            return False
        if not self._is_valid(token_sha256):
            self.sessions.end(session_id)
            return False
        return True

    def _is_valid(self, token_sha256: str) -> bool:
        try:
            return self._tokens.is_valid(token_sha256)
        except ConfigError as error:
            raise _unreadable(error) from error


def is_open(path: str) -> bool:
    """Whether anybody may ask for a path."""
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


def cookie_name(scope: Scope) -> str:
    """Of the session's cookie: browsers share cookies among the ports of a computer, and a rig may have two.

    Over TLS, browsers take `__Host-` from nobody but the very host that it is for.
    """
    host = caller.host_of(scope)
    return f"{'__Host-' if host.scheme == 'https' else ''}{_COOKIE}_{host.port}"


def who_may_come(listener: Listener, tokens: TokenStore) -> str:
    """What to say of it when the daemon starts: one sentence.

    Raises:
        ConfigError: tokens are needed and there is none, or they cannot be read.
    """
    if listener.is_loopback:
        return f"Only this computer reaches {listener.address}; no token is needed."
    if not tokens.all():
        raise ConfigError(
            f"address {listener.address} in [daemon] is open to other computers, and there is no token",
            hint="make one with: rig serve --new-token NAME; or set address to 127.0.0.1",
        )
    return f"Other computers reach {listener.address}: everybody needs a token there."


def _bearer(scope: Scope) -> str | None:
    scheme, _, text = (caller.header(scope, "authorization") or "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None


def _unreadable(error: ConfigError) -> Refusal:
    return Refusal(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "the daemon cannot read its tokens, so nobody can be let in by one",
        hint="on the rig's computer, see: rig serve --tokens",
    )
