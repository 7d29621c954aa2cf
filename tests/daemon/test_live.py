"""The live picture: encoded once for all who look, never for nobody, and never one from before."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.camera.frame import Frame, Image
from rig.clock import SystemClock
from rig.daemon.bundles import Bundles, SharedClassifier
from rig.daemon.live import LivePicture, Shot
from rig.daemon.recogniser import Recogniser
from rig.daemon_config import DaemonConfig
from tests.daemon.daemons import API, OverSocket, daemon, looking

CLOCK = SystemClock()
# As fast as it can: what is tested is not how long it waits between two.
CONFIG = DaemonConfig(live_fps=60)


def frame(level: int = 128, *, size: tuple[int, int] = (960, 1280), age_s: float = -1.0) -> Frame:
    """A grey picture, exposed a moment after now unless it is older."""
    image = np.full((*size, 3), level, np.uint8)
    until_s = CLOCK.monotonic() - age_s
    return Frame(image, until_s - 0.01, until_s, 10_000, 1.0)


@contextmanager
def live(folder: Path) -> Iterator[tuple[LivePicture, list[Shot]]]:
    told: list[Shot] = []
    recogniser = Recogniser(lambda: folder, SharedClassifier(Bundles()))
    picture = LivePicture(CONFIG, recogniser, told.append, beat=lambda: None)
    try:
        yield picture, told
    finally:
        picture.close()


async def first(shots: AsyncIterator[Shot]) -> Shot:
    return await asyncio.wait_for(anext(shots), 30)


def test_one_encode_serves_all_who_look(tmp_path: Path) -> None:
    with live(tmp_path) as (picture, told):

        async def look() -> list[Shot]:
            async with (
                picture.watching() as one,
                picture.watching() as two,
                picture.watching() as three,
            ):
                assert picture.viewers == 3
                picture.show(frame(), CLOCK)
                return [await first(shots) for shots in (one, two, three)]

        shots = asyncio.run(look())
    assert shots[0] is shots[1] is shots[2]
    assert picture.encoded == 1
    assert told == shots[:1]


def test_nothing_is_encoded_while_nobody_looks(tmp_path: Path) -> None:
    with live(tmp_path) as (picture, told):
        picture.show(frame(1), CLOCK)

        async def look() -> Shot:
            async with picture.watching() as shots:
                picture.show(frame(200), CLOCK)
                return await first(shots)

        shot = asyncio.run(look())
        picture.show(frame(2), CLOCK)
        asyncio.run(look())
    assert level_of(shot) == 200
    assert picture.encoded == len(told) == 2


def test_who_begins_to_look_sees_nothing_from_before(tmp_path: Path) -> None:
    with live(tmp_path) as (picture, _):

        async def look() -> Shot:
            async with picture.watching() as shots:
                picture.show(frame(1, age_s=60.0), CLOCK)
                while not picture.encoded:
                    await asyncio.sleep(0)
                picture.show(frame(200), CLOCK)
                return await first(shots)

        assert level_of(asyncio.run(look())) == 200


def test_who_is_slow_sees_the_latest(tmp_path: Path) -> None:
    with live(tmp_path) as (picture, _):

        async def look() -> list[int]:
            async with picture.watching() as slow, picture.watching() as quick:
                for level in (50, 100, 150):
                    picture.show(frame(level), CLOCK)
                    assert level_of(await first(quick)) == level
                return [level_of(await first(slow))]

        assert asyncio.run(look()) == [150]
    assert picture.encoded == 3


def test_it_fits_the_size_that_is_asked_for_and_tells_when_it_was_exposed(tmp_path: Path) -> None:
    with live(tmp_path) as (picture, _):

        async def look() -> Shot:
            async with picture.watching() as shots:
                picture.show(frame(size=(1080, 1920), age_s=-0.5), CLOCK)
                return await first(shots)

        before = time.time()
        shot = asyncio.run(look())
    assert (shot.width_px, shot.height_px) == (640, 360)
    assert decoded(shot).shape == (360, 640, 3)
    # In the future it cannot be.
    assert before <= shot.exposed_at <= time.time()


def test_a_picture_that_cannot_be_shown_does_not_end_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with live(tmp_path) as (picture, _):

        async def look() -> Shot:
            async with picture.watching() as shots:
                picture.show(frame(size=(0, 0)), CLOCK)
                while "a picture cannot be shown" not in caplog.messages:
                    await asyncio.sleep(0)
                picture.show(frame(77), CLOCK)
                return await first(shots)

        assert level_of(asyncio.run(look())) == 77


def test_the_end_lets_everybody_go(tmp_path: Path) -> None:
    with live(tmp_path) as (picture, _):

        async def look() -> None:
            async with picture.watching() as shots:
                picture.close()
                with pytest.raises(StopAsyncIteration):
                    await first(shots)

        asyncio.run(look())


def decoded(shot: Shot) -> Image:
    return picture_in(shot.jpeg)


def picture_in(jpeg: bytes) -> Image:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def level_of(shot: Shot) -> int:
    return round(float(decoded(shot).mean()))


# Of a daemon.


def test_a_daemon_shows_the_same_pictures_to_all_and_stops_when_they_go(tmp_path: Path) -> None:
    with daemon(tmp_path) as served:
        assert served.state()["live"] == {"viewers": 0, "encoded": 0}
        with ExitStack() as stack:
            views = [stack.enter_context(looking(served)) for _ in range(3)]
            seen = [[view() for _ in range(5)] for view in views]
            assert served.state()["live"]["viewers"] == 3
        common = set.intersection(*({at_s for at_s, _ in pictures} for pictures in seen))
        assert common
        for at_s in common:
            assert len({jpeg for pictures in seen for at, jpeg in pictures if at == at_s}) == 1
        encoded = served.state()["live"]["encoded"]
        # Nobody is left; a job takes many pictures, and none of them is encoded.
        job = served.begin("capture", part="3001", steps=72)
        assert served.await_job(job)["state"] == "finished"
        assert served.state()["live"]["viewers"] == 0
        assert served.state()["live"]["encoded"] <= encoded + 1
        after = served.state()["live"]["encoded"]
        job = served.begin("capture", part="3001", steps=12)
        served.await_job(job)
        assert served.state()["live"]["encoded"] == after


def test_a_job_begins_while_somebody_looks_and_is_seen(tmp_path: Path) -> None:
    with daemon(tmp_path) as served, looking(served) as read:
        read()
        with served.events(served.state()["event_id"]) as events:
            job = served.begin("capture", part="3001", steps=72)
            boxes = []
            for told in events:
                if told.name == "live":
                    boxes.append(told.data["box"])
                if told.name == "job" and told.data["state"] == "finished":
                    break
        assert served.job(job)["state"] == "finished"
        assert any(boxes), "the part is outlined"
        assert read()[1]


def test_a_still_was_exposed_after_it_was_asked_for(tmp_path: Path) -> None:
    with daemon(tmp_path) as served:
        for _ in range(3):
            asked = time.time()
            with closing(OverSocket(served.socket)) as connection:
                connection.request("GET", f"{API}/live.jpg")
                answer = connection.getresponse()
                jpeg = answer.read()
            assert answer.status == 200
            assert picture_in(jpeg).shape == (480, 640, 3)
            assert float(answer.headers["X-Exposed-At"]) >= round(asked, 3) - 0.001
