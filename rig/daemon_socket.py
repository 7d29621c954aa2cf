"""Where the commands of this computer find the daemon of a rig."""

import hashlib
import os
from pathlib import Path

from rig.config import Config
from rig.owner import rig_name, runtime_folder

SERVICE_FOLDER = Path("/run/brickrig")
"""Where the socket of the installed service is."""


def socket_to_serve(config: Config) -> Path:
    """Where the daemon of a rig listens: as rig.toml says, or in the folder that systemd gave the service."""
    if config.daemon.socket:
        return Path(config.daemon.socket)
    given = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return (Path(given) if given else runtime_folder()) / _name(config)


def sockets_to_try(config: Config, *, anywhere: bool) -> list[Path]:
    """Where a daemon of this rig may listen.

    Args:
        anywhere: whichever rig the installed service has is meant, too, since nothing says otherwise.
    """
    if config.daemon.socket:
        return [Path(config.daemon.socket)]
    own = [runtime_folder() / _name(config), SERVICE_FOLDER / _name(config)]
    return [*own, *(sorted(SERVICE_FOLDER.glob("*.sock")) if anywhere else ())]


def _name(config: Config) -> str:
    return f"{hashlib.sha256(rig_name(config).encode()).hexdigest()[:16]}.sock"
