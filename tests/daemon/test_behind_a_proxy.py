"""The reverse proxy of docs/security.md: its very lines, in a real nginx with a real certificate."""

import json
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path

import pytest
import trustme

from rig.daemon.door import Listener
from rig.daemon.listening import network_socket
from tests.daemon.serving import Answer, Running, exchange, serving

NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
pytestmark = pytest.mark.skipif(NGINX is None, reason="Debian's nginx is not installed")

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"
NAME = "brickrig.local"


@dataclass
class _Proxied:
    """A daemon behind nginx, seen from in front of it."""

    running: Running
    port: int
    trust: ssl.SSLContext

    @property
    def host(self) -> str:
        return f"{NAME}:{self.port}"

    def connect(self) -> ssl.SSLSocket:
        at = Running(
            self.port,
            self.running.socket_path,
            self.running.tokens,
            self.running.sessions,
            self.running.clock,
        )
        return self.trust.wrap_socket(at.connect(), server_hostname=NAME)

    def ask(self, line: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Answer:
        told = {"Host": self.host, "Content-Length": str(len(body)), **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        with self.connect() as connection:
            return exchange(connection, f"{line} HTTP/1.1\r\n{head}\r\n".encode() + body)


def _documented() -> str:
    match = re.search(r"```nginx\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert match is not None
    return match[1]


def _put(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)


@contextmanager
def _nginx(folder: Path, server: str) -> Iterator[None]:
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log stderr notice; events {{}}"
        f"http {{ access_log off; {temporary} {server} }}"
    )
    command = [str(NGINX), "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = []
        # It listens before it starts those who answer.
        while "start worker process " not in (line := process.stderr.readline()):
            said.append(line)
            assert line, said
        try:
            yield
        finally:
            process.terminate()
            process.communicate()


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[_Proxied]:
    authority = trustme.CA()
    issued = authority.issue_cert(NAME)
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with network_socket("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    with serving(tmp_path, Listener(host_names=(NAME,))) as running:
        server = _put(_documented(), "listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;")
        server = _put(server, "/etc/ssl/certs/brickrig.pem", f"{tmp_path}/both.pem")
        server = _put(server, "/etc/ssl/private/brickrig.key", f"{tmp_path}/both.pem")
        server = _put(server, "127.0.0.1:8000", running.host)
        with _nginx(tmp_path, server):
            yield _Proxied(running, port, trust)


def test_what_it_passes_on_needs_a_token_and_works_with_one(proxied: _Proxied) -> None:
    answer = proxied.ask("GET /api/v1/state")
    assert answer.status == 401
    assert json.loads(answer.body)["detail"] == "this address needs a token"
    assert proxied.ask("GET /").status == 200
    origin = {"Origin": f"https://{proxied.host}"}
    body = json.dumps({"token": proxied.running.tokens.create("phone")}).encode()
    answer = proxied.ask("POST /api/v1/login", {**origin, "Content-Type": "application/json"}, body)
    assert answer.status == 200
    cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
    assert cookie["Cookie"].startswith(f"__Host-brickrig_{proxied.port}=")
    assert "Secure" in answer.headers["set-cookie"]
    assert proxied.ask("GET /api/v1/state", cookie).status == 200
    assert proxied.ask("POST /api/v1/jobs", {**cookie, **origin}, b"{}").status == 200
    for evil in ("https://evil.example", f"http://{proxied.host}", "null"):
        assert proxied.ask("POST /api/v1/jobs", {**cookie, "Origin": evil}, b"{}").status == 403
    # Beside it, this computer is served as ever.
    assert proxied.running.ask("GET /api/v1/state").status == 200


@pytest.mark.parametrize("lie", ["localhost:{port}", "127.0.0.1:{port}", "evil.example"])
def test_nobody_in_front_of_it_can_look_near(proxied: _Proxied, lie: str) -> None:
    asked = {"Host": lie.format(port=proxied.running.port), "X-Forwarded-For": "", "X-Forwarded-Proto": ""}
    assert proxied.ask("GET /api/v1/state", asked).status in (401, 421)
    assert proxied.running.reached == []


def test_those_in_front_of_it_are_told_apart_by_what_it_says_and_not_by_what_they_say(
    proxied: _Proxied,
) -> None:
    for number in range(5):
        asked = {"Authorization": "Bearer wrong", "X-Forwarded-For": f"192.0.2.{number}"}
        assert proxied.ask("GET /api/v1/state", asked).status == 401
    assert proxied.ask("GET /api/v1/state", {"Authorization": "Bearer wrong"}).status == 429


def test_streams_come_through_at_once(proxied: _Proxied) -> None:
    text = proxied.running.tokens.create("phone")
    with proxied.connect() as connection:
        head = f"GET /api/v1/events HTTP/1.1\r\nHost: {proxied.host}\r\nAuthorization: Bearer {text}\r\n\r\n"
        connection.sendall(head.encode())
        proxied.running.streamed.put(b"first")
        response = HTTPResponse(connection)
        response.begin()
        assert response.read1() == b"first"
        proxied.running.streamed.put(b"second")
        assert response.read1() == b"second"
