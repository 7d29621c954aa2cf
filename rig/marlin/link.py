"""The wire to a Marlin board: one writer, one line in flight, and never out of step.

Lines carry a number and a checksum, so the board refuses what noise has damaged. Two questions settle every
doubt that a damaged, lost or interrupted exchange leaves behind:

- *What did you take last?* A line without a checksum is always refused, and the refusal names the last number
  that the board has taken (`Last Line: 7`). So the host knows whether to send a line again or not.
- *Are you done with it?* A numbered `M118 <token>` is echoed after everything before it. Once the token comes
  back, no answer of an earlier line can still be under way.

Timeouts count real time, since bytes really travel, whatever clock the rest of the rig runs on.
"""

import threading
import time
from dataclasses import dataclass, field
from itertools import count

import serial

from rig.errors import LineRefused, MarlinHalted, MarlinReset, MarlinStopped, MarlinTimeout
from rig.marlin import codec
from rig.marlin.codec import Busy, Error, Halted, Ok, Reply, Resend, Start, Text, UnknownCommand
from rig.marlin.sender import Sender
from rig.marlin.wire import Wire

MAX_REFUSALS = 10

_PROBES = 3
_LONGEST_PROBE_S = 1.0
_QUIET_S = 0.05
# Marlin takes half of this for an M410.
_STOP_TAKES_S = 2.0
# Marlin takes 0.6 s to kill itself.
_KILL_INTERVAL_S = 1.0
# A number that is never due and no checksum: refused by every Marlin, which then names its last line.
_PROBE = b"\nN999999999 M114\n"


@dataclass(frozen=True)
class _Sent:
    """A command under way, and what has been heard since."""

    number: int
    text: str
    line: bytes
    heard: list[Reply] = field(default_factory=list)
    taken_for: list[str] = field(default_factory=list)


class Link:
    """Exchanges lines with a board.

    One thread at a time talks; others wait their turn, except for a stop, which goes ahead of everything. An
    exception at any moment (KeyboardInterrupt included) may leave an answer outstanding: the next command
    first settles that.

    Args:
        port: an open port, owned from now on.
        reply_timeout_s: how long the board may be silent after a line or after a `busy`.
    """

    def __init__(self, port: serial.Serial, *, reply_timeout_s: float) -> None:
        self._wire = Wire(port)
        self._sender = Sender(self._wire)
        self._reply_timeout_s = reply_timeout_s
        self._probe_timeout_s = min(_LONGEST_PROBE_S, reply_timeout_s)
        self._exchange = threading.RLock()
        self._tokens = count(1)
        self._number: int | None = None
        self._numbered_oks = False
        # How many interruptions there had been when the host got in step: another one undoes that.
        self._in_step_since: int | None = None
        self._restarts = 0
        self._halt_heard = threading.Event()
        # What a board says just before it halts is why, such as "Homing Failed".
        self._last_echo = ""
        self._why_halted = ""

    @property
    def name(self) -> str:
        """The port, as it was opened."""
        return self._wire.name

    @property
    def interruptions(self) -> int:
        """How many stops, resets and losses of the port there were: across one, no position is certain."""
        return self._sender.stops + self._restarts + self._wire.losses

    def close(self) -> None:
        """Give the port back; nothing is sent any more."""
        self._wire.close()

    def wait_for_banner(self, timeout_s: float) -> bool:
        """Listen for the boot banner; False when none came in time."""
        with self._exchange:
            deadline_s = time.monotonic() + timeout_s
            while (reply := self._wire.reply(deadline_s)) is not None:
                if isinstance(reply, Start):
                    return True
            return False

    def settle(self) -> None:
        """Get in step with the board: all that was sent before is answered or known to be lost.

        Raises:
            MarlinTimeout: the board is silent.
            MarlinReset, MarlinHalted, SerialPortError: what became of the board meanwhile.
        """
        with self._exchange:
            self._hear_what_came()
            self._get_in_step()

    def command(self, text: str, *, interruptions: int | None = None) -> list[Reply]:
        """Send one command and return what came before its `ok`, in order.

        The command is taken by the board exactly once, or an error is raised.

        Args:
            interruptions: send it only if there were so many, so that a stop is never followed by what it
                was meant to stop.

        Raises:
            LineRefused: the line must not be sent, or was refused ten times.
            MarlinStopped: there was another stop; nothing was sent, or what was is cleared next.
            MarlinTimeout: the board fell silent.
            MarlinReset: the board restarted.
            MarlinHalted: the board is or was killed.
            SerialPortError: the port is gone.
        """
        with self._exchange:
            self._hear_what_came()
            interruptions_before = self.interruptions
            if self._in_step_since != self.interruptions:
                self._get_in_step()
            assert self._number is not None, "settling finds the board's number"
            number = self._number + 1
            sent = _Sent(number, text, codec.encode(text, number))
            self._send(sent, interruptions)
            if not self._await_ok(sent) or not self._is_confirmed(sent):
                self._repeat_until_taken(sent, interruptions)
            self._in_step_since = interruptions_before
            return sent.heard

    def stop_at_once(self) -> None:
        """Stop all motion (M410); what was queued behind it is cleared when the link settles next.

        Returns as soon as the line is written. May be called from any thread, or from a signal handler.
        """
        self._sender.stop_at_once()

    def kill(self) -> None:
        """Kill the board (M112); every command on this link is refused from now on, whatever is heard.

        A line of noise must not lift an emergency: only a new link, to a board that was reset, does.
        Returns as soon as the line is written. May be called from any thread, or from a signal handler.
        """
        self._sender.kill()

    @property
    def is_killed(self) -> bool:
        """Whether the board was told to kill itself."""
        return self._sender.is_killed

    def make_sure_of_kill(self, timeout_s: float) -> None:
        """Repeat a kill until the board confirms it.

        Raises:
            MarlinTimeout: the board did not confirm; commands are refused all the same.
        """
        deadline_s = time.monotonic() + timeout_s
        while not self.await_halt(_KILL_INTERVAL_S):
            if time.monotonic() >= deadline_s:
                raise MarlinTimeout(
                    f"the board on {self.name} did not confirm the emergency stop",
                    hint="cut the motor power now",
                )
            self.kill()

    def await_halt(self, timeout_s: float) -> bool:
        """Listen for the board's word that it is halted; True at once when it was heard already."""
        if not self._exchange.acquire(blocking=False):
            # Another thread listens: what it hears counts.
            return self._halt_heard.wait(timeout_s)
        try:
            deadline_s = time.monotonic() + timeout_s
            while not self._halt_heard.is_set():
                reply = self._wire.reply(deadline_s)
                if reply is None:
                    return False
                if isinstance(reply, Halted):
                    self._halt_heard.set()
            return True
        finally:
            self._exchange.release()

    def _get_in_step(self) -> None:
        self._in_step_since = None
        interruptions_before = self.interruptions
        for _ in range(MAX_REFUSALS):
            taken = self._last_line_taken()
            if self._number is not None and taken not in (self._number - 1, self._number):
                raise self._board_restarted()
            if not self._pass_barrier(taken + 1):
                continue
            if self._sender.stop_pending and not self._stop_for_certain():
                continue
            self._in_step_since = interruptions_before
            return
        raise MarlinTimeout(
            f"the board on {self.name} answers, but not in order", hint="check the USB cable; power-cycle it"
        )

    def _send(self, sent: _Sent, interruptions: int | None) -> None:
        with self._sender.writing:
            if interruptions not in (None, self.interruptions):
                raise self._stopped()
            self._in_step_since = None
            self._number = sent.number
            self._sender.write(sent.line)
            # A signal handler may have stopped the board between the look above and the write.
            if interruptions not in (None, self.interruptions):
                raise self._stopped()

    def _await_ok(self, sent: _Sent) -> bool:
        """True when the `ok` of a line came, False when it was refused or nothing came."""
        deadline_s = time.monotonic() + self._reply_timeout_s
        while (reply := self._listen(deadline_s)) is not None:
            match reply:
                case Ok():
                    if self._answers(reply, sent.number):
                        return True
                case Resend() | Error(last_line=int()):
                    return False
                case UnknownCommand(command) if command != sent.text:
                    # Noise took the N away, or took two equal bytes that leave the checksum as it was.
                    sent.taken_for.append(command)
                    return False
                case Busy():
                    self._insist_on_stop()
                    deadline_s = time.monotonic() + self._reply_timeout_s
                case _:
                    sent.heard.append(reply)
        return False

    def _answers(self, ok: Ok, number: int) -> bool:
        # Where oks carry numbers, one without belongs to a Resend or a raw line; M105's has a report instead.
        return ok.number == number or (ok.number is None and (not self._numbered_oks or bool(ok.report)))

    def _is_confirmed(self, sent: _Sent) -> bool:
        """An ok without a number may be that of a refusal whose other lines were lost: ask once more."""
        return self._numbered_oks or self._pass_barrier(sent.number + 1)

    def _repeat_until_taken(self, sent: _Sent, interruptions: int | None) -> None:
        for _ in range(MAX_REFUSALS - 1):
            taken = self._last_line_taken()
            if taken in (sent.number, self._number):
                self._get_in_step()
                if sent.taken_for:
                    raise LineRefused(
                        f"the board on {self.name} took {sent.text!r} for {sent.taken_for[0]!r}"
                    )
                return
            if taken != sent.number - 1:
                raise self._board_restarted()
            sent.heard.clear()
            sent.taken_for.clear()
            self._send(sent, interruptions)
            if self._await_ok(sent) and self._is_confirmed(sent):
                return
        raise LineRefused(
            f"the board on {self.name} refused {sent.text!r} {MAX_REFUSALS} times",
            hint="check the USB cable and keep it away from the motor wires",
        )

    def _stop_for_certain(self) -> bool:
        """Stop once more, now that nothing is queued and every other ok has been heard; False if that failed.

        What lay queued behind the first stop has run since then, and noise may have taken that one: it had no
        checksum. The ok of this one can be no other's.
        """
        self._sender.stop_pending = False
        self._sender.repeat_stop()
        understood = True
        deadline_s = time.monotonic() + max(self._reply_timeout_s, _STOP_TAKES_S)
        while (reply := self._listen(deadline_s)) is not None:
            match reply:
                case UnknownCommand() | Error():
                    understood = False
                case Ok() if reply.number is None and understood:
                    return True
                case Ok():
                    break
        self._sender.stop_pending = True
        return False

    def _insist_on_stop(self) -> None:
        """A board that is busy two seconds after a stop has not heard of it: noise has taken the M410."""
        if self._sender.stop_pending:
            self._sender.repeat_stop()

    def _last_line_taken(self) -> int:
        last_line: int | None = None
        for _ in range(_PROBES):
            self._hear_until_quiet()
            self._sender.write(_PROBE)
            deadline_s = time.monotonic() + self._probe_timeout_s
            while (reply := self._listen(deadline_s)) is not None:
                if isinstance(reply, Error) and reply.last_line is not None:
                    last_line = reply.last_line
                # Said twice, so that a number garbled on its way is not believed.
                if isinstance(reply, Resend) and last_line is not None and reply.number == last_line + 1:
                    # What else the refusal brought must not be taken for the answer to the next line.
                    self._hear_until_quiet()
                    return last_line
        raise MarlinTimeout(
            f"the board on {self.name} does not answer",
            hint="check power and cable, that it runs Marlin, and serial.baud",
        )

    def _pass_barrier(self, number: int) -> bool:
        """True when the board has done all before this line, False when the line did not get through."""
        token = f"in step {next(self._tokens)}"
        self._number = number
        self._sender.write(codec.encode(f"M118 {token}", number))
        passed = False
        deadline_s = time.monotonic() + self._reply_timeout_s
        while (reply := self._listen(deadline_s)) is not None:
            match reply:
                case Text(text) if text == token:
                    passed = True
                case Ok() if passed:
                    self._numbered_oks = self._numbered_oks or reply.number == number
                    return True
                case Resend() | Error(last_line=int()):
                    return False
                case Busy():
                    self._insist_on_stop()
                    deadline_s = time.monotonic() + self._reply_timeout_s
        return False

    def _hear_what_came(self) -> None:
        """Take note of all that the board said unasked, above all a restart."""
        while self._listen(time.monotonic()) is not None:
            pass
        if self.is_killed or self._halt_heard.is_set():
            raise self._board_halted()

    def _hear_until_quiet(self) -> None:
        give_up_s = time.monotonic() + self._probe_timeout_s
        while time.monotonic() < give_up_s and self._listen(time.monotonic() + _QUIET_S) is not None:
            pass

    def _listen(self, deadline_s: float) -> Reply | None:
        """The next reply, None at the deadline; a restart or a halt is an error whenever it is heard."""
        reply = self._wire.reply(deadline_s)
        if isinstance(reply, Text) and reply.text.startswith("echo:"):
            self._last_echo = reply.text.removeprefix("echo:")
        if isinstance(reply, Start):
            raise self._board_restarted()
        if isinstance(reply, Halted):
            self._why_halted = self._last_echo
            self._halt_heard.set()
            raise self._board_halted()
        if reply is not None and not isinstance(reply, Text):
            self._last_echo = ""
        return reply

    def _stopped(self) -> MarlinStopped:
        return MarlinStopped(f"the board on {self.name} was stopped", hint="start again when all is well")

    def _board_restarted(self) -> MarlinReset:
        self._restarts += 1
        self._number = None
        self._sender.stop_pending = False
        return MarlinReset(f"the board on {self.name} restarted", hint="check its power supply; start again")

    def _board_halted(self) -> MarlinHalted:
        why = f": {self._why_halted}" if self._why_halted else ""
        return MarlinHalted(
            f"the board on {self.name} is halted{why}",
            hint="press its reset button or power-cycle it, then start again",
        )
