"""Network addresses on the command line."""

from rig.errors import BadInput

_LOOPBACK = "127.0.0.1"


def host_and_port(option: str, text: str) -> tuple[str, int]:
    """What `[HOST:]PORT` says; without a host, this machine alone.

    Raises:
        BadInput: it is no such thing.
    """
    host, _, port = text.rpartition(":")
    if text.startswith(":") or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise BadInput(f"{option} {text} is no address", hint=f"such as: {option} {_LOOPBACK}:8080")
    return host or _LOOPBACK, int(port)
