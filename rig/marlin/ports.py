"""Serial ports: opening one for this process alone, and finding it again once it was unplugged."""

import errno
import time
from pathlib import Path

import serial
from serial.tools import list_ports

from rig.errors import SerialPortError

_WRITE_TIMEOUT_S = 2.0
_LOOK_EVERY_S = 0.1


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


def await_port(url: str, baud: int, timeout_s: float) -> serial.Serial:
    """Open a port as soon as it is there.

    Raises:
        SerialPortError: it did not come in time; says what the last try met.
    """
    deadline_s = time.monotonic() + timeout_s
    while True:
        try:
            return open_port(url, baud)
        except SerialPortError as error:
            if time.monotonic() >= deadline_s:
                raise SerialPortError(
                    f"the board did not come back within {timeout_s:g} s: {error.what}", hint=error.hint
                ) from error
        # Nothing tells a process that a device has come: it has to be looked for.
        time.sleep(_LOOK_EVERY_S)


def stable_name(url: str, *, links: Path = Path("/dev/serial")) -> str:
    """A name that leads to the same board after it was unplugged and came back as another device.

    Linux keeps such names as links. Those of `by-id` follow the board from socket to socket, but two boards
    whose chips have no serial number (CH340) share one; for these `by-path` stands for the USB socket.

    Args:
        url: what the user calls the port. A link, a URL, or a device without links stays what it is.
        links: the folder of links.
    """
    device = Path(url)
    if device.is_symlink() or not device.exists():
        return url
    numbered = any(port.device == url and port.serial_number for port in list_ports.comports())
    for kind in ("by-id", "by-path") if numbered else ("by-path", "by-id"):
        for link in sorted((links / kind).glob("*")):
            if link.resolve() == device.resolve():
                return str(link)
    return url


def _cannot_open(url: str, error: OSError) -> SerialPortError:
    if error.errno == errno.EACCES:
        return SerialPortError(
            f"serial port {url} is not open to this user",
            hint="join the group that owns it: sudo usermod -aG dialout $USER, then log in again",
        )
    if error.errno in (errno.EBUSY, errno.EAGAIN):
        return SerialPortError(
            f"serial port {url} is in use by another program",
            hint="close that program: a slicer, or a rig that another user runs",
        )
    ports = ", ".join(port.device for port in list_ports.comports()) or "none"
    if error.errno == errno.ENOENT:
        what = f"there is no serial port {url}"
    else:
        what = f"serial port {url} cannot be opened: {error}"
    return SerialPortError(
        what, hint=f"ports found: {ports}; plug the board in, or set port under [serial] in rig.toml"
    )
