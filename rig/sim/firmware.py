"""Marlin 2.1.2.7 at the byte level: what goes in at the serial port, what comes out, and when.

It has no thread and waits for nothing: `receive` takes bytes as the interrupt of the real board does, `run`
does all that can be done now and says until when there is nothing to do. What it answers follows transcripts
of the real firmware on an emulated ATmega2560.
"""

import math
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce
from operator import xor

from rig.sim.board import Wake
from rig.sim.build import Build
from rig.sim.firmware_commands import Commands
from rig.sim.gcode import HALT_WORDS, KilledError, Wait, parse_words
from rig.sim.world import World

BOOT_S = 1.0
# MAX_CMD_SIZE less its closing zero: what is longer is cut.
MAX_LINE_LENGTH = 95

_BANNER = (
    "start",
    "Marlin 2.1.2.7",
    "echo: Last Updated: 2026-01-22 | Author: (rig)",
    "echo: Compiled: Nov 21 2026",
    "echo: Free Memory: 5659  PlannerBufferBytes: 1072",
    "echo:EEPROM version mismatch (EEPROM=? Marlin=V88)",
    "echo:Hardcoded Default Settings Loaded",
)
# From the start of a servo to the dip of the supply that it causes; a guess.
_DIP_AFTER_S = 0.1
_NUMBERED = re.compile(r"N\s*(-?\d{1,9})?(.*)")


@dataclass(frozen=True)
class Ailment:
    """What goes wrong inside the board with a command.

    Attributes:
        busy_s: it says that it is busy for so long before it carries the command out.
        hangs: instead of carrying it out, the firmware hangs until a reset; what moves goes on moving.
        browns_out: if it is an M280 with an angle, the supply dips as the servo starts, and resets the board
            before the servo gets there. When within the servo's travel the dip comes is a guess.
    """

    busy_s: float = 0.0
    hangs: bool = False
    browns_out: bool = False


_HEALTHY = Ailment()


class _BrownOutError(Exception):
    """The supply voltage dipped."""


class _HungError(Exception):
    """The main loop is caught."""


@dataclass(frozen=True)
class _Queued:
    number: int | None
    text: str
    ailment: Ailment


class Firmware:
    """The simulated board; off until its first reset."""

    def __init__(self, world: World, build: Build | None = None) -> None:
        self._world = world
        self._clock = world.clock
        self._build = build or Build()
        self._output = bytearray()
        self._alive = False
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._booted_at_s = self._clock.monotonic() + BOOT_S
        self._commands = Commands(self._world, self._say, self._build)
        self._next_ailment = _HEALTHY
        self._rx = bytearray()
        self._emergency_line = bytearray()
        self._queue: deque[_Queued] = deque()
        self._last_line = 0
        self._current: _Queued | None = None
        self._steps: Iterator[Wait] = iter(())
        self._wait: Wait = self._clock.monotonic
        self._keepalive_s = 2.0
        self._busy_due_s = math.inf
        self._report_interval_s = math.inf
        self._report_due_s = math.inf
        self._banner_due = True

    def reset(self) -> None:
        self._commands.power_off()
        self._start_afresh()
        self._alive = True

    def afflict(self, ailment: Ailment) -> None:
        """Something goes wrong with the next command that is taken."""
        self._next_ailment = ailment

    def break_switches(self) -> None:
        """The wires of the endstops break: none of them ever closes again."""
        self._build = replace(self._build, home_switch=None, chute_switch=None)
        self._commands.motors.break_switches()

    def jam_table(self) -> None:
        """The table's motor stalls for good; nothing tells the board, which counts on."""
        self._world.jam_table()

    @property
    def world(self) -> World:
        """The desk that it drives."""
        return self._world

    def receive(self, data: bytes) -> None:
        if not self._alive or self._clock.monotonic() < self._booted_at_s:
            return
        self.run()
        while data and self._alive:
            room = self._build.rx_buffer - len(self._rx)
            taken, data = (data[:room], data[room:]) if room else (data, b"")
            if self._build.emergency_parser:
                self._watch_for_emergencies(taken)
            self._rx += taken[:room]
            self.run()

    def run(self) -> Wake:
        now_s = self._clock.monotonic()
        if not self._alive:
            return Wake(math.inf, working=False)
        if now_s < self._booted_at_s:
            return Wake(self._booted_at_s, working=True)
        if self._banner_due:
            self._banner_due = False
            for line in _BANNER:
                self._say(line)
        self._report_position(now_s)
        self._commands.motors.release_if_idle()
        try:
            return self._work()
        except KilledError as death:
            self._die(death)
            return Wake(math.inf, working=False)
        except _HungError:
            self._alive = False
            return Wake(math.inf, working=False)
        except _BrownOutError:
            self.reset()
            return Wake(self._booted_at_s, working=True)

    def take_output(self) -> bytes:
        output = bytes(self._output)
        self._output.clear()
        return output

    # Bytes to lines.

    def _watch_for_emergencies(self, data: bytes) -> None:
        """M410 and M112 act as soon as their line is in, whatever is queued; a line number hides them."""
        for byte in data:
            if byte not in b"\r\n":
                self._emergency_line.append(byte)
                continue
            word = bytes(self._emergency_line).strip()
            self._emergency_line.clear()
            if word == b"M410":
                self._commands.motors.quick_stop()
            elif word == b"M112":
                self._die(KilledError("echo:M112 Shutdown", *HALT_WORDS))
                return

    def _fill_queue(self) -> None:
        """Move whole lines into the command queue; the running command keeps its place there."""
        while len(self._queue) + (self._current is not None) < self._build.command_queue:
            end = self._rx.find(b"\n")
            if end < 0:
                return
            line = bytes(self._rx[:end][:MAX_LINE_LENGTH])
            del self._rx[: end + 1]
            self._accept(line.decode("latin-1").strip())

    def _accept(self, line: str) -> None:
        numbered = _NUMBERED.fullmatch(line)
        if not numbered:
            text = line.partition(";")[0].partition("*")[0].strip()
            if text:
                self._enqueue(None, text)
            return
        number, rest = int(numbered[1] or 0), numbered[2]
        sets_number = "M110" in rest
        body, star, digits = line.rpartition("*")
        if number == self._last_line and not sets_number:
            return
        if number != self._last_line + 1 and not sets_number:
            self._refuse("Line Number is not Last Line Number+1")
        elif not star:
            self._refuse("No Checksum with line number")
        elif not digits.strip().isdecimal() or reduce(xor, body.encode("latin-1"), 0) != int(digits):
            self._refuse("checksum mismatch")
        else:
            self._last_line = number
            self._enqueue(number, rest.rpartition("*")[0].strip())

    def _enqueue(self, number: int | None, text: str) -> None:
        ailment, self._next_ailment = self._next_ailment, _HEALTHY
        self._queue.append(_Queued(number, text, ailment))

    def _refuse(self, reason: str) -> None:
        self._say(f"Error:{reason}, Last Line: {self._last_line}")
        self._ask_again()

    def _ask_again(self) -> None:
        self._rx.clear()
        self._say(f"Resend: {self._last_line + 1}")
        if self._build.ok_after_resend:
            self._say("ok")

    # Commands.

    def _work(self) -> Wake:
        while True:
            self._fill_queue()
            if self._current is None:
                if not self._queue:
                    due_s = min(self._report_due_s, self._commands.motors.release_due_s)
                    return Wake(due_s, working=False)
                self._begin(self._queue.popleft())
            if not self._advance():
                due_s = max(self._wait(), self._commands.motors.stopped_until_s)
                return Wake(min(due_s, self._keep_alive(), self._report_due_s), working=True)

    def _begin(self, queued: _Queued) -> None:
        now_s = self._clock.monotonic()
        self._current = queued
        self._steps = self._suffer(queued)
        self._wait = lambda: now_s
        self._busy_due_s = now_s + self._keepalive_s

    def _advance(self) -> bool:
        """Go on with the current command as far as time allows; True when it is done."""
        while self._clock.monotonic() >= max(self._wait(), self._commands.motors.stopped_until_s):
            step = next(self._steps, None)
            if step is None:
                self._finish()
                return True
            self._wait = step
        return False

    def _suffer(self, queued: _Queued) -> Iterator[Wait]:
        """Carry out a command with whatever goes wrong."""
        now_s = self._clock.monotonic()
        yield lambda: now_s + queued.ailment.busy_s
        if queued.ailment.hangs:
            raise _HungError
        steps = self._execute(queued.text)
        # An M280 that sets no angle has nothing to wait for, and moves no servo.
        if queued.ailment.browns_out and queued.text.startswith("M280 ") and next(steps, None):
            dip_s = self._clock.monotonic() + _DIP_AFTER_S
            yield lambda: dip_s
            raise _BrownOutError
        yield from steps

    def _execute(self, text: str) -> Iterator[Wait]:
        """The commands about the conversation itself; all others are of the machine."""
        code, _, rest = text.partition(" ")
        words = parse_words(rest)
        match code:
            case "M110":
                self._set_number(words.get("N"))
            case "M113":
                self._set_keepalive(words.get("S"))
            case "M154":
                self._report_interval_s = _interval_s(words.get("S") or 0.0)
                self._report_due_s = self._clock.monotonic() + self._report_interval_s
            case "M999":
                self._ask_again()
            case _:
                yield from self._commands.execute(text)

    def _finish(self) -> None:
        assert self._current is not None, "only a begun command ends"
        done, self._current = self._current, None
        code = done.text.partition(" ")[0]
        if code in ("M105", "M999"):  # these have said their ok
            return
        if not self._build.advanced_ok:
            self._say("ok")
            return
        number = "" if done.number is None else f" N{done.number}"
        queue_free = self._build.command_queue - 1 - len(self._queue)
        self._say(f"ok{number} P{self._commands.motors.planner_free} B{queue_free}")

    def _set_number(self, number: float | None) -> None:
        if number is not None:
            self._last_line = int(number)

    def _set_keepalive(self, interval_s: float | None) -> None:
        if interval_s is None:
            self._say(f"echo:M113 S{self._keepalive_s:.0f}")
        else:
            self._keepalive_s = _interval_s(interval_s)

    def _keep_alive(self) -> float:
        now_s = self._clock.monotonic()
        if now_s >= self._busy_due_s:
            self._say("echo:busy: processing")
            self._busy_due_s = now_s + self._keepalive_s
        return self._busy_due_s

    def _report_position(self, now_s: float) -> None:
        if now_s >= self._report_due_s:
            self._say(self._commands.motors.position_line())
            self._report_due_s = now_s + self._report_interval_s

    def _die(self, death: KilledError) -> None:
        self._commands.motors.power_down()
        self._alive = False
        for line in death.last_words:
            self._say(line)

    def _say(self, line: str) -> None:
        self._output += f"{line}\n".encode("latin-1")


def _interval_s(setting: float) -> float:
    """Whole seconds; 0 switches off, as does what no host should send."""
    return float(int(setting)) if setting >= 1 else math.inf
