"""Keeps secrets out of what is logged: those that the daemon knows, and what looks like one."""

import re
import threading

HIDDEN = "***"
# A shorter one would be found in ordinary words.
_LEAST_LENGTH = 4

_QUOTED = r"""["']?"""
# Headers that carry nothing but secrets, as a line, as a dict or as pairs of bytes; to the end of the value.
_HEADER = re.compile(
    r"(?P<name>\b(?:proxy-)?authorization|\b(?:set-)?cookie)"
    rf"(?P<between>(?:{_QUOTED}\s*[:=]|[\"']\s*,)\s*b?)"
    r"""(?:"[^"]*"?|'[^']*'?|[^\r\n]+)""",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\bbearer\s+[\w.~+/=-]+", re.IGNORECASE)
# token=..., "password": "...", access_token: ...; a file or a count of them is none.
_NAMED = re.compile(
    r"(?P<name>(?:token|password|passwd|passphrase|secret|api_?key))"
    rf"(?P<between>{_QUOTED}\s*[:=]\s*b?)"
    r"""(?:"[^"]*"?|'[^']*'?|[^\s&;,)\]}]+)""",
    re.IGNORECASE,
)
_IN_ADDRESS = re.compile(r"(?<=://)[^/\s@]+@")


class Secrets:
    """What must never be read in a log. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: tuple[str, ...] = ()

    def keep(self, secret: str) -> None:
        """Hide this wherever it would be logged from now on, whatever stands around it."""
        if len(secret) < _LEAST_LENGTH:
            return
        with self._lock:
            # The longest first: one may be part of another.
            self._known = tuple(sorted({*self._known, secret}, key=len, reverse=True))

    def hidden_in(self, text: str) -> str:
        """The text with stars in place of every secret."""
        for secret in self._known:
            text = text.replace(secret, HIDDEN)
        text = _HEADER.sub(rf"\g<name>\g<between>{HIDDEN}", text)
        text = _BEARER.sub(f"Bearer {HIDDEN}", text)
        text = _NAMED.sub(rf"\g<name>\g<between>{HIDDEN}", text)
        return _IN_ADDRESS.sub(f"{HIDDEN}@", text)
