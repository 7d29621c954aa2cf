"""Signing in and out of the page, and what becomes of sessions, through a real server."""

import json
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rig.daemon.attempts import MOST_OF_ALL, MOST_OF_ONE, WINDOW_S, Attempts
from rig.daemon.door import Door, Listener
from rig.daemon.refusal import Refusal
from rig.daemon.sessions import DISUSED_S, Sessions
from rig.daemon.tokens import TokenStore
from tests.daemon.serving import OPEN_TO_ALL, Answer, Running, serving
from tests.sim.boards import HandClock


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Running]:
    with serving(tmp_path, OPEN_TO_ALL) as running:
        yield running


def _log_in(running: Running, text: str, headers: dict[str, str] | None = None) -> Answer:
    asked = {"Origin": f"http://{running.host}", "Content-Type": "application/json", **(headers or {})}
    return running.ask("POST /api/v1/login", asked, json.dumps({"token": text}).encode())


def _cookie(answer: Answer) -> dict[str, str]:
    assert answer.status == 200, answer
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


def _attributes(answer: Answer) -> set[str]:
    return {attribute.strip().lower() for attribute in answer.headers["set-cookie"].split(";")[1:]}


def _may_ask(running: Running, asked: dict[str, str]) -> bool:
    answer = running.ask("GET /api/v1/state", asked)
    assert answer.status in (200, 401)
    return answer.status == 200


def test_a_token_is_shown_once_and_the_session_does_the_rest(far: Running) -> None:
    text = far.tokens.create("phone")
    before = json.loads(far.ask("GET /api/v1/session").body)
    assert before == {"needs_token": True, "signed_in": False}
    answer = _log_in(far, f" {text}\n")
    assert json.loads(answer.body) == {"needs_token": True, "signed_in": True}
    cookie = _cookie(answer)
    assert text not in cookie["Cookie"]
    assert _may_ask(far, cookie)
    assert json.loads(far.ask("GET /api/v1/session", cookie).body) == {"needs_token": True, "signed_in": True}
    changes = {**cookie, "Origin": f"http://{far.host}"}
    assert far.ask("POST /api/v1/jobs", changes, b"{}").status == 200


def test_the_cookie_is_for_our_page_alone(far: Running) -> None:
    answer = _log_in(far, far.tokens.create("phone"))
    assert _attributes(answer) == {"httponly", "samesite=strict", "path=/"}
    name, _, session_id = _cookie(answer)["Cookie"].partition("=")
    assert name == f"brickrig_{far.port}"
    assert len(session_id) == 43  # 256 bits


def test_behind_a_proxy_with_tls_the_cookie_is_secure(tmp_path: Path) -> None:
    with serving(tmp_path, Listener(host_names=("brickrig.local",))) as running:
        proxied = {"Host": "brickrig.local", "Origin": "https://brickrig.local", "X-Forwarded-Proto": "https"}
        answer = _log_in(running, running.tokens.create("phone"), proxied)
        assert _attributes(answer) == {"httponly", "samesite=strict", "path=/", "secure"}
        assert _cookie(answer)["Cookie"].startswith("__Host-brickrig_443=")
        assert _may_ask(running, {**proxied, **_cookie(answer)})
        # The same cookie over plain HTTP is none.
        assert not _may_ask(running, {"Host": "brickrig.local", **_cookie(answer)})


def test_a_change_with_the_cookie_from_another_page_is_refused(far: Running) -> None:
    cookie = _cookie(_log_in(far, far.tokens.create("phone")))
    assert far.ask("POST /api/v1/jobs", cookie, b"{}").status == 403
    assert far.ask("POST /api/v1/jobs", {**cookie, "Origin": "http://evil.example"}, b"{}").status == 403
    assert "/api/v1/jobs" not in far.reached


def test_signing_out_ends_the_session(far: Running) -> None:
    text = far.tokens.create("phone")
    first, second = _cookie(_log_in(far, text)), _cookie(_log_in(far, text))
    answer = far.ask("POST /api/v1/logout", {**first, "Origin": f"http://{far.host}"})
    assert answer.status == 204
    assert "max-age=0" in _attributes(answer)
    assert not _may_ask(far, first)
    assert _may_ask(far, second)


def test_signing_in_anew_ends_the_session_before(far: Running) -> None:
    text = far.tokens.create("phone")
    first = _cookie(_log_in(far, text))
    second = _cookie(_log_in(far, text, first))
    assert not _may_ask(far, first)
    assert _may_ask(far, second)
    assert len(far.sessions) == 1


def test_revoking_its_token_ends_a_session(far: Running) -> None:
    cookie = _cookie(_log_in(far, far.tokens.create("phone")))
    other = _cookie(_log_in(far, far.tokens.create("tablet")))
    far.tokens.revoke("phone")
    assert not _may_ask(far, cookie)
    far.tokens.create("phone")  # of the same name, but another
    assert not _may_ask(far, cookie)
    assert _may_ask(far, other)


def test_a_session_ends_after_twelve_hours_without_use(far: Running) -> None:
    cookie = _cookie(_log_in(far, far.tokens.create("phone")))
    for _ in range(3):
        far.clock.sleep(DISUSED_S - 1)
        assert _may_ask(far, cookie)
    far.clock.sleep(DISUSED_S)
    assert not _may_ask(far, cookie)


def test_a_made_up_cookie_opens_nothing(far: Running) -> None:
    cookie = _cookie(_log_in(far, far.tokens.create("phone")))
    name, _, session_id = cookie["Cookie"].partition("=")
    for made_up in (
        f"{name}={session_id[:-1]}",
        f"{name}=",
        name,
        f"brickrig={session_id}",
        f"x{name}={session_id}",
    ):
        assert not _may_ask(far, {"Cookie": made_up})
    assert _may_ask(far, {"Cookie": f"theme=dark; {name}={session_id}; b=c"})


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"token": ""}', b'{"token": 5}', b'{"token": "x", "more": 1}',
     b'{"token": "\\ud800"}', b"\xff\xfe", json.dumps({"token": "x" * 201}).encode()],
)  # fmt: skip
def test_signing_in_with_nonsense_is_the_senders_mistake(far: Running, body: bytes) -> None:
    answer = far.ask("POST /api/v1/login", {"Content-Type": "application/json"}, body)
    assert answer.status in (400, 422)
    assert "set-cookie" not in answer.headers


def test_wrong_tokens_are_counted(far: Running) -> None:
    text = far.tokens.create("phone")
    for _ in range(MOST_OF_ONE):
        answer = _log_in(far, "wrong")
        assert answer.status == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert "set-cookie" not in answer.headers
        far.clock.sleep(1)
    answer = _log_in(far, text)  # the right one is not looked at either
    assert answer.status == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == str(int(WINDOW_S) - MOST_OF_ONE)
    assert far.ask("GET /api/v1/state", {"Authorization": f"Bearer {text}"}).status == 429
    far.clock.sleep(WINDOW_S - MOST_OF_ONE - 0.5)
    assert _log_in(far, text).status == 429
    far.clock.sleep(0.5)
    assert _log_in(far, text).status == 200


def test_wrong_tokens_are_told_to_the_log_and_are_not_in_it(
    far: Running, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(MOST_OF_ONE + 5):
        _log_in(far, "brickrig_nearly")
    told = [record.getMessage() for record in caplog.records if record.name.startswith("rig.")]
    assert told == ["a wrong token was tried from 127.0.0.1"] * MOST_OF_ONE
    assert "nearly" not in caplog.text


def test_wrong_tokens_in_headers_are_counted_too(far: Running) -> None:
    for _ in range(MOST_OF_ONE):
        assert far.ask("GET /api/v1/state", {"Authorization": "Bearer wrong"}).status == 401
    assert far.ask("GET /api/v1/state", {"Authorization": "Bearer wrong"}).status == 429
    assert _log_in(far, "wrong").status == 429


def test_who_is_signed_in_stays_so_while_others_guess(far: Running) -> None:
    cookie = _cookie(_log_in(far, far.tokens.create("phone")))
    for _ in range(MOST_OF_ONE + 1):
        _log_in(far, "wrong")
    assert _may_ask(far, cookie)


def test_requests_without_a_token_are_no_attempts(far: Running) -> None:
    for _ in range(MOST_OF_ONE + 1):
        assert far.ask("GET /api/v1/state").status == 401
        assert (
            far.ask("GET /api/v1/state", {"Cookie": f"brickrig_{far.port}=of-before-a-restart"}).status == 401
        )


def test_many_at_once_get_no_more_attempts_than_one_after_another(far: Running) -> None:
    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda _: _log_in(far, "wrong").status, range(40)))
    assert statuses.count(401) == MOST_OF_ONE
    assert statuses.count(429) == 40 - MOST_OF_ONE


def test_threads_that_overtake_each_other_get_no_more_either(tmp_path: Path) -> None:
    """A server's threads seldom do; these are made to."""
    clock = HandClock()
    tokens = TokenStore(tmp_path / "tokens.json")
    for number in range(20):
        tokens.create(f"token {number}")  # to be compared, each of them
    door = Door(OPEN_TO_ALL, tokens, Sessions(clock), Attempts(clock))
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for number in range(10):
            statuses = _statuses_of_threads(door, address=f"192.0.2.{number}", count=20)
            assert statuses.count(401) == MOST_OF_ONE
            assert statuses.count(429) == 20 - MOST_OF_ONE
            clock.sleep(WINDOW_S)
    finally:
        sys.setswitchinterval(usual_s)


def _statuses_of_threads(door: Door, *, address: str, count: int) -> list[int]:
    scope = {"type": "http", "headers": [], "client": (address, 1000), "server": ("203.0.113.1", 8000)}
    together = threading.Barrier(count)
    statuses = []

    def present() -> None:
        together.wait()
        with pytest.raises(Refusal) as caught:
            door.present("wrong", scope)
        statuses.append(caught.value.status)

    threads = [threading.Thread(target=present) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [int(status) for status in statuses]


def test_many_addresses_together_have_a_limit_as_well(tmp_path: Path) -> None:
    with serving(tmp_path, Listener(host_names=("brickrig.local",))) as running:
        text = running.tokens.create("phone")

        def log_in(address: str, token: str) -> int:
            # What comes before the last address is what the sender says, and counts for nothing.
            proxied = {"Host": "brickrig.local", "Origin": "http://brickrig.local",
                       "X-Forwarded-For": f"198.51.100.{len(address)}, {address}"}  # fmt: skip
            return _log_in(running, token, proxied).status

        assert log_in("203.0.113.1", text) == 200
        for number in range(MOST_OF_ALL):
            assert log_in(f"192.0.2.{number}", "wrong") == 401
        assert log_in("192.0.2.254", text) == 429
        # Where a right token came from before, strangers lock nobody out.
        assert log_in("203.0.113.1", text) == 200


def test_a_damaged_file_of_tokens_signs_nobody_in(far: Running, tmp_path: Path) -> None:
    text = far.tokens.create("phone")
    cookie = _cookie(_log_in(far, text))
    (tmp_path / "tokens.json").write_text("{}{}")
    answer = _log_in(far, text)
    assert answer.status == 503
    assert (
        json.loads(answer.body)["detail"]
        == "the daemon cannot read its tokens, so nobody can be let in by one"
    )
    assert far.ask("GET /api/v1/state", cookie).status == 503
    assert far.ask("GET /api/v1/session", cookie).status == 503
    # A supervisor and the page's files do not depend on it.
    assert far.ask("GET /health").status == 200


def test_on_this_computer_signing_in_works_but_is_not_needed(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        answer = _log_in(running, running.tokens.create("phone"))
        assert json.loads(answer.body) == {"needs_token": False, "signed_in": True}
