"""The wire to a Marlin board: one writer, one line in flight, and never out of step.

Lines carry a number and a checksum, so the board refuses what noise has damaged. Two questions settle every
doubt that a damaged, lost or interrupted exchange leaves behind:

- *What did you take last?* A line without a checksum is always refused, and the refusal names the last number
  that the board has taken (`Last Line: 7`). So the host knows whether to send a line again or not.
- *Are you done with it?* A numbered `M118 <token>` is echoed after everything before it. Once the token comes
  back, no answer of an earlier line can still be under way.

Timeouts count real time, since bytes really travel, whatever clock the rest of the rig runs on.
"""

import errno
import threading
import time
from dataclasses import dataclass, field
from itertools import count

import serial
from serial.tools import list_ports

from rig.errors import LineRefused, MarlinHalted, MarlinReset, MarlinTimeout, SerialPortError
from rig.marlin import codec
from rig.marlin.codec import Busy, Error, Halted, Ok, Reply, Resend, Start, Text, UnknownCommand

MAX_REFUSALS = 10

_PROBES = 3
_PROBE_TIMEOUT_S = 1.0
_QUIET_S = 0.05
_WRITE_TIMEOUT_S = 2.0
# A number that is never due and no checksum: refused by every Marlin, which then names its last line.
_PROBE = b"\nN999999999 M114\n"


def open_port(url: str, baud: int) -> serial.Serial:
    """Open a serial port for this process alone; on a real board this also resets it (DTR).

    Args:
        url: a device such as `/dev/ttyUSB0`, or any URL of pyserial such as `socket://host:port`.

    Raises:
        SerialPortError: the port is absent, in use, or not for this user.
    """
    try:
        return serial.serial_for_url(
            url, baudrate=baud, timeout=0.0, write_timeout=_WRITE_TIMEOUT_S, exclusive=True
        )
    except (serial.SerialException, OSError) as error:
        raise _cannot_open(url, error) from error
    except ValueError as error:
        raise SerialPortError(
            f"serial port {url!r} cannot be opened: {error}", hint="see: rig doctor"
        ) from error


def _cannot_open(url: str, error: OSError) -> SerialPortError:
    if error.errno == errno.EACCES:
        return SerialPortError(
            f"serial port {url} is not open to this user",
            hint="join the group that owns it: sudo usermod -aG dialout $USER, then log in again",
        )
    if error.errno in (errno.EBUSY, errno.EAGAIN):
        return SerialPortError(
            f"serial port {url} is in use by another program", hint="close the other program (rig, a slicer)"
        )
    ports = ", ".join(port.device for port in list_ports.comports()) or "none"
    if error.errno == errno.ENOENT:
        what = f"there is no serial port {url}"
    else:
        what = f"serial port {url} cannot be opened: {error}"
    return SerialPortError(
        what, hint=f"ports found: {ports}; plug the board in, set serial.port, or ask: rig doctor"
    )


@dataclass(frozen=True)
class _Sent:
    """A command under way, and what has been heard since."""

    number: int
    text: str
    line: bytes
    silence_s: float
    heard: list[Reply] = field(default_factory=list)


class Link:
    """Exchanges lines with a board.

    One thread at a time talks; others wait their turn, except `send_raw`, which goes ahead of everything. An
    exception at any moment (KeyboardInterrupt included) may leave an answer outstanding: the next command
    first settles that.

    Args:
        port: an open port, owned from now on.
        reply_timeout_s: how long the board may be silent after a line or after a `busy`.
    """

    def __init__(self, port: serial.Serial, *, reply_timeout_s: float) -> None:
        self._port = port
        self._reply_timeout_s = reply_timeout_s
        self._exchange = threading.RLock()
        self._writing = threading.Lock()
        self._received = bytearray()
        self._tokens = count(1)
        self._number: int | None = None
        self._numbered_oks = False
        self._in_step = False
        self._halted = False
        self._interruptions = 0
        self._raw_lines = 0

    @property
    def name(self) -> str:
        """The port, as it was opened."""
        return str(self._port.name)

    @property
    def interruptions(self) -> int:
        """How many raw lines and resets there were so far: across one, no position is certain."""
        return self._interruptions

    def close(self) -> None:
        """Give the port back; nothing is sent any more."""
        self._port.close()

    def wait_for_banner(self, timeout_s: float) -> bool:
        """Listen for the boot banner; False when none came in time."""
        with self._exchange:
            deadline_s = time.monotonic() + timeout_s
            while (reply := self._next_reply(deadline_s)) is not None:
                if isinstance(reply, Start):
                    self._halted = False
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

    def command(self, text: str, *, timeout_s: float | None = None) -> list[Reply]:
        """Send one command and return what came before its `ok`, in order.

        The command is taken by the board exactly once, or an error is raised.

        Args:
            timeout_s: how long the board may be silent, `reply_timeout_s` if None. `busy` extends it.

        Raises:
            LineRefused: the line must not be sent, or was refused ten times.
            MarlinTimeout: the board fell silent.
            MarlinReset: the board restarted.
            MarlinHalted: the board is or was killed.
            SerialPortError: the port is gone.
        """
        with self._exchange:
            raw_lines = self._raw_lines
            self._hear_what_came()
            if not self._in_step:
                self._get_in_step()
            assert self._number is not None, "settling finds the board's number"
            number = self._number + 1
            sent = _Sent(number, text, codec.encode(text, number), timeout_s or self._reply_timeout_s)
            self._in_step = False
            self._number = number
            self._write(sent.line)
            if not self._await_ok(sent):
                self._repeat_until_taken(sent)
            self._in_step = raw_lines == self._raw_lines
            return sent.heard

    def send_raw(self, text: str) -> None:
        """Write a line without number ahead of everything, from any thread: for M410 and M112 only.

        Its own `ok` is settled by the next command.
        """
        self._interruptions += 1
        self._raw_lines += 1
        self._in_step = False
        # The newline ends a line that an interrupted write may have left half sent.
        self._write(b"\n" + codec.encode(text))

    def await_halt(self, timeout_s: float) -> bool:
        """Listen for the board's word that it is halted; True at once when it already is."""
        with self._exchange:
            deadline_s = time.monotonic() + timeout_s
            while not self._halted:
                reply = self._next_reply(deadline_s)
                if reply is None:
                    return False
                self._halted = isinstance(reply, Halted)
            return True

    def _get_in_step(self) -> None:
        raw_lines = self._raw_lines
        for _ in range(MAX_REFUSALS):
            taken = self._last_line_taken()
            if self._number is not None and taken not in (self._number - 1, self._number):
                raise self._board_restarted()
            if self._pass_barrier(taken + 1):
                self._in_step = raw_lines == self._raw_lines
                return
        raise MarlinTimeout(
            f"the board on {self.name} answers, but not in order", hint="check the USB cable; power-cycle it"
        )

    def _await_ok(self, sent: _Sent) -> bool:
        """True when the `ok` of a line came, False when it was refused or nothing came."""
        deadline_s = time.monotonic() + sent.silence_s
        while (reply := self._listen(deadline_s)) is not None:
            match reply:
                case Ok():
                    if self._answers(reply, sent.number):
                        return True
                case Resend() | Error(last_line=int()):
                    return False
                case UnknownCommand(command) if command != sent.text:
                    # Noise took the N away, and with it the checksum's protection.
                    return False
                case Busy():
                    deadline_s = time.monotonic() + sent.silence_s
                case _:
                    sent.heard.append(reply)
        return False

    def _answers(self, ok: Ok, number: int) -> bool:
        # Where oks carry numbers, one without belongs to a Resend or a raw line; M105's has a report instead.
        return ok.number == number or (ok.number is None and (not self._numbered_oks or bool(ok.report)))

    def _repeat_until_taken(self, sent: _Sent) -> None:
        for _ in range(MAX_REFUSALS - 1):
            taken = self._last_line_taken()
            if taken == sent.number:
                self._get_in_step()
                return
            if taken != sent.number - 1:
                raise self._board_restarted()
            sent.heard.clear()
            self._write(sent.line)
            # Where oks carry no number, this one may still be that of the refusal: ask again.
            if self._await_ok(sent) and self._numbered_oks:
                return
        raise LineRefused(
            f"the board on {self.name} refused {sent.text!r} {MAX_REFUSALS} times",
            hint="check the USB cable and keep it away from the motor wires",
        )

    def _last_line_taken(self) -> int:
        last_line: int | None = None
        for _ in range(_PROBES):
            self._hear_until_quiet()
            self._write(_PROBE)
            deadline_s = time.monotonic() + _PROBE_TIMEOUT_S
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
        self._write(codec.encode(f"M118 {token}", number))
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
                    deadline_s = time.monotonic() + self._reply_timeout_s
        return False

    def _hear_what_came(self) -> None:
        """Take note of all that the board said unasked, above all a restart."""
        while self._listen(time.monotonic()) is not None:
            pass
        if self._halted:
            raise self._board_halted()

    def _hear_until_quiet(self) -> None:
        give_up_s = time.monotonic() + _PROBE_TIMEOUT_S
        while time.monotonic() < give_up_s and self._listen(time.monotonic() + _QUIET_S) is not None:
            pass

    def _listen(self, deadline_s: float) -> Reply | None:
        """The next reply, None at the deadline; a restart or a halt is an error whenever it is heard."""
        reply = self._next_reply(deadline_s)
        if isinstance(reply, Start):
            raise self._board_restarted()
        if isinstance(reply, Halted):
            self._halted = True
            raise self._board_halted()
        return reply

    def _next_reply(self, deadline_s: float) -> Reply | None:
        while (end := self._received.find(b"\n")) < 0:
            remaining_s = deadline_s - time.monotonic()
            received = self._read(max(0.0, remaining_s))
            self._received += received
            if remaining_s <= 0 and b"\n" not in received:
                return None
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return codec.parse(line)

    def _board_restarted(self) -> MarlinReset:
        self._interruptions += 1
        self._number = None
        self._in_step = False
        self._halted = False
        return MarlinReset(
            f"the board on {self.name} restarted", hint="check its power supply, then home or zero the table"
        )

    def _board_halted(self) -> MarlinHalted:
        return MarlinHalted(
            f"the board on {self.name} is halted", hint="press its reset button or power-cycle it"
        )

    def _read(self, timeout_s: float) -> bytes:
        try:
            self._port.timeout = timeout_s
            return self._port.read(max(1, self._port.in_waiting))
        except (serial.SerialException, OSError) as error:
            raise self._gone(error) from error

    def _write(self, data: bytes) -> None:
        try:
            with self._writing:
                self._port.write(data)
        except (serial.SerialException, OSError) as error:
            raise self._gone(error) from error

    def _gone(self, error: Exception) -> SerialPortError:
        return SerialPortError(
            f"serial port {self.name} was unplugged or closed: {error}",
            hint="plug the board in and start again",
        )
