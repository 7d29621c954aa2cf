"""The plan of an installation, from the wishes of whoever installs to steps."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rig.config import Config
from rig.daemon.service.account import Account, CopyConfig, DataFolder, sysusers_text
from rig.daemon.service.environment import (
    AllEnvironments,
    EarlierEnvironments,
    Environment,
    fits_tree,
    has_picamera2,
    service_python,
)
from rig.daemon.service.layout import (
    COMMAND,
    CONFIG,
    DATA,
    NAME,
    PROGRAM,
    SERVICE,
    SYSUSERS,
    UDEV_RULES,
    UNIT,
    UNSEEN,
    WANTED,
    Layout,
)
from rig.daemon.service.running import Running
from rig.daemon.service.source import Source
from rig.daemon.service.steps import MakeLink, Plan, Step, Tell, WriteFile, doing, seen
from rig.daemon.service.udev import Board, rules_text
from rig.daemon.service.unit import unit_text

_UDEV = (
    ("udevadm", "control", "--reload"),
    ("udevadm", "trigger", "--action=change", "--subsystem-match=tty", "--subsystem-match=usb"),
)


@dataclass(frozen=True)
class Wishes:
    """What whoever installs has asked for.

    Attributes:
        source: what is installed; None: what is installed already.
        config_file: the rig.toml that the daemon gets if it has none.
        config: what is in that.
        board: the one among several that is called /dev/brickrig-board; None: whichever there is.
    """

    source: Source | None
    config_file: Path | None = None
    config: Config | None = None
    board: Board | None = None


def install_plan(layout: Layout, wishes: Wishes) -> Plan:
    """What has to be done so that the rig is a service; nothing is done yet.

    Raises:
        BadInput: the Python that runs cannot be used by a service.
    """
    remarks = [*_about_config(layout, wishes), *_about_command(layout)]
    program: list[Step] = []
    if wishes.source is not None:
        python = service_python()
        if not layout.is_tree or fits_tree(layout, python):
            program = [Environment(layout, wishes.source, python, has_picamera2(layout, python))]
        else:
            remarks.append(
                f"The environment is left out: the tree has no {python} for this processor."
                " Run rig service install inside it, in a chroot or once it has booted."
            )
    config = [CopyConfig(layout, path, path.read_bytes()) for path in [wishes.config_file] if path]
    if layout.is_tree:
        remarks.append(f"The user is made when the tree boots, or by: systemd-sysusers --root={layout.root}")
    elif not layout.is_booted:
        remarks.append("systemd does not run here: it starts the daemon when it does.")
    return doing(steps(layout, config=config, program=program, rules=rules_text(wishes.board)), remarks)


def steps(
    layout: Layout,
    *,
    config: Sequence[Step] = (),
    program: Sequence[Step] = (),
    rules: str = "",
    purge: bool = False,
) -> list[Step]:
    """All steps, in the order in which they are done; undone, they are from the last one to the first.

    Args:
        config: what brings a rig.toml.
        program: what brings the program.
        rules: of udev.
        purge: undoing them removes what the daemon has kept as well.
    """
    account: list[Step] = [] if layout.is_tree else [Account(layout, purge)]
    forget: list[Step] = []
    running: list[Step] = []
    if layout.is_booted:
        # A container has systemd without udev.
        read = (("systemctl", "daemon-reload"), *(_UDEV if Path("/run/udev/control").exists() else ()))
        # Told to forget the files when they are gone, and to read them when they are there.
        forget = [Tell("", "Have systemd and udev forget them", read)]
        running = [Tell("Have systemd and udev read them", "", read), Running(layout)]
    command = [] if _is_taken(layout) else [_command_link(layout)]
    return [
        WriteFile(layout, SYSUSERS, "which user and groups there are", sysusers_text(layout)),
        *account,
        DataFolder(layout, purge),
        *config,
        AllEnvironments(layout),
        *program,
        *command,
        *forget,
        WriteFile(layout, UDEV_RULES, "a stable name for the board, no ModemManager on it", rules),
        WriteFile(layout, UNIT, "the hardened unit", unit_text(layout.user)),
        MakeLink(layout, WANTED, f"../{SERVICE}", "started when the computer is"),
        *running,
        EarlierEnvironments(layout),
    ]


def _command_link(layout: Layout) -> MakeLink:
    return MakeLink(layout, COMMAND, PROGRAM, "the command for everybody")


def _is_taken(layout: Layout) -> bool:
    """Whether another program is called as ours would be."""
    return os.path.lexists(layout.at(COMMAND)) and not _command_link(layout).is_done()


def _about_command(layout: Layout) -> list[str]:
    taken = f"{COMMAND} is another program and stays: the service's own is {PROGRAM}."
    return [taken] if _is_taken(layout) else []


def _about_config(layout: Layout, wishes: Wishes) -> list[str]:
    """What becomes of rig.toml, and what it no longer finds in another folder."""
    if seen(lambda: os.path.lexists(layout.at(CONFIG))):
        return [f"{CONFIG} is there and stays as it is."] if wishes.config_file else []
    config = wishes.config
    if config is None:
        return [f"There is no {CONFIG}: until there is, the daemon runs a simulated rig."]
    remarks = [
        f"{name} = {path} in [paths] is outside {DATA}: the service may write there only if"
        f" ReadWritePaths= says so (systemctl edit {NAME})."
        for name, path in config.paths
        if path.is_absolute() and not path.is_relative_to(DATA)
    ]
    named = _named_in(config)
    if missing := [str(path) for path in named if not path.is_absolute()]:
        remarks.append(f"Not copied, and looked for in {DATA}: {', '.join(missing)}.")
    if unseen := [str(path) for path in named if any(path.is_relative_to(folder) for folder in UNSEEN)]:
        remarks.append(f"In somebody's home, which the service does not see: {', '.join(unseen)}.")
    return remarks


def _named_in(config: Config) -> list[Path]:
    """The files and folders that a rig.toml names, and that the daemon reads; each once."""
    daemon, mqtt = config.daemon, config.mqtt
    texts = [daemon.tls_cert, daemon.tls_key, mqtt.ca_file, mqtt.password_file]
    paths = [config.sorting.categories, *(bin_.wanted for bin_ in config.bins), config.sim.ldraw]
    return list(dict.fromkeys([*(path for path in paths if path), *(Path(text) for text in texts if text)]))
