"""The sockets that the daemon listens on, and how uvicorn serves them."""

import contextlib
import errno
import logging
import os
import socket
import stat
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from rig.daemon.connections import Connection
from rig.daemon.tls import TlsPair
from rig.errors import ConfigError, RigBusy, StorageError
from rig.files import storage_errors

_BACKLOG = 128
_IP_FREEBIND = 15  # ip(7); Python has no name for it
_log = logging.getLogger(__name__)


def network_socket(address: str, port: int, *, beforehand: bool = False) -> socket.socket:
    """Listen on the network.

    Args:
        address: an IP address of this computer, or `localhost`.
        port: 0 for any that is free.
        beforehand: listen also on an address that this computer has not got yet.

    Raises:
        ConfigError: it cannot be listened on.
    """
    try:
        family, _, _, _, where = socket.getaddrinfo(
            address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        try:
            listening = socket.create_server(
                where[:2], family=family, backlog=_BACKLOG, dualstack_ipv6=address == "::"
            )
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL or not beforehand:
                raise
            listening = _listening_beforehand(family, where[:2])
            _log.warning("this computer has not got the address %s yet", address)
        # Connections inherit it. asyncio sets it only where the socket says its protocol; without it the
        # second packet of an answer waits 40 ms for the first to be acknowledged.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        # Python appends the address to what the system says.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise ConfigError(
            f"the daemon cannot listen on {address}, port {port}: {reason}",
            hint="change address or port in [daemon], or end what uses the port",
        ) from error


def _listening_beforehand(family: int, where: tuple[object, ...]) -> socket.socket:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        listening.bind(where)
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def unix_socket(path: Path, *, mode: int = 0o600) -> socket.socket:
    """Listen on a Unix socket; a socket that was left over there is replaced.

    Args:
        mode: who may open it, and with that control the rig: there is no moment when more may.

    Raises:
        RigBusy: somebody listens on it.
        StorageError: it cannot be made there.
    """
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with storage_errors(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _remove_leftover(path)
            # On Linux the file gets what its descriptor has, less the umask.
            os.fchmod(listening.fileno(), mode)
            try:
                listening.bind(os.fspath(path))
            except OSError as error:
                if error.errno is None:  # Python's own: the path is longer than the system can have
                    raise StorageError(
                        f"{path} is too long for a socket", hint="choose a shorter one"
                    ) from None
                raise
            path.chmod(mode)
            listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def uvicorn_config(app: ASGIApp, tls: TlsPair | None = None) -> uvicorn.Config:
    """How uvicorn serves the guarded app.

    The Unix socket and the network need one each: sockets that share a configuration share its TLS.
    """
    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        # Otherwise any program on this computer could say that it is another one, by a header.
        proxy_headers=False,
        server_header=False,
        log_config=None,
        # Its warnings are of what strangers send: they could fill the log with them.
        log_level="error",
        access_log=False,
        # Live pictures never end by themselves, and the service has to, within five seconds.
        timeout_graceful_shutdown=2,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )


def _remove_leftover(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise StorageError(f"{path} is no socket", hint="move it away, or name another socket in [daemon]")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, contextlib.suppress(OSError):
        probe.connect(os.fspath(path))
        raise RigBusy(f"another daemon listens on {path}", hint="end it first")
    path.unlink(missing_ok=True)
