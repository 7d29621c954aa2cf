"""TLS of the daemon's own: real certificates, a real handshake, and one clear line where a file is wrong."""

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from rig.daemon.tls import TlsPair, check_tls
from rig.errors import ConfigError
from tests.daemon.serving import OPEN_TO_ALL, Running, exchange, serving


@dataclass(frozen=True)
class _Files:
    certificate: Path
    key: Path
    other_key: Path
    locked_key: Path
    trust: ssl.SSLContext


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> _Files:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost", "brickrig.local")
    made = _Files(
        folder / "cert.pem",
        folder / "key.pem",
        folder / "other.pem",
        folder / "locked.pem",
        ssl.create_default_context(),
    )
    for number, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(made.certificate, append=number > 0)
    issued.private_key_pem.write_to_path(made.key)
    authority.issue_cert("localhost").private_key_pem.write_to_path(made.other_key)
    key = load_pem_private_key(made.key.read_bytes(), None)
    made.locked_key.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    )
    authority.configure_trust(made.trust)
    return made


@pytest.fixture
def far(tmp_path: Path, files: _Files) -> Iterator[Running]:
    with serving(tmp_path, OPEN_TO_ALL, tls=check_tls(files.certificate, files.key)) as running:
        running.trust = files.trust
        yield running


def test_a_browser_that_trusts_the_certificate_is_served(far: Running) -> None:
    text = far.tokens.create("phone")
    assert far.ask("GET /api/v1/state", {"Authorization": f"Bearer {text}"}).status == 200
    connection = far.connect()
    with connection:
        assert isinstance(connection, ssl.SSLSocket)
        assert connection.version() in ("TLSv1.2", "TLSv1.3")


def test_signing_in_over_tls_gives_a_secure_cookie(far: Running) -> None:
    text = far.tokens.create("phone")
    asked = {"Origin": f"https://{far.host}", "Content-Type": "application/json"}
    answer = far.ask("POST /api/v1/login", asked, json.dumps({"token": text}).encode())
    assert answer.status == 200
    pair, *attributes = (part.strip() for part in answer.headers["set-cookie"].split(";"))
    assert pair.startswith(f"__Host-brickrig_{far.port}=")
    assert {attribute.lower() for attribute in attributes} == {
        "secure",
        "httponly",
        "samesite=strict",
        "path=/",
    }
    cookie = {"Cookie": pair}
    assert far.ask("GET /api/v1/state", cookie).status == 200
    assert far.ask("POST /api/v1/jobs", {**cookie, "Origin": f"https://{far.host}"}, b"{}").status == 200
    # Whoever stands between can make up pages of http: theirs is another origin.
    assert far.ask("POST /api/v1/jobs", {**cookie, "Origin": f"http://{far.host}"}, b"{}").status == 403


def test_without_tls_nothing_is_said_on_its_port(far: Running) -> None:
    with socket.create_connection(("127.0.0.1", far.port), timeout=30) as plain:
        plain.sendall(f"GET / HTTP/1.1\r\nHost: {far.host}\r\n\r\n".encode())
        with suppress(ConnectionResetError):
            assert b"HTTP" not in plain.recv(1000)
    assert far.reached == []


def test_who_does_not_trust_the_certificate_learns_so(far: Running) -> None:
    far.trust = ssl.create_default_context()
    with pytest.raises(ssl.SSLCertVerificationError):
        far.ask("GET /")


def test_the_unix_socket_stays_plain(far: Running) -> None:
    assert far.ask_over_socket("GET /api/v1/state").status == 200


def test_a_pair_that_fits_is_taken_and_none_is_none(files: _Files) -> None:
    assert check_tls(files.certificate, files.key) == TlsPair(files.certificate, files.key)
    assert check_tls(None, None) is None


def test_one_without_the_other_is_refused(files: _Files) -> None:
    with pytest.raises(ConfigError, match="--tls-cert needs --tls-key as well"):
        check_tls(files.certificate, None)
    with pytest.raises(ConfigError, match="--tls-key needs --tls-cert as well"):
        check_tls(None, files.key)


def test_files_that_are_wrong_are_told_in_one_line(files: _Files, tmp_path: Path) -> None:
    nowhere, broken, empty = tmp_path / "nowhere.pem", tmp_path / "broken.pem", tmp_path / "empty.pem"
    content = files.certificate.read_bytes()
    broken.write_bytes(content[:200] + content[300:])
    empty.touch()
    for certificate, key, says in (
        (nowhere, files.key, f"{nowhere} cannot be read: No such file or directory"),
        (files.certificate, nowhere, f"{nowhere} cannot be read: No such file or directory"),
        (tmp_path, files.key, f"{tmp_path} cannot be read: Is a directory"),
        (empty, files.key, f"{empty} holds no certificate in PEM form"),
        (files.key, files.certificate, f"{files.key} holds no certificate in PEM form"),
        (files.certificate, files.certificate, f"{files.certificate} holds no private key in PEM form"),
        (files.certificate, files.other_key, f"{files.other_key} is not the key of {files.certificate}"),
        (files.certificate, files.locked_key, f"{files.locked_key} is locked by a passphrase"),
        (broken, files.key, f"{broken} and {files.key} cannot be used: "),
    ):
        with pytest.raises(ConfigError) as caught:
            check_tls(certificate, key)
        assert caught.value.what.startswith(says)
        assert "\n" not in str(caught.value)
        assert "PEM" in caught.value.hint or "path" in caught.value.hint


def test_a_plain_request_over_tls_is_http(far: Running) -> None:
    """Byte by byte, as everywhere: Host without the port is that of port 443."""
    with far.connect() as connection:
        assert exchange(connection, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").status == 421
