"""A serial port as a wire of lines: bytes go out, replies come in, and a port that is gone is an error."""

import time

import serial

from rig.errors import MarlinTimeout, SerialPortError
from rig.marlin import codec
from rig.marlin.codec import Reply

# So much later than its deadline a read may end: the timeout is a setting of the driver, and is set once.
_LONGEST_READ_S = 0.02


class Wire:
    """Both directions of a port, which is owned from now on.

    Writing is left to one thread at a time by whoever uses this, and so is reading.

    Attributes:
        losses: how often the port was found to be gone.
    """

    def __init__(self, port: serial.Serial) -> None:
        port.timeout = _LONGEST_READ_S
        self._port = port
        self._received = bytearray()
        self.losses = 0

    @property
    def name(self) -> str:
        """The port, as it was opened."""
        return str(self._port.name)

    def close(self) -> None:
        """Give the port back."""
        self._port.close()

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            MarlinTimeout: the board takes no more.
            SerialPortError: the port is gone.
        """
        try:
            self._port.write(data)
        except serial.SerialTimeoutException as error:
            raise MarlinTimeout(
                f"the board on {self.name} takes no more bytes", hint="reset it, or plug it in again"
            ) from error
        except (serial.SerialException, OSError) as error:
            raise self._gone() from error

    def reply(self, deadline_s: float) -> Reply | None:
        """The next line from the board; None when none has come by the deadline (of `time.monotonic`).

        Raises:
            SerialPortError: the port is gone.
        """
        while (end := self._received.find(b"\n")) < 0:
            came = self._read(wait=time.monotonic() < deadline_s)
            self._received += came
            if b"\n" not in came and time.monotonic() >= deadline_s:
                return None
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        return codec.parse(line)

    def _read(self, *, wait: bool) -> bytes:
        if not self._port.is_open:
            raise self._gone()
        try:
            waiting = self._port.in_waiting
            return self._port.read(max(1, waiting)) if waiting or wait else b""
        except (serial.SerialException, OSError) as error:
            raise self._gone() from error

    def _gone(self) -> SerialPortError:
        self.losses += 1
        # What the driver says of it helps nobody who holds the cable; it is the cause, for --debug.
        return SerialPortError(
            f"serial port {self.name} was unplugged or closed", hint="plug the board in and start again"
        )
