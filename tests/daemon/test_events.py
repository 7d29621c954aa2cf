"""Whoever follows the events hears each of them once and in order, however slow, late or often away."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from rig.daemon.event_log import EventLog
from tests.daemon.daemons import API, OverSocket, daemon

_MANY = 2000


def parsed(said: bytes) -> tuple[str, str, object]:
    """Name, id and content of one server-sent event; its comment as name where it is none."""
    lines = said.decode().strip().split("\n")
    fields = dict(line.partition(": ")[::2] for line in lines if not line.startswith(":"))
    if not fields:
        return lines[0], "", None
    return fields["event"], fields.get("id", ""), json.loads(fields["data"])


async def take(stream: AsyncIterator[bytes], number: int) -> list[tuple[str, str, object]]:
    return [parsed(await anext(stream)) for _ in range(number)]


def test_nothing_is_lost_or_doubled_however_many_tell_at_once() -> None:
    log = EventLog()

    async def follow() -> list[object]:
        stream = log.follow(None)
        assert parsed(await anext(stream))[0] == ": here"
        tellers = [threading.Thread(target=tell, args=(name,)) for name in "abc"]
        for teller in tellers:
            teller.start()
        heard = await take(stream, 3 * _MANY)
        assert [id_ for _, id_, _ in heard] == [f"{log.boot}-{n}" for n in range(1, 3 * _MANY + 1)]
        return [content for _, _, content in heard]

    def tell(name: str) -> None:
        for number in range(_MANY):
            log.tell("event", [name, number])

    heard = asyncio.run(follow())
    for name in "abc":
        assert [each for each in heard if each[0] == name] == [[name, n] for n in range(_MANY)]  # type: ignore[index]


def test_who_was_away_goes_on_from_the_last_event_heard() -> None:
    log = EventLog()

    async def follow() -> None:
        for number in range(10):
            log.tell("event", number)
        first = log.follow(f"{log.boot}-4")
        heard = await take(first, 3)
        assert heard[0][0] == ": here"
        assert [content for _, _, content in heard[1:]] == [4, 5]
        again = log.follow(heard[-1][1])
        assert [content for _, _, content in (await take(again, 5))[1:]] == [6, 7, 8, 9]

    asyncio.run(follow())


@pytest.mark.parametrize(
    "after",
    ["0badb007-3", "BOOT-99", "BOOT-", "BOOT-x", "BOOT--1", "nonsense", "BOOT-\u0663", "BOOT-" + "9" * 30],
)
def test_who_comes_with_an_id_that_is_none_of_these_looks_anew(after: str) -> None:
    log = EventLog()

    async def follow() -> None:
        log.tell("event", 1)
        stream = log.follow(after.replace("BOOT", log.boot))
        assert parsed(await anext(stream)) == ("reset", f"{log.boot}-1", {})
        log.tell("event", 2)
        assert (await take(stream, 1))[0][2] == 2

    asyncio.run(follow())


def test_who_is_too_far_behind_looks_anew_and_then_goes_on() -> None:
    log = EventLog()

    async def follow() -> None:
        slow = log.follow(None)
        await anext(slow)
        for number in range(10_000):
            log.tell("event", number)
        assert parsed(await anext(slow))[:2] == ("reset", f"{log.boot}-10000")
        assert parsed(await anext(log.follow(f"{log.boot}-1")))[0] == "reset"
        log.tell("event", "after")
        assert (await take(slow, 1))[0][1:] == (f"{log.boot}-10001", "after")
        kept = log.follow(f"{log.boot}-9000")
        assert (await take(kept, 2))[1][2] == 9000

    asyncio.run(follow())


def test_of_long_events_no_more_is_kept_than_fits_and_of_each_that_is_kept_nothing_is_missing() -> None:
    log = EventLog()
    long = "x" * (1 << 20)

    async def follow() -> None:
        for number in range(20):
            log.tell("event", f"{number}{long}")
        assert parsed(await anext(log.follow(f"{log.boot}-12")))[0] == "reset"
        heard = await take(log.follow(f"{log.boot}-13"), 8)
        assert [str(content)[:2] for _, _, content in heard[1:]] == [str(number) for number in range(13, 20)]
        # One that is longer than all that is kept is kept by itself.
        log.tell("event", 10 * long)
        assert (await take(log.follow(f"{log.boot}-20"), 2))[1][2] == 10 * long
        assert parsed(await anext(log.follow(f"{log.boot}-19")))[0] == "reset"

    asyncio.run(follow())


def test_what_passes_by_is_kept_for_nobody_and_not_even_encoded_where_nobody_listens() -> None:
    log = EventLog()
    log.tell_in_passing("live", object())  # JSON has no form for that

    async def follow() -> None:
        stream = log.follow(None)
        await anext(stream)
        for number in range(5):
            log.tell_in_passing("live", number)
        log.tell("event", "kept")
        assert await take(stream, 2) == [("event", f"{log.boot}-1", "kept"), ("live", "", 4)]

    asyncio.run(follow())
    assert log.last_id == f"{log.boot}-1"


def test_the_end_lets_everybody_go() -> None:
    log = EventLog()

    async def follow() -> None:
        stream = log.follow(None)
        await anext(stream)
        assert log.followers == 1
        threading.Thread(target=log.close).start()
        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        assert log.followers == 0
        log.tell("event", "to nobody")

    asyncio.run(follow())


def test_a_daemon_tells_from_any_id_on_by_header_or_address(tmp_path: Path) -> None:
    with daemon(tmp_path) as served:
        job = served.begin("capture", part="3001", steps=6)
        ended = served.await_job(job)
        first = ended["first_event"]
        heard = []
        with served.events(first) as events:
            for told in events:
                if told.id:
                    heard.append(told)
                if told.name == "job" and told.data["state"] == "finished":
                    break
        numbers = [int(told.id.rpartition("-")[2]) for told in heard]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        kinds = [told.data["event"]["event"] for told in heard if told.name == "event"]
        assert kinds[0] == "CaptureStarted"
        assert kinds.count("ViewTaken") == 6
        # In two goes, by the header that a browser sends.
        middle = heard[len(heard) // 2].id
        with served.events(headers={"Last-Event-ID": middle}) as events:
            rest = [next(events) for _ in range(len(heard) // 2)][: len(heard) - len(heard) // 2 - 1]
        assert rest == heard[len(heard) // 2 + 1 :]
        with served.events("0badb007-1") as events:
            assert next(events).name == "reset"


def test_a_client_that_reads_nothing_or_vanishes_keeps_nobody_waiting(tmp_path: Path) -> None:
    with daemon(tmp_path) as served:
        reads_nothing = OverSocket(served.socket)
        vanishes = OverSocket(served.socket)
        with closing(reads_nothing), closing(vanishes):
            for client in (reads_nothing, vanishes):
                client.request("GET", f"{API}/events?after=0badb007-1")
                assert client.getresponse().status == 200
            vanishes.close()
            for _ in range(2):
                job = served.begin("capture", part="3001", steps=144)
                assert served.await_job(job)["state"] == "finished"
        assert served.end() == 0


def test_who_has_gone_is_followed_by_nobody(tmp_path: Path) -> None:
    with daemon(tmp_path) as served:
        for _ in range(3):
            with served.events("0badb007-1") as events:
                next(events)
        job = served.begin("capture", part="3001", steps=3)
        served.await_job(job)
        with closing(OverSocket(served.socket)) as connection:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        assert "brickrig_event_followers 0.0" in text
