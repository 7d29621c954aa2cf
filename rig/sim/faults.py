"""Faults of wire, board and desk, struck at an exact line or by seed and probability.

`FaultyBoard` stands between a port and a board.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random

from rig.clock import Clock
from rig.sim import damage
from rig.sim.board import Wake
from rig.sim.firmware import Ailment, Firmware
from rig.sim.port import UnpluggedError
from rig.sim.wire import Wire


class Direction(Enum):
    """Which way a line goes."""

    TO_BOARD = "to board"
    TO_HOST = "to host"


class FaultKind(Enum):
    """What happens to a line, or as it passes.

    To the line as a whole: it is lost (DROP), has one bit flipped but keeps its newline (GARBLE), comes twice
    (DUPLICATE), or comes `delay_s` late (DELAY).

    To a few of its bytes, perhaps the newline: lost (DROP_BYTES), twice (DUPLICATE_BYTES), anything else
    (GARBLE_BYTES). SPLIT: the line pauses for `delay_s` in its middle. OVERRUN: the receive buffer is full;
    the end of the line and whatever comes in the same burst vanish, and the next line joins what is left.

    To what the board says: an `ok` too many after the line (EXTRA_OK), a `Resend` that nobody needs after it
    (EXTRA_RESEND), a wrong digit in its `Resend` number (WRONG_RESEND).

    To the board: BUSY says that it is busy for `duration_s` before it carries the line out, HANG does so and
    then falls silent until a reset. RESET loses the line; RESET_LATER lets it through and resets the board
    `delay_s` after it has arrived (an idle planner holds a move back for its first 0.1 s). BROWN_OUT resets
    the board as the M280 in the line starts its servo. ENDSTOP_OPEN breaks the wires of the endstops for
    good before the line arrives, STALL has the table stand still for good. UNPLUG pulls the cable for good;
    REPLUG plugs it in again after `duration_s`, when the board has another name.

    To the desk, as the line arrives: JAM has no push move a part until somebody frees the way. LAMP_OFF puts
    out the lamp, which can be switched on again; after LAMP_BREAKS only a hand helps. CAMERA_STALLS has the
    camera deliver nothing for `duration_s`.
    """

    DROP = "drop"
    GARBLE = "garble"
    DUPLICATE = "duplicate"
    DELAY = "delay"
    DROP_BYTES = "drop-bytes"
    DUPLICATE_BYTES = "duplicate-bytes"
    GARBLE_BYTES = "garble-bytes"
    SPLIT = "split"
    OVERRUN = "overrun"
    EXTRA_OK = "extra-ok"
    EXTRA_RESEND = "extra-resend"
    WRONG_RESEND = "wrong-resend"
    BUSY = "busy"
    HANG = "hang"
    RESET = "reset"
    RESET_LATER = "reset-later"
    BROWN_OUT = "brown-out"
    ENDSTOP_OPEN = "endstop-open"
    STALL = "stall"
    UNPLUG = "unplug"
    REPLUG = "replug"
    JAM = "jam"
    LAMP_OFF = "lamp-off"
    LAMP_BREAKS = "lamp-breaks"
    CAMERA_STALLS = "camera-stalls"


# What the line does to the board, or to the desk, as it arrives.
_TROUBLE: dict[FaultKind, Callable[["Fault", Firmware], None]] = {
    FaultKind.BUSY: lambda fault, board: board.afflict(Ailment(busy_s=fault.duration_s)),
    FaultKind.HANG: lambda fault, board: board.afflict(Ailment(busy_s=fault.duration_s, hangs=True)),
    FaultKind.BROWN_OUT: lambda fault, board: board.afflict(Ailment(browns_out=True)),
    FaultKind.ENDSTOP_OPEN: lambda fault, board: board.break_switches(),
    FaultKind.STALL: lambda fault, board: board.jam_table(),
    FaultKind.JAM: lambda fault, board: board.world.jam_way(),
    FaultKind.LAMP_OFF: lambda fault, board: board.world.switch_lamp_off(),
    FaultKind.LAMP_BREAKS: lambda fault, board: board.world.break_lamp(),
    FaultKind.CAMERA_STALLS: lambda fault, board: board.world.stall_camera(fault.duration_s),
}
# What becomes of the line itself.
_DAMAGE: dict[FaultKind, Callable[[bytes, Random], bytes]] = {
    FaultKind.DROP: lambda line, rng: b"",
    FaultKind.DUPLICATE: lambda line, rng: line * 2,
    FaultKind.EXTRA_OK: lambda line, rng: line + b"ok\n",
    FaultKind.GARBLE: damage.flip_a_bit,
    FaultKind.DROP_BYTES: damage.drop_bytes,
    FaultKind.DUPLICATE_BYTES: damage.duplicate_bytes,
    FaultKind.GARBLE_BYTES: damage.garble_bytes,
    FaultKind.WRONG_RESEND: damage.corrupt_resend,
    FaultKind.OVERRUN: lambda line, rng: damage.split(line, rng)[0],
}
_ONLY_TO_BOARD = frozenset({*_TROUBLE, FaultKind.OVERRUN})
_ONLY_TO_HOST = frozenset({FaultKind.EXTRA_OK, FaultKind.EXTRA_RESEND, FaultKind.WRONG_RESEND})
_LINE_NUMBER = re.compile(rb"N(\d+)")


@dataclass(frozen=True)
class Fault:
    """A fault, and the lines that it strikes.

    Attributes:
        matches: regular expression that is searched for in a line, without its newline.
        at: strike only the line that is this one among the matching, from 1; None for any.
        probability: with which a line that may be struck is.
        delay_s, duration_s: as the kind says, on the world's clock.

    Raises:
        ValueError: there is no such fault in this direction.
    """

    kind: FaultKind
    direction: Direction
    matches: bytes = b""
    at: int | None = None
    probability: float = 1.0
    delay_s: float = 0.5
    duration_s: float = 1.0

    def __post_init__(self) -> None:
        to_host = self.direction is Direction.TO_HOST
        if self.kind in (_ONLY_TO_BOARD if to_host else _ONLY_TO_HOST):
            raise ValueError(f"no {self.kind.value!r} can strike a line {self.direction.value}")


def lost_ok(*, at: int | None = None, probability: float = 1.0) -> Fault:
    """An `ok` that never arrives."""
    return Fault(FaultKind.DROP, Direction.TO_HOST, b"^ok", at=at, probability=probability)


@dataclass(frozen=True)
class Strike:
    """A fault that struck, and the line that it struck."""

    fault: Fault
    line: bytes

    def __str__(self) -> str:
        text = self.line.rstrip(b"\r\n").decode("latin-1")
        return f"{self.fault.kind.value} {self.fault.direction.value}: {text!r}"


class FaultyBoard:
    """A board behind a bad cable.

    Args:
        board: what works as it should until a fault tells it not to.
        faults: looked at in this order; the first that strikes a line is the only one.
        clock: the world's.
        seed: of everything that is left to chance.
        on_strike: called with each strike as it happens, by the thread that runs the board.
    """

    def __init__(
        self,
        board: Firmware,
        faults: Sequence[Fault],
        *,
        clock: Clock,
        seed: int = 0,
        on_strike: Callable[[Strike], None] | None = None,
    ) -> None:
        self._board = board
        self._faults = tuple(faults)
        self._clock = clock
        self._rng = Random(seed)
        self._on_strike = on_strike
        self._seen = [0] * len(self._faults)
        self._wires = _wires()
        self._last_number = 0
        self._reset_s = math.inf
        self.strikes: list[Strike] = []

    def reset(self) -> None:
        self._wires = _wires()
        self._reset_s = math.inf
        self._board.reset()

    def receive(self, data: bytes) -> None:
        self._transmit(Direction.TO_BOARD, data)

    def run(self) -> Wake:
        now_s = self._clock.monotonic()
        if now_s >= self._reset_s:
            self.reset()
        to_board = self._wires[Direction.TO_BOARD]
        while (data := to_board.next_arrived(now_s)) is not None:
            self._board.receive(data)
        wake = self._board.run()
        self._transmit(Direction.TO_HOST, self._board.take_output())
        due_s = min(wire.due_s() for wire in self._wires.values())
        return Wake(min(wake.at_s, due_s, self._reset_s), wake.working)

    def take_output(self) -> bytes:
        now_s = self._clock.monotonic()
        output = b""
        while (data := self._wires[Direction.TO_HOST].next_arrived(now_s)) is not None:
            output += data
        return output

    def _transmit(self, direction: Direction, data: bytes) -> None:
        wire = self._wires[direction]
        now_s = self._clock.monotonic()
        for line in wire.whole_lines(data):
            if direction is Direction.TO_BOARD and (number := _LINE_NUMBER.match(line)):
                self._last_number = int(number[1])
            fault = self._striking(direction, line)
            if fault is None:
                wire.put(line, now_s)
                continue
            self._note(Strike(fault, line))
            self._strike(fault, line, wire, now_s)
            if fault.kind is FaultKind.OVERRUN:
                wire.forget_partial()
                return

    def _striking(self, direction: Direction, line: bytes) -> Fault | None:
        text = line.rstrip(b"\r\n")
        striking: Fault | None = None
        for place, fault in enumerate(self._faults):
            if fault.direction is direction and re.search(fault.matches, text):
                self._seen[place] += 1
                due = fault.at in (None, self._seen[place]) and self._rng.random() < fault.probability
                striking = striking or (fault if due else None)
        return striking

    def _note(self, strike: Strike) -> None:
        self.strikes.append(strike)
        if self._on_strike is not None:
            self._on_strike(strike)

    def _strike(self, fault: Fault, line: bytes, wire: Wire, now_s: float) -> None:
        if trouble := _TROUBLE.get(fault.kind):
            wire.put(line, now_s, on_arrival=lambda: trouble(fault, self._board))
        elif damaged := _DAMAGE.get(fault.kind):
            wire.put(damaged(line, self._rng), now_s)
        else:
            self._upset(fault, line, wire, now_s)

    def _upset(self, fault: Fault, line: bytes, wire: Wire, now_s: float) -> None:
        match fault.kind:
            case FaultKind.DELAY:
                wire.put(line, now_s + fault.delay_s)
            case FaultKind.SPLIT:
                first, rest = damage.split(line, self._rng)
                wire.put(first, now_s)
                wire.put(rest, now_s + fault.delay_s)
            case FaultKind.EXTRA_RESEND:
                # Of a line long done, the last one, or one that was never sent.
                number = max(0, self._last_number + self._rng.randint(-3, 3))
                wire.put(line + b"Resend: %d\n" % number, now_s)
            case FaultKind.RESET:
                self.reset()
            case FaultKind.RESET_LATER:
                wire.put(line, now_s)
                self._reset_s = now_s + fault.delay_s
            case FaultKind.UNPLUG:
                raise UnpluggedError
            case FaultKind.REPLUG:
                raise UnpluggedError(back_after_s=fault.duration_s)


def _wires() -> dict[Direction, Wire]:
    return {direction: Wire() for direction in Direction}
