"""What comes before a request is one: too slow, too many, or no HTTP at all."""

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from rig.daemon import connections
from tests.daemon.serving import Answer, Running, exchange, read_answer, serving


@pytest.fixture
def near(tmp_path: Path) -> Iterator[Running]:
    with serving(tmp_path) as running:
        yield running


def _request(running: Running, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {running.host}\r\n\r\n".encode()


def _has_ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_the_head_of_a_request_is_not_waited_for_for_ever(
    near: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "PATIENCE_S", 0.2)
    with near.connect() as follower, near.connect() as silent, near.connect() as slow:
        follower.sendall(_request(near, "/api/v1/events"))
        assert follower.recv(12) == b"HTTP/1.1 200"
        exchange(slow, _request(near, "/api/v1/state"))
        slow.settimeout(0.01)
        sent = 0
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while sent < 10_000:
                # Each byte is a sign of life, and none of them the end.
                slow.sendall(b"G")
                sent += 1
                try:
                    if slow.recv(1) == b"":
                        raise ConnectionResetError
                except TimeoutError:
                    pass
        assert _has_ended(silent)
        # Whoever has asked may listen for as long as there is something to be told.
        near.streamed.put(b"data: later\n\n")
        while b"data: later" not in follower.recv(65536):
            pass


def test_no_more_are_taken_than_there_is_room_for(near: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 3)
    with ExitStack() as stack:
        inside = [stack.enter_context(near.connect()) for _ in range(3)]
        for connection in inside:
            assert exchange(connection, _request(near, "/api/v1/state")).status == 200
        with near.connect() as one_more:
            assert _has_ended(one_more)
        # The Unix socket has room of its own.
        assert near.ask_over_socket("GET /api/v1/state").status == 200
        inside.pop().close()
        assert _once_let_in(near).status == 200


def _once_let_in(running: Running) -> Answer:
    """The server sees a little later that somebody has gone."""
    for _ in range(1000):
        try:
            return running.ask("GET /api/v1/state")
        except ConnectionError:
            continue
    raise AssertionError("nobody is let in any more")


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + 20_000 * b"x",
    ],
)
def test_what_is_no_http_is_answered_as_every_other_error(near: Running, said: bytes) -> None:
    with near.connect() as connection:
        connection.sendall(said)
        answer = read_answer(connection)
        assert answer.status == 400
        assert answer.headers["content-type"] == "application/problem+json"
        document = json.loads(answer.body)
        assert document["status"] == 400 and document["detail"] and document["hint"]
        assert _has_ended(connection)
    assert near.ask("GET /api/v1/state").status == 200


def test_what_strangers_send_leaves_nothing_in_the_log(
    near: Running, caplog: pytest.LogCaptureFixture
) -> None:
    head = f"POST /api/v1/jobs HTTP/1.1\r\nHost: {near.host}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with near.connect() as connection:
        connection.sendall(head.encode() + 5 * (b"4000\r\n" + bytes(0x4000) + b"\r\n"))
        assert read_answer(connection, "POST").status == 413
        # After its answer, which is all that it gets.
        connection.sendall(b"no size of a chunk\r\n")
        assert _has_ended(connection)
    assert near.ask("GET /api/v1/state", {"Connection": "upgrade", "Upgrade": "websocket"}).status == 200
    with near.connect() as connection:
        assert exchange(connection, b"GET /\r\n\r\n").status == 400
    assert caplog.records == []
