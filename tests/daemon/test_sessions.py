"""Sessions and attempts on a clock that the test moves."""

from rig.daemon.attempts import MOST_OF_ALL, MOST_OF_ONE, WINDOW_S, Attempts
from rig.daemon.sessions import DISUSED_S, Sessions
from tests.sim.boards import HandClock


def test_ids_have_256_bits_and_are_kept_as_hashes_only() -> None:
    sessions = Sessions(HandClock())
    ids = [sessions.begin("a" * 64) for _ in range(50)]
    assert len(set(ids)) == 50
    assert {len(session_id) for session_id in ids} == {43}
    assert not any(session_id in repr(vars(sessions)) for session_id in ids)
    assert all(sessions.use(session_id) == "a" * 64 for session_id in ids)


def test_a_session_is_found_until_it_ends() -> None:
    sessions = Sessions(HandClock())
    first, second = sessions.begin("a"), sessions.begin("b")
    sessions.end(first)
    sessions.end("no such thing")
    assert sessions.use(first) is None
    assert sessions.use(second) == "b"
    assert sessions.use("") is None


def test_disused_sessions_are_forgotten_and_not_only_hidden() -> None:
    clock = HandClock()
    sessions = Sessions(clock)
    used, disused = sessions.begin("a"), sessions.begin("b")
    clock.sleep(DISUSED_S - 1)
    assert sessions.use(used)
    clock.sleep(1)
    assert len(sessions) == 1
    assert sessions.use(disused) is None
    assert sessions.use(used)


def test_there_are_never_more_than_a_thousand_and_the_least_used_go_first() -> None:
    sessions = Sessions(HandClock())
    first, second = sessions.begin("a"), sessions.begin("b")
    assert sessions.use(first)
    for _ in range(999):
        sessions.begin("c")
    assert len(sessions) == 1000
    assert sessions.use(first)
    assert sessions.use(second) is None


def _fail(attempts: Attempts, address: str, times: int) -> None:
    for _ in range(times):
        assert attempts.wait_s(address) == 0
        attempts.failed(address)


def test_an_address_waits_until_its_attempts_are_a_minute_old() -> None:
    clock = HandClock()
    attempts = Attempts(clock)
    _fail(attempts, "192.0.2.1", 1)
    clock.sleep(10)
    _fail(attempts, "192.0.2.1", MOST_OF_ONE - 1)
    assert attempts.wait_s("192.0.2.1") == WINDOW_S - 10
    assert attempts.wait_s("192.0.2.2") == 0
    clock.sleep(WINDOW_S - 10)
    _fail(attempts, "192.0.2.1", 1)
    assert attempts.wait_s("192.0.2.1") == 10
    clock.sleep(WINDOW_S)
    assert attempts.wait_s("192.0.2.1") == 0


def test_a_right_token_forgives_the_wrong_ones_of_its_address() -> None:
    attempts = Attempts(HandClock())
    _fail(attempts, "192.0.2.1", MOST_OF_ONE - 1)
    attempts.succeeded("192.0.2.1")
    _fail(attempts, "192.0.2.1", MOST_OF_ONE)
    assert attempts.wait_s("192.0.2.1") > 0


def test_a_subscribers_many_ipv6_addresses_are_one() -> None:
    attempts = Attempts(HandClock())
    for number in range(MOST_OF_ONE):
        _fail(attempts, f"2001:db8:1:2::{number:x}", 1)
    assert attempts.wait_s("2001:db8:1:2:ffff::1") > 0
    assert attempts.wait_s("2001:db8:1:3::1") == 0


def test_an_ipv4_address_is_the_same_on_a_socket_for_both() -> None:
    attempts = Attempts(HandClock())
    _fail(attempts, "::ffff:192.0.2.1", MOST_OF_ONE)
    assert attempts.wait_s("192.0.2.1") > 0
    assert attempts.wait_s("::ffff:192.0.2.2") == 0


def test_all_addresses_together_have_a_limit_which_known_ones_pass() -> None:
    clock = HandClock()
    attempts = Attempts(clock)
    attempts.succeeded("192.0.2.200")
    for number in range(MOST_OF_ALL):
        _fail(attempts, f"198.51.100.{number}", 1)
        clock.sleep(0.5)
    assert attempts.wait_s("203.0.113.1") == WINDOW_S - MOST_OF_ALL * 0.5
    _fail(attempts, "192.0.2.200", MOST_OF_ONE)
    assert attempts.wait_s("192.0.2.200") > 0


def test_what_is_a_minute_old_takes_no_memory() -> None:
    clock = HandClock()
    attempts = Attempts(clock)
    for number in range(1000):
        _fail(attempts, f"2001:db8:{number:x}::1", 1)
        clock.sleep(2)
    assert len(vars(attempts)["_of"]) <= WINDOW_S / 2
    assert len(vars(attempts)["_all"]) <= WINDOW_S / 2
