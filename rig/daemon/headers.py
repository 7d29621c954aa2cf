"""Headers that have browsers keep to themselves what the daemon shows them."""

import re

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self';"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

# A training report may come from a stranger, with his model: it has its style, and pictures beside it, and no
# script runs in it. Without `allow-same-origin` it would be of no site, and get no pictures from here.
_REPORT = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-same-origin"
)

_PAGES = re.compile(r"/|/page/.*", re.DOTALL)
_POLICIES = (
    (_PAGES, _PAGE),
    (re.compile(r"/api/v1/models/[^/]+/report/.*"), _REPORT),
    (re.compile(r".*", re.DOTALL), _NOTHING),
)

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: with that, browsers send `Origin: null` along with a form of our own page.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), display-capture=(), geolocation=(), hid=(), microphone=(), midi=(),"
        " payment=(), serial=(), usb=()"
    ),
}


class SecurityHeaders:
    """ASGI middleware: adds them to every answer, refusals and errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message["headers"]))
                headers.update({**_ALWAYS, "Content-Security-Policy": policy_of(scope["path"])})
                # Answers change from one moment to the next, and the page with every new version; who serves
                # what never changes, such as a picture, says so itself.
                headers.setdefault(
                    "Cache-Control", "no-cache" if _PAGES.fullmatch(scope["path"]) else "no-store"
                )
                message = {**message, "headers": headers.raw}
            await send(message)

        await self._app(scope, receive, send_with_headers)


def policy_of(path: str) -> str:
    """The content security policy of what is at a path: what its pages may load, and nothing else."""
    return next(policy for pattern, policy in _POLICIES if pattern.fullmatch(path))
