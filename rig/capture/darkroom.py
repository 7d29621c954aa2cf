"""Where exposures become pictures on disk, one after the other, while the table already turns on."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

_Shot = TypeVar("_Shot")
_Print = TypeVar("_Print")


class Darkroom(Generic[_Shot, _Print]):
    """A worker and a bounded queue before it, from `with` to its end.

    What has been brought in is finished, also when the block ends by an exception: it was exposed, so it is
    kept.

    Args:
        work: makes a print of a shot; its exceptions are raised where the print is asked for.
        room: so many shots may wait; who brings one more waits with it.
    """

    def __init__(self, work: Callable[[_Shot], _Print], *, room: int) -> None:
        self._work = work
        self._room = room
        self._waiting: deque[Future[_Print]] = deque()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="darkroom")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._worker.shutdown()

    @property
    def is_empty(self) -> bool:
        """Whether every print has been taken out."""
        return not self._waiting

    def bring(self, shot: _Shot) -> list[_Print]:
        """Bring a shot in, once there is room for it; the prints that are ready, in order."""
        prints = []
        while len(self._waiting) >= self._room:
            prints.append(self.take())
        self._waiting.append(self._worker.submit(self._work, shot))
        return prints + self.take_ready()

    def take_ready(self) -> list[_Print]:
        """The prints that are ready, in the order in which their shots were brought."""
        prints = []
        while self._waiting and self._waiting[0].done():
            prints.append(self.take())
        return prints

    def take(self) -> _Print:
        """The next print, as soon as it is ready."""
        return self._waiting.popleft().result()
