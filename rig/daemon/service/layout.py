"""Where the parts of the service lie, on this computer or in a tree that an image is made of."""

import re
from dataclasses import dataclass
from pathlib import Path

from rig.errors import BadInput

NAME = "brickrig"
GROUPS = ("video", "dialout", "render")
"""Who may open cameras, serial ports, and the memory that a Pi camera's pictures are in."""

DATA = f"/var/lib/{NAME}"
CONFIG = f"{DATA}/rig.toml"
OPT = f"/opt/{NAME}"
CURRENT = f"{OPT}/current"
PROGRAM = f"{CURRENT}/bin/rig"
COMMAND = "/usr/local/bin/rig"
SERVICE = f"{NAME}.service"
UNIT = f"/etc/systemd/system/{SERVICE}"
WANTED = f"/etc/systemd/system/multi-user.target.wants/{SERVICE}"
UDEV_RULES = f"/etc/udev/rules.d/70-{NAME}.rules"
SYSUSERS = f"/etc/sysusers.d/{NAME}.conf"
UNSEEN = ("/home", "/root", "/run/user")
"""Folders that the service does not see (ProtectHome)."""

_USER = re.compile(r"[a-z_][a-z0-9_-]{0,30}")


@dataclass(frozen=True)
class Layout:
    """Where this installation lies.

    Attributes:
        root: `/`, or the top of a tree that is to become a computer's disk.
        user: whom the daemon runs as.

    Raises:
        BadInput: no system user can be called so, or the daemon would run as root.
    """

    root: Path = Path("/")
    user: str = NAME

    def __post_init__(self) -> None:
        if not _USER.fullmatch(self.user):
            raise BadInput(f"--user {self.user} is no name of a user", hint="use small letters and digits")
        if self.user == "root":
            raise BadInput("the daemon does not run as root", hint=f"leave out --user: it is {NAME} then")

    @property
    def is_tree(self) -> bool:
        """Whether this is about a tree, and not about this computer."""
        return self.root != Path("/")

    @property
    def is_booted(self) -> bool:
        """Whether systemd runs this very system, so that it can be told what to do."""
        return not self.is_tree and Path("/run/systemd/system").is_dir()

    def at(self, path: str) -> Path:
        """Where a path of the finished system lies now."""
        return self.root / path.lstrip("/")
