"""A board on USB as the kernel shows it, so that udev's own program can be asked what it makes of it.

Run as: python -m tests.daemon.usb FOLDER RULES DEVICE, as root and in a mount namespace of its own: it hides
/sys, /run and /dev there, and prints what `udevadm test` prints.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def lay_out(folder: Path, vendor: str, product: str, socket: str) -> str:
    """Make a tree like /sys with one serial port, and return the device's path in it."""
    bus = Path("devices/usb1")
    device = bus / socket
    interface = device / f"{socket}:1.0"
    port = interface / "ttyUSB0"
    tty = port / "tty" / "ttyUSB0"
    (folder / tty).mkdir(parents=True)
    for path, subsystem, event in (
        (bus, "bus/usb", "DEVTYPE=usb_device\n"),
        (device, "bus/usb", "DEVTYPE=usb_device\nMAJOR=189\nMINOR=3\nDEVNAME=bus/usb/001/004\n"),
        (interface, "bus/usb", "DEVTYPE=usb_interface\n"),
        (port, "bus/usb-serial", ""),
        (tty, "class/tty", "MAJOR=188\nMINOR=0\nDEVNAME=ttyUSB0\n"),
    ):
        (folder / subsystem).mkdir(parents=True, exist_ok=True)
        (folder / path / "subsystem").symlink_to(os.path.relpath(folder / subsystem, folder / path))
        (folder / path / "uevent").write_text(event)
    for path, ids in ((bus, ("1d6b", "0002")), (device, (vendor, product))):
        for name, number in zip(("idVendor", "idProduct"), ids, strict=True):
            (folder / path / name).write_text(f"{number}\n")
    return str(tty)


def main() -> None:
    """Ask udev."""
    folder, rules, device = sys.argv[1:]
    content = Path(rules).read_bytes()
    udevadm = shutil.which("udevadm")
    assert udevadm is not None
    subprocess.run(["mount", "--bind", folder, "/sys"], check=True)
    # What it makes must not come to lie in this computer's own folders.
    for path in ("/run", "/dev"):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], check=True)
    place = Path("/run/udev/rules.d/70-brickrig.rules")
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    asked = subprocess.run(
        [udevadm, "test", "--action=add", f"/sys/{device}"],
        env={**os.environ, "SYSTEMD_DEVICE_VERIFY_SYSFS": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(asked.stdout)


if __name__ == "__main__":
    main()
