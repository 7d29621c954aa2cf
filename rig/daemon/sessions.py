"""Sessions of the page: who has shown a token need not show it again.

They are in memory only: a daemon that starts anew asks for the token again.
"""

import secrets
import threading
from dataclasses import dataclass

from rig.clock import Clock
from rig.daemon.tokens import digest_of

DISUSED_S = 12 * 3600.0

_BYTES = 32
_MOST = 1000


@dataclass
class _Session:
    token_sha256: str
    used_s: float


class Sessions:
    """Who is signed in. Safe to share between threads.

    Only digests of the ids are kept, so that no memory dump or traceback holds one.

    Args:
        clock: counts the time without use.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[str, _Session] = {}  # the one used last stands last

    def begin(self, token_sha256: str) -> str:
        """Sign somebody in who has shown this token.

        Returns:
            The session's id: 256 random bits as text.
        """
        session_id = secrets.token_urlsafe(_BYTES)
        with self._lock:
            self._forget_disused()
            while len(self._sessions) >= _MOST:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[digest_of(session_id)] = _Session(token_sha256, self._clock.monotonic())
        return session_id

    def use(self, session_id: str) -> str | None:
        """The digest of the token that a session began with; None where there is no such session."""
        key = digest_of(session_id)
        with self._lock:
            self._forget_disused()
            session = self._sessions.pop(key, None)
            if session is None:
                return None
            session.used_s = self._clock.monotonic()
            self._sessions[key] = session
            return session.token_sha256

    def end(self, session_id: str) -> None:
        """Sign out; nothing happens where there is no such session."""
        with self._lock:
            self._sessions.pop(digest_of(session_id), None)

    def __len__(self) -> int:
        with self._lock:
            self._forget_disused()
            return len(self._sessions)

    def _forget_disused(self) -> None:
        limit_s = self._clock.monotonic() - DISUSED_S
        while self._sessions:
            oldest = next(iter(self._sessions))
            if self._sessions[oldest].used_s > limit_s:
                return
            del self._sessions[oldest]
