"""Bodies are bounded, however their size is told, before the app sees anything of them."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import Message

from rig.daemon.bodies import LIMIT, LIMITS, bounded
from rig.daemon.refusal import Refusal
from tests.daemon.serving import Answer, Running, exchange, read_answer, serving

CHUNKED = {"Transfer-Encoding": "chunked"}


@pytest.fixture
def near(tmp_path: Path) -> Iterator[Running]:
    with serving(tmp_path) as running:
        yield running


def _chunked(body: bytes, size: int = 1000) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"


def _assert_too_large(answer: Answer, says: str) -> None:
    assert answer.status == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.body)["detail"] == f"the request's body is larger than {says}"


@pytest.mark.parametrize("over_socket", [False, True])
def test_a_body_up_to_the_limit_is_taken_and_one_byte_more_is_not(near: Running, over_socket: bool) -> None:
    ask = near.ask_over_socket if over_socket else near.ask
    assert json.loads(ask("POST /api/v1/jobs", body=bytes(LIMIT)).body) == {"bytes": LIMIT}
    assert json.loads(ask("POST /api/v1/jobs", CHUNKED, _chunked(bytes(LIMIT))).body) == {"bytes": LIMIT}
    reached = len(near.reached)
    _assert_too_large(ask("POST /api/v1/jobs", body=bytes(LIMIT + 1)), "64 KiB")
    _assert_too_large(ask("POST /api/v1/jobs", CHUNKED, _chunked(bytes(LIMIT + 1))), "64 KiB")
    assert len(near.reached) == reached


@pytest.mark.parametrize(
    ("path", "says"), [("/api/v1/classify", "16 MiB"), ("/api/v1/inventory/progress", "4 MiB")]
)
def test_pictures_and_lists_may_be_larger(near: Running, path: str, says: str) -> None:
    limit = LIMITS[path]
    assert json.loads(near.ask(f"POST {path}", body=bytes(limit)).body) == {"bytes": limit}
    _assert_too_large(near.ask(f"POST {path}", {"Content-Length": str(limit + 1)}), says)
    body = _chunked(bytes(limit + 1), 100_000)
    _assert_too_large(near.ask(f"POST {path}", CHUNKED, body), says)


def test_a_larger_limit_is_for_that_path_only(near: Running) -> None:
    _assert_too_large(near.ask("POST /api/v1/classify/", body=bytes(LIMIT + 1)), "64 KiB")
    _assert_too_large(near.ask("GET /api/v1/state", body=bytes(LIMIT + 1)), "64 KiB")


def test_a_size_that_is_only_claimed_is_refused_before_a_byte_of_it_is_sent(near: Running) -> None:
    claims = "Content-Length: 99999999999\r\nExpect: 100-continue"
    head = f"POST /api/v1/jobs HTTP/1.1\r\nHost: {near.host}\r\n{claims}\r\n\r\n"
    with near.connect() as connection:
        _assert_too_large(exchange(connection, head.encode()), "64 KiB")


def test_chunks_without_end_are_refused_while_they_come(near: Running) -> None:
    head = f"POST /api/v1/jobs HTTP/1.1\r\nHost: {near.host}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with near.connect() as connection:
        connection.sendall(head.encode() + _chunked(bytes(2 * LIMIT)).removesuffix(b"0\r\n\r\n"))
        _assert_too_large(read_answer(connection, "POST"), "64 KiB")
    assert near.reached == []


def test_whoever_may_not_come_in_may_not_send_either(near: Running) -> None:
    answer = near.ask("POST /api/v1/classify", {"Host": "evil.example", "Content-Length": "1000000"})
    assert answer.status == 421
    assert near.reached == []


def test_a_body_that_does_not_come_is_not_waited_for_for_ever() -> None:
    begun = False

    async def receive() -> Message:
        nonlocal begun
        if begun:
            await asyncio.Event().wait()
        begun = True
        return {"type": "http.request", "body": b"half of", "more_body": True}

    scope = {"path": "/", "headers": [(b"content-length", b"14")]}
    with pytest.raises(Refusal) as caught:
        asyncio.run(bounded(scope, receive, LIMITS, patience_s=0.01))
    assert caught.value.status == 408
    assert caught.value.headers == {"Connection": "close"}
