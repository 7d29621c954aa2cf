"""udev rules: a name for the board that stays, and no ModemManager that talks to it."""

import re
from dataclasses import dataclass
from pathlib import Path

from rig.errors import BadInput

BOARD = "/dev/brickrig-board"

# An Arduino Mega 2560 under RAMPS 1.4, and the USB chips that its clones have.
_KNOWN = {
    ("2341", "0010"): "Arduino Mega 2560",
    ("2341", "0042"): "Arduino Mega 2560 R3",
    ("2a03", "0010"): "Arduino Mega 2560 (arduino.org)",
    ("2a03", "0042"): "Arduino Mega 2560 R3 (arduino.org)",
    ("1a86", "7523"): "CH340",
    ("0403", "6001"): "FT232",
}
_NAMED = re.compile(
    r"^# The board: (?P<vendor>[0-9a-f]{4}):(?P<product>[0-9a-f]{4}) at (?P<socket>\S+)$", re.M
)


@dataclass(frozen=True)
class Board:
    """One board among several.

    Attributes:
        vendor: of its USB chip, four hexadecimal digits.
        product: likewise.
        socket: where it is plugged in, as the kernel says it, such as `1-1.2`: many have no serial number.
    """

    vendor: str
    product: str
    socket: str

    def __str__(self) -> str:
        return f"{self.vendor}:{self.product} at {self.socket}"


def board_at(port: str) -> Board:
    """What is plugged in behind a serial port.

    Raises:
        BadInput: nothing is, or it is not on USB.
    """
    from serial.tools.list_ports import comports

    device = str(Path(port).resolve())
    ports = list(comports())
    for found in ports:
        if found.device == device and found.vid is not None and found.location:
            # An interface of the device stands behind the colon.
            socket = found.location.partition(":")[0]
            return Board(f"{found.vid:04x}", f"{found.pid:04x}", socket)
    there = ", ".join(found.device for found in ports if found.vid is not None) or "none"
    raise BadInput(f"--board {port} is no serial port on USB", hint=f"those that are plugged in: {there}")


def board_so_far(rules: Path) -> Board | None:
    """The board that an earlier installation has singled out in its rules."""
    try:
        named = _NAMED.search(rules.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    return Board(**named.groupdict()) if named else None


def rules_text(board: Board | None = None) -> str:
    """Rules for all boards that are known, or that single one out.

    Every board has a name with its USB socket in it. Without `board`, each of them is also called
    `brickrig-board`: that is for one board on a computer.
    """
    kinds = dict(_KNOWN)
    if board is not None:
        kinds.setdefault((board.vendor, board.product), "the board that was chosen")
    lines = [
        "# Written by: rig service install. The next install overwrites it.",
        *([f"# The board: {board}"] if board else []),
        'ACTION=="remove", GOTO="brickrig_end"',
        'SUBSYSTEM!="tty|usb", GOTO="brickrig_end"',
        "",
    ]
    for (vendor, product), name in kinds.items():
        device = f'ATTR{{idVendor}}=="{vendor}", ATTR{{idProduct}}=="{product}"'
        above = f'SUBSYSTEMS=="usb", ATTRS{{idVendor}}=="{vendor}", ATTRS{{idProduct}}=="{product}"'
        names = "brickrig-board-$id" if board else "brickrig-board brickrig-board-$id"
        lines += [
            f"# {name}",
            # ModemManager asks the USB device, older ones the port: it would write to the board and reset it.
            f'SUBSYSTEM=="usb", ENV{{DEVTYPE}}=="usb_device", {device}, ENV{{ID_MM_DEVICE_IGNORE}}="1"',
            f'SUBSYSTEM=="tty", {above}, ENV{{ID_MM_DEVICE_IGNORE}}="1", ENV{{ID_MM_PORT_IGNORE}}="1", '
            f'SYMLINK+="{names}"',
        ]
    if board is not None:
        lines.append(
            f'SUBSYSTEM=="tty", SUBSYSTEMS=="usb", KERNELS=="{board.socket}", '
            f'ATTRS{{idVendor}}=="{board.vendor}", ATTRS{{idProduct}}=="{board.product}", '
            'SYMLINK+="brickrig-board"'
        )
    return "\n".join([*lines, "", 'LABEL="brickrig_end"', ""])
