"""One direction of a serial cable: bytes that arrive in order, some of them late."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Parcel:
    """Bytes on their way.

    Attributes:
        due_s: when they arrive, on the world's clock.
        on_arrival: called just before.
    """

    due_s: float
    data: bytes
    on_arrival: Callable[[], None] | None = None


class Wire:
    """A serial line never reorders: what is held back holds back all that comes after it."""

    def __init__(self) -> None:
        self._partial = b""
        self._under_way: deque[Parcel] = deque()

    def whole_lines(self, data: bytes) -> list[bytes]:
        """The lines, newlines included, that end in `data`; what is left over waits for its end."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        return [line + b"\n" for line in lines]

    def forget_partial(self) -> None:
        """The beginning of a line whose end has not come yet is lost."""
        self._partial = b""

    def put(self, data: bytes, due_s: float, on_arrival: Callable[[], None] | None = None) -> None:
        """Send bytes, to arrive at `due_s` or as soon as all before them have."""
        latest_s = self._under_way[-1].due_s if self._under_way else -math.inf
        self._under_way.append(Parcel(max(due_s, latest_s), data, on_arrival))

    def due_s(self) -> float:
        """When the next bytes arrive; infinite when none are under way."""
        return self._under_way[0].due_s if self._under_way else math.inf

    def next_arrived(self, now_s: float) -> bytes | None:
        """The next bytes that have arrived by now."""
        if self.due_s() > now_s:
            return None
        parcel = self._under_way.popleft()
        if parcel.on_arrival is not None:
            parcel.on_arrival()
        return parcel.data
