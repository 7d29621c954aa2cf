"""What the daemon tells, in order and numbered: whoever was away for a moment can go on from there."""

import asyncio
import json
import secrets
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

# A follower that is further behind than this is told to look at everything anew: so many events, and so many
# characters of them, since an event that begins a list is as long as the list.
_KEPT = 8192
_KEPT_CHARACTERS = 8 << 20
_HEARTBEAT_S = 10.0


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was told.

    Attributes:
        id: as in `Last-Event-ID`; empty for what is of no use later.
        name: of the kind of event.
        data: JSON, encoded once for all who listen.
        number: in order, from 1; 0 for what is of no use later.
        start: how many characters were told before it.
    """

    id: str
    name: str
    data: str
    number: int = 0
    start: int = 0

    def as_sse(self) -> bytes:
        """As server-sent events are written."""
        number = f"id: {self.id}\n" if self.id else ""
        return f"event: {self.name}\n{number}data: {self.data}\n\n".encode()


@dataclass(eq=False)
class _Follower:
    loop: asyncio.AbstractEventLoop
    news: asyncio.Event = field(default_factory=asyncio.Event)
    passing: deque[Entry] = field(default_factory=lambda: deque(maxlen=1))

    def wake(self) -> None:
        self.loop.call_soon_threadsafe(self.news.set)


class EventLog:
    """The last few thousand events, and those who follow them. Any thread may tell; coroutines follow."""

    def __init__(self) -> None:
        self.boot = secrets.token_hex(4)
        self._lock = threading.Lock()
        self._kept: deque[Entry] = deque(maxlen=_KEPT)
        self._followers: set[_Follower] = set()
        self._is_closed = False
        self.on_told: list[Callable[[str], None]] = []
        """Each is called with the name of what is told, by the thread that tells it, or a signal handler: it
        must return at once."""

    @property
    def last_id(self) -> str:
        """The id of the latest event; what comes after it is still to be told."""
        with self._lock:
            return self._id(self._told)

    @property
    def followers(self) -> int:
        """How many listen."""
        with self._lock:
            return len(self._followers)

    def tell(self, name: str, content: object) -> None:
        """Tell something that is kept for those who come later."""
        data = json.dumps(content, separators=(",", ":"))
        with self._lock:
            number = self._told + 1
            start = self._kept[-1].start + len(self._kept[-1].data) if self._kept else 0
            # What was told is known by this alone: a signal may end the thread's work before the next line.
            self._kept.append(Entry(self._id(number), name, data, number, start))
            while len(self._kept) > 1 and start + len(data) - self._kept[0].start > _KEPT_CHARACTERS:
                self._kept.popleft()
            self._wake()
        for told in self.on_told:
            told(name)

    def tell_in_passing(self, name: str, content: object) -> None:
        """Tell something that is of no use a moment later: who is slow gets only the latest."""
        with self._lock:
            if not self._followers:
                return
            entry = Entry("", name, json.dumps(content, separators=(",", ":")))
            for follower in self._followers:
                follower.passing.append(entry)
            self._wake()

    async def follow(self, after: str | None) -> AsyncIterator[bytes]:
        """Server-sent events from the one after `after` on, or from now on.

        Where some of them are not kept any more, or `after` is of an earlier daemon, it begins with `reset`.
        """
        follower = _Follower(asyncio.get_running_loop())
        with self._lock:
            self._followers.add(follower)
            position = self._position(after)
            if position is None:
                position = self._told
                reset = Entry(self._id(self._told), "reset", "{}")
            else:
                reset = None
        try:
            # At once, so that a client knows that it is connected.
            yield b": here\n\n" if reset is None else reset.as_sse()
            while True:
                follower.news.clear()
                # Asked before: what was told until then is still handed out.
                is_closed = self._is_closed
                position, entries = self._since(position)
                for entry in [*entries, *self._passed(follower)]:
                    yield entry.as_sse()
                if is_closed:
                    return
                if not entries and not await _within(follower.news, _HEARTBEAT_S):
                    yield b": still here\n\n"
        finally:
            with self._lock:
                self._followers.discard(follower)

    def close(self) -> None:
        """Let everybody go who follows."""
        with self._lock:
            self._is_closed = True
            self._wake()

    @property
    def _told(self) -> int:
        """How many events there were."""
        return self._kept[-1].number if self._kept else 0

    def _wake(self) -> None:
        for follower in self._followers:
            follower.wake()

    def _id(self, number: int) -> str:
        return f"{self.boot}-{number}"

    def _position(self, after: str | None) -> int | None:
        """How many events a follower has heard; None where it missed some."""
        if after is None:
            return self._told
        boot, _, number = after.rpartition("-")
        # No more digits than a number of events can have.
        if boot != self.boot or not number.isascii() or not number.isdigit() or len(number) > 18:
            return None
        heard = int(number)
        return heard if self._told - len(self._kept) <= heard <= self._told else None

    def _since(self, position: int) -> tuple[int, list[Entry]]:
        with self._lock:
            missing = self._told - position
            if missing > len(self._kept):
                return self._told, [Entry(self._id(self._told), "reset", "{}")]
            # From the end, since a follower is rarely far behind.
            entries = [self._kept[-place] for place in range(missing, 0, -1)]
            return self._told, entries

    def _passed(self, follower: _Follower) -> list[Entry]:
        with self._lock:
            passed = list(follower.passing)
            follower.passing.clear()
            return passed


async def _within(news: asyncio.Event, timeout_s: float) -> bool:
    try:
        await asyncio.wait_for(news.wait(), timeout_s)
    except TimeoutError:
        return False
    return True
