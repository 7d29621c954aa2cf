"""Faults of the wire and the board, struck at an exact line or by seed and probability.

`FaultyBoard` stands between a port and a board. A serial line never reorders: what is held back holds back
all that comes after it.
"""

import math
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random

from rig.clock import Clock
from rig.sim.firmware import Board, Wake
from rig.sim.port import UnpluggedError


class Direction(Enum):
    """Which way a line goes."""

    TO_BOARD = "to board"
    TO_HOST = "to host"


class FaultKind(Enum):
    """What happens to a line, or as it passes."""

    DROP = "drop"
    GARBLE = "garble"
    DUPLICATE = "duplicate"
    DELAY = "delay"
    RESET = "reset"
    UNPLUG = "unplug"


@dataclass(frozen=True)
class Fault:
    """A fault, and the lines that it strikes.

    Attributes:
        matches: regular expression that is searched for in a line, without its newline.
        at: strike only the line that is this one among the matching, from 1; None for any.
        probability: with which a line that may be struck is.
        delay_s: of a DELAY, on the world's clock.
    """

    kind: FaultKind
    direction: Direction
    matches: bytes = b""
    at: int | None = None
    probability: float = 1.0
    delay_s: float = 0.5


@dataclass(frozen=True)
class Strike:
    """A fault that struck, and the line that it struck."""

    fault: Fault
    line: bytes


class FaultyBoard:
    """A board behind a bad cable.

    Args:
        board: what works as it should.
        faults: looked at in this order; the first that strikes a line is the only one.
        clock: the world's.
        seed: of everything that is left to chance.
    """

    def __init__(self, board: Board, faults: Sequence[Fault], *, clock: Clock, seed: int = 0) -> None:
        self._board = board
        self._faults = tuple(faults)
        self._clock = clock
        self._rng = Random(seed)
        self._seen = [0] * len(self._faults)
        self._wires = _wires()
        self.strikes: list[Strike] = []

    def reset(self) -> None:
        self._wires = _wires()
        self._board.reset()

    def receive(self, data: bytes) -> None:
        self._transmit(Direction.TO_BOARD, data)

    def run(self) -> Wake:
        now_s = self._clock.monotonic()
        if data := self._wires[Direction.TO_BOARD].arrived(now_s):
            self._board.receive(data)
        wake = self._board.run()
        self._transmit(Direction.TO_HOST, self._board.take_output())
        due_s = min(wire.due_s() for wire in self._wires.values())
        return Wake(min(wake.at_s, due_s), wake.working)

    def take_output(self) -> bytes:
        return self._wires[Direction.TO_HOST].arrived(self._clock.monotonic())

    def _transmit(self, direction: Direction, data: bytes) -> None:
        wire = self._wires[direction]
        now_s = self._clock.monotonic()
        for line in wire.whole_lines(data):
            fault = self._striking(direction, line)
            if fault is None:
                wire.put(line, now_s)
            else:
                self.strikes.append(Strike(fault, line))
                self._strike(fault, wire, line, now_s)

    def _striking(self, direction: Direction, line: bytes) -> Fault | None:
        text = line.rstrip(b"\r\n")
        striking: Fault | None = None
        for place, fault in enumerate(self._faults):
            if fault.direction is direction and re.search(fault.matches, text):
                self._seen[place] += 1
                due = fault.at in (None, self._seen[place]) and self._rng.random() < fault.probability
                striking = striking or (fault if due else None)
        return striking

    def _strike(self, fault: Fault, wire: "_Wire", line: bytes, now_s: float) -> None:
        match fault.kind:
            case FaultKind.DROP:
                pass
            case FaultKind.GARBLE:
                wire.put(self._garbled(line), now_s)
            case FaultKind.DUPLICATE:
                wire.put(line * 2, now_s)
            case FaultKind.DELAY:
                wire.put(line, now_s + fault.delay_s)
            case FaultKind.RESET:
                self._board.reset()
            case FaultKind.UNPLUG:
                raise UnpluggedError

    def _garbled(self, line: bytes) -> bytes:
        """One bit of one byte flipped; the newline stays."""
        damaged = bytearray(line)
        place = self._rng.randrange(max(1, len(line) - 1))
        # Flipping one of these never makes a newline of a printable character.
        damaged[place] ^= self._rng.choice((1, 2, 4, 16, 128))
        return bytes(damaged)


class _Wire:
    """Lines on their way in one direction."""

    def __init__(self) -> None:
        self._partial = b""
        self._under_way: deque[tuple[float, bytes]] = deque()

    def whole_lines(self, data: bytes) -> list[bytes]:
        """The lines, newlines included, that end in `data`; what is left over waits for its end."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        return [line + b"\n" for line in lines]

    def put(self, line: bytes, due_s: float) -> None:
        latest_s = self._under_way[-1][0] if self._under_way else -math.inf
        self._under_way.append((max(due_s, latest_s), line))

    def due_s(self) -> float:
        return self._under_way[0][0] if self._under_way else math.inf

    def arrived(self, now_s: float) -> bytes:
        arrived = b""
        while self._under_way and self._under_way[0][0] <= now_s:
            arrived += self._under_way.popleft()[1]
        return arrived


def _wires() -> dict[Direction, _Wire]:
    return {direction: _Wire() for direction in Direction}
