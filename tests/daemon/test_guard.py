"""Who is let in at all: every request here goes through a real server, and most are written byte by byte."""

import asyncio
import json
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send

from rig.daemon.attempts import Attempts
from rig.daemon.door import Door, Listener
from rig.daemon.guard import guarded
from rig.daemon.sessions import Sessions
from rig.daemon.tokens import TokenStore
from tests.daemon.serving import OPEN_TO_ALL, Answer, Running, exchange, serving
from tests.sim.boards import HandClock

NAMED = Listener(host_names=("brickrig.local",))


@pytest.fixture
def near(tmp_path: Path) -> Iterator[Running]:
    """A daemon on loopback, as it is without any configuration."""
    with serving(tmp_path) as running:
        yield running


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Running]:
    """A daemon that other computers reach."""
    with serving(tmp_path, OPEN_TO_ALL) as running:
        yield running


def _assert_refused(answer: Answer, status: int, says: str) -> None:
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(answer.body)
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert says in problem["detail"]


def test_this_computer_needs_no_token(near: Running) -> None:
    assert near.ask("GET /api/v1/state").status == 200
    assert json.loads(near.ask("GET /api/v1/session").body) == {"needs_token": False, "signed_in": True}


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]", "[0:0:0:0:0:0:0:1]"])
def test_names_of_this_computer_are_answered_to(near: Running, name: str) -> None:
    assert near.ask("GET /api/v1/state", {"Host": f"{name}:{near.port}"}).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "localhost", "localhost:1", "127.0.0.1", "127.1:{port}",
     "10.0.0.1:{port}", "localhost.evil.example:{port}", "brickrig.local:{port}", "[::2]:{port}"],
)  # fmt: skip
def test_a_name_of_somebody_elses_is_refused(near: Running, host: str) -> None:
    """DNS rebinding: the browser believes to speak to evil.example, whose address is now this computer's."""
    answer = near.ask("GET /", {"Host": host.format(port=near.port)})
    _assert_refused(answer, 421, "does not answer to")
    assert near.reached == []


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a b",
        "user@localhost:{port}",
        "localhost:{port}/",
        "localhost:99999",
        "[::1:{port}",
        "[localhost]:{port}",
    ],
)
def test_a_malformed_name_is_refused(near: Running, host: str) -> None:
    _assert_refused(near.ask("GET /", {"Host": host.format(port=near.port)}), 400, "Host header")
    assert near.reached == []


def test_a_request_without_a_name_is_refused(near: Running) -> None:
    with near.connect() as connection:
        _assert_refused(exchange(connection, b"GET / HTTP/1.0\r\n\r\n"), 400, "Host header")
    assert near.reached == []


def test_two_names_are_refused(near: Running) -> None:
    with near.connect() as connection:
        request = f"GET / HTTP/1.1\r\nHost: {near.host}\r\nHost: evil.example\r\n\r\n"
        assert exchange(connection, request.encode()).status == 400
    assert near.reached == []


@pytest.mark.parametrize("name", ["Origin", "Authorization", "Sec-Fetch-Site", "X-Forwarded-Proto"])
def test_a_header_that_is_there_twice_is_refused(far: Running, name: str) -> None:
    """Of two, this reader could take the first, and another one the last."""
    request = f"GET /api/v1/state HTTP/1.1\r\nHost: {far.host}\r\n{name}: a\r\n{name}: b\r\n\r\n"
    with far.connect() as connection:
        _assert_refused(exchange(connection, request.encode()), 400, "more than one")
    assert far.reached == []


def test_the_address_may_be_a_name(tmp_path: Path) -> None:
    with serving(tmp_path, Listener("Rig.example")) as running:
        assert running.ask("GET /", {"Host": f"rig.example:{running.port}"}).status == 200
        assert running.ask("GET /api/v1/state", {"Host": f"rig.example:{running.port}"}).status == 401
        assert running.ask("GET /", {"Host": "rig.example"}).status == 421


def test_a_name_that_was_configured_is_answered_to_on_any_port(tmp_path: Path) -> None:
    with serving(tmp_path, NAMED) as running:
        for host in ("brickrig.local", "BrickRig.local:8443", f"brickrig.local:{running.port}"):
            assert running.ask("GET /", {"Host": host}).status == 200
        assert running.ask("GET /", {"Host": "evil.local"}).status == 421


def test_the_address_that_a_connection_came_in_at_is_answered_to(tmp_path: Path) -> None:
    with serving(tmp_path, OPEN_TO_ALL, bind="127.0.0.2") as running:
        asked = {"Host": f"127.0.0.2:{running.port}"}
        assert running.ask("GET /", asked, address="127.0.0.2").status == 200
        asked = {"Host": f"127.0.0.3:{running.port}"}
        assert running.ask("GET /", asked, address="127.0.0.2").status == 421


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "https://{host}", "http://localhost:{port}", "http://127.0.0.1:1", "null", "",
     "{host}", "http://{host}/"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_page_of_another_address_is_refused(near: Running, method: str, origin: str) -> None:
    said = origin.format(host=near.host, port=near.port)
    path = "/api/v1/jobs" if method == "POST" else "/api/v1/state"
    _assert_refused(near.ask(f"{method} {path}", {"Origin": said}), 403, "another address")
    assert near.reached == []


def test_the_page_itself_is_let_in(near: Running) -> None:
    for host in (near.host, f"localhost:{near.port}"):
        asked = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin", "Cookie": "a=b"}
        assert near.ask("POST /api/v1/jobs", asked, b"{}").status == 200


def test_a_change_with_a_cookie_has_to_say_where_it_is_from(near: Running) -> None:
    answer = near.ask("POST /api/v1/jobs", {"Cookie": "theme=dark"}, b"{}")
    _assert_refused(answer, 403, "which page it is from")
    assert near.reached == []
    assert near.ask("POST /api/v1/jobs", body=b"{}").status == 200
    assert near.ask("GET /api/v1/state", {"Cookie": "theme=dark"}).status == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "something-new"])
@pytest.mark.parametrize("mode", ["no-cors", "cors", "navigate"])
def test_what_another_sites_page_fetches_is_refused(near: Running, site: str, mode: str) -> None:
    asked = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": "document"}
    for line in ("GET /api/v1/state", "GET /page/app.js", "POST /api/v1/jobs", "POST /"):
        _assert_refused(near.ask(line, asked), 403, "another site")
    assert near.reached == []


def test_a_link_on_another_site_leads_to_the_page(near: Running) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert near.ask("GET /", link).status == 200
    for other in ({"Sec-Fetch-Dest": "iframe"}, {"Sec-Fetch-Mode": "no-cors"}):
        _assert_refused(near.ask("GET /", {**link, **other}), 403, "another site")


def test_an_address_typed_by_a_person_is_let_in(near: Running) -> None:
    assert near.ask("GET /api/v1/state", {"Sec-Fetch-Site": "none"}).status == 200


@pytest.mark.parametrize(
    "path",
    ["/../etc/passwd", "/page/../api/v1/state", "/page/%2e%2e/api/v1/state", "/page/..%2fapi/v1/state",
     "/page/%00", "/page/..%5cstate", "/page/./app.js", "/api/v1/state%0d%0aX-Odd:1", "http://evil.example/",
     "*", "page"],
)  # fmt: skip
def test_paths_that_two_could_read_differently_lead_nowhere(far: Running, path: str) -> None:
    _assert_refused(far.ask(f"GET {path}"), 404, "nothing at this address")
    assert far.reached == []


def test_other_computers_need_a_token(far: Running) -> None:
    text = far.tokens.create("phone")
    answer = far.ask("GET /api/v1/state")
    _assert_refused(answer, 401, "needs a token")
    assert answer.headers["www-authenticate"] == 'Bearer realm="brickrig"'
    assert far.reached == []
    assert far.ask("GET /api/v1/state", {"Authorization": f"Bearer {text}"}).status == 200
    assert far.ask("GET /api/v1/state", {"Authorization": f"bearer {text}"}).status == 200


def test_without_any_token_nobody_is_let_in(far: Running) -> None:
    assert far.ask("GET /api/v1/state").status == 401
    assert far.ask("GET /api/v1/state", {"Authorization": "Bearer "}).status == 401
    assert far.ask("GET /api/v1/state", {"Authorization": "Basic YTpi"}).status == 401
    assert far.reached == []


@pytest.mark.parametrize("path", ["/", "/page/app.js", "/health", "/api/v1/health", "/api/v1/session"])
def test_what_signing_in_takes_needs_no_token(far: Running, path: str) -> None:
    assert far.ask(f"GET {path}").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/pages",
        "/page",
        "/healthy",
        "/api/v1/sessions",
        "/api/v1/login/x",
        "//",
        "/API/V1/HEALTH",
    ],
)
def test_everything_else_does(far: Running, path: str) -> None:
    _assert_refused(far.ask(f"GET {path}"), 401, "needs a token")


def test_a_revoked_token_opens_nothing(far: Running) -> None:
    asked = {"Authorization": f"Bearer {far.tokens.create('phone')}"}
    other = {"Authorization": f"Bearer {far.tokens.create('tablet')}"}
    assert far.ask("GET /api/v1/state", asked).status == 200
    far.tokens.revoke("phone")
    _assert_refused(far.ask("GET /api/v1/state", asked), 401, "no such token")
    assert far.ask("GET /api/v1/state", other).status == 200


def test_a_live_stream_ends_when_its_token_is_revoked(far: Running) -> None:
    text = far.tokens.create("phone")
    request = f"GET /api/v1/events HTTP/1.1\r\nHost: {far.host}\r\nAuthorization: Bearer {text}\r\n\r\n"
    with far.connect() as connection:
        connection.sendall(request.encode())
        far.streamed.put(b"before")
        response = HTTPResponse(connection)
        response.begin()
        assert response.read1() == b"before"
        far.tokens.revoke("phone")
        far.streamed.put(b"after")
        assert response.read() == b""
        # The connection is left as it should be.
        assert (
            exchange(connection, f"GET /health HTTP/1.1\r\nHost: {far.host}\r\n\r\n".encode()).status == 200
        )


def test_a_damaged_file_of_tokens_lets_nobody_in(far: Running, tmp_path: Path) -> None:
    text = far.tokens.create("phone")
    (tmp_path / "tokens.json").write_text('{"version": 1, "tokens": ')
    for asked in ({"Authorization": f"Bearer {text}"}, {"Authorization": "Bearer wrong"}):
        _assert_refused(far.ask("GET /api/v1/state", asked), 503, "cannot read its tokens")
    _assert_refused(far.ask("GET /api/v1/state"), 401, "needs a token")
    (tmp_path / "tokens.json").unlink()
    assert far.ask("GET /api/v1/state", {"Authorization": f"Bearer {text}"}).status == 401
    assert far.reached == []


def test_the_unix_socket_needs_no_token_and_no_name(tmp_path: Path) -> None:
    with serving(tmp_path, OPEN_TO_ALL) as running:
        assert running.ask_over_socket("GET /api/v1/state").status == 200
        asked = {"Host": "any.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert running.ask_over_socket("POST /api/v1/jobs", asked, b"{}").status == 200
        session = running.ask_over_socket("GET /api/v1/session", {"Host": "?"})
        assert json.loads(session.body) == {"needs_token": False, "signed_in": True}


def test_a_host_header_makes_no_unix_socket_of_the_network(far: Running) -> None:
    for host in ("rig", "", "/run/brickrig.socket"):
        assert far.ask("GET /api/v1/state", {"Host": host}).status in (400, 421)
    assert far.reached == []


def test_what_a_proxy_passes_on_needs_a_token(tmp_path: Path) -> None:
    with serving(tmp_path, NAMED) as running:
        text = running.tokens.create("phone")
        # By its name, by what the proxy adds, or both; over the Unix socket as well.
        asked = {"Host": "brickrig.local"}
        added = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
        _assert_refused(running.ask("GET /api/v1/state", asked), 401, "needs a token")
        _assert_refused(running.ask("GET /api/v1/state", added), 401, "needs a token")
        _assert_refused(
            running.ask("GET /api/v1/state", {"Forwarded": "for=192.0.2.7"}), 401, "needs a token"
        )
        _assert_refused(
            running.ask_over_socket("GET /api/v1/state", {**asked, **added}), 401, "needs a token"
        )
        shown = {**asked, **added, "Authorization": f"Bearer {text}"}
        assert running.ask("GET /api/v1/state", shown).status == 200
        assert (
            running.ask("POST /api/v1/jobs", {**shown, "Origin": "https://brickrig.local"}, b"{}").status
            == 200
        )
        assert (
            running.ask("POST /api/v1/jobs", {**shown, "Origin": "http://brickrig.local"}, b"{}").status
            == 403
        )
        assert running.ask_over_socket("GET /api/v1/state", shown).status == 200
        assert running.ask_over_socket("GET /api/v1/state", {**shown, "Host": "evil.example"}).status == 421


def test_head_is_get_without_its_body(near: Running) -> None:
    """Also of what never ends: nothing goes on behind the answer."""
    with near.connect() as connection:
        for path in ("/", "/api/v1/state", "/api/v1/events", "/api/v1/state"):
            asked = f"HEAD {path} HTTP/1.1\r\nHost: {near.host}\r\n\r\n".encode()
            near.streamed.put(b"data: never seen\n\n")
            answer = exchange(connection, asked)
            assert (answer.status, answer.body) == (200, b"")
            if path != "/api/v1/events":
                whole = near.ask(f"GET {path}")
                assert answer.headers["content-length"] == str(len(whole.body))
                assert answer.headers["content-type"] == whole.headers["content-type"]
    assert near.ask("HEAD /", {"Host": "evil.example"}).status == 421


def test_a_websocket_is_refused(near: Running) -> None:
    asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
             "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="}  # fmt: skip
    assert near.ask("GET /api/v1/state", {**asked, "Origin": "http://evil.example"}).status == 403
    assert near.reached == []


def test_a_server_that_knows_websockets_gets_none_either(tmp_path: Path) -> None:
    """Ours does not: what it would hand on is handed on here."""
    sent = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("it was reached")

    clock = HandClock()
    door = Door(Listener(), TokenStore(tmp_path / "tokens.json"), Sessions(clock), Attempts(clock))
    scope = {"type": "websocket", "path": "/", "headers": [], "server": ("127.0.0.1", 8000)}
    asyncio.run(guarded(app, door)(scope, None, send))  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]
