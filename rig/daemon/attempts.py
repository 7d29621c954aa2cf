"""How often a wrong token may be tried.

Nobody guesses 256 bits. The limit keeps those who try from filling log and processor, and shows that they do.
"""

import ipaddress
import threading
from collections import OrderedDict, deque

from rig.clock import Clock
from rig.daemon.caller import plain_name

WINDOW_S = 60.0
MOST_OF_ONE = 5
MOST_OF_ALL = 60

_MOST_KNOWN = 256


class Attempts:
    """Wrong tokens of the last minute, of each address and of all together. Safe to share between threads.

    An address that a right token came from is asked only for its own attempts: strangers cannot lock it out.

    Args:
        clock: counts the minute.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._all: deque[float] = deque()
        self._of: dict[str, deque[float]] = {}
        self._known: OrderedDict[str, None] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """How long this address has to wait before its next token is looked at; 0 when it need not.

        Args:
            address: an IP address; those of one IPv6 network of 64 bits, which are one subscriber's, are one.
        """
        key = _key(address)
        with self._lock:
            now_s = self._clock.monotonic()
            self._forget(now_s - WINDOW_S)
            waits = [_wait_s(self._of.get(key, deque()), MOST_OF_ONE, now_s)]
            if key not in self._known:
                waits.append(_wait_s(self._all, MOST_OF_ALL, now_s))
            return max(waits)

    def failed(self, address: str) -> None:
        """Count a wrong token."""
        with self._lock:
            now_s = self._clock.monotonic()
            self._all.append(now_s)
            self._of.setdefault(_key(address), deque()).append(now_s)

    def succeeded(self, address: str) -> None:
        """Take an address for a known one; its earlier mistakes are forgiven."""
        key = _key(address)
        with self._lock:
            self._of.pop(key, None)
            self._known[key] = None
            self._known.move_to_end(key)
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)

    def _forget(self, limit_s: float) -> None:
        while self._all and self._all[0] <= limit_s:
            self._all.popleft()
        for key, times in list(self._of.items()):
            while times and times[0] <= limit_s:
                times.popleft()
            if not times:
                del self._of[key]


def _wait_s(times: deque[float], most: int, now_s: float) -> float:
    """Until so many attempts are a minute old that one less than `most` is left."""
    if len(times) < most:
        return 0.0
    return times[len(times) - most] + WINDOW_S - now_s


def _key(address: str) -> str:
    try:
        ip = ipaddress.ip_address(plain_name(address))
    except ValueError:
        return address
    return str(ip) if ip.version == 4 else str(ipaddress.ip_network((int(ip), 64), strict=False))
