"""The certificate and key of `--tls-cert` and `--tls-key`."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from rig.errors import ConfigError

_PAIR = (
    "give the certificate (with those that it was signed by) and its key as PEM files without a passphrase"
)


@dataclass(frozen=True)
class TlsPair:
    """Files that were found to fit each other."""

    certificate: Path
    key: Path


def check_tls(certificate: Path | None, key: Path | None) -> TlsPair | None:
    """See that a certificate and its key can be used; None where neither is given.

    Raises:
        ConfigError: only one is given, one cannot be read, is no PEM file or is locked by a passphrase, or
            they do not fit each other.
    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        given, missing = ("--tls-key", "--tls-cert") if certificate is None else ("--tls-cert", "--tls-key")
        raise ConfigError(f"{given} needs {missing} as well", hint=_PAIR)
    for path, what in ((certificate, "certificate"), (key, "private key")):
        if f"{what.upper()}-----".encode() not in _content(path):
            raise ConfigError(f"{path} holds no {what} in PEM form", hint=_PAIR)
    try:
        # The password is never asked for at a terminal, which a service does not have.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_no_passphrase)
    except _Locked:
        raise ConfigError(f"{key} is locked by a passphrase", hint=_PAIR) from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ConfigError(f"{key} is not the key of {certificate}", hint=_PAIR) from None
        raise ConfigError(f"{certificate} and {key} cannot be used: {_reason(error)}", hint=_PAIR) from None
    return TlsPair(certificate, key)


class _Locked(Exception):
    """OpenSSL asked for a passphrase."""


def _no_passphrase() -> bytes:
    raise _Locked


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        hint = "see that the path is right, and that the daemon's user may read it"
        raise ConfigError(f"{path} cannot be read: {error.strerror}", hint=hint) from error


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "they are damaged").lower().replace("_", " ")
