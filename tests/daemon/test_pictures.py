"""Small pictures are made once, within limits of memory, and from pictures of any size."""

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.daemon.pictures import PictureCache, thumbnail
from rig.errors import DatasetError

PATH = Path("a.jpg")


def test_what_was_made_is_kept_until_there_is_too_much_of_it() -> None:
    made: list[str] = []
    cache = PictureCache(most_bytes=100)

    def get(key: str, size: int) -> int:
        def make() -> bytes:
            made.append(key)
            return bytes(size)

        return len(cache.get(key, make))

    assert [get("a", 40), get("b", 40), get("a", 40)] == [40, 40, 40]
    assert made == ["a", "b"]
    get("c", 40)  # the least lately used goes, which is b
    assert cache.kept_bytes == 80
    get("a", 40)
    assert made == ["a", "b", "c"]
    get("b", 40)
    assert made == ["a", "b", "c", "b"]
    assert get("huge", 101) == 101  # given, not kept
    assert cache.kept_bytes == 80


def test_what_cannot_be_made_is_asked_for_again() -> None:
    cache = PictureCache()

    def fail() -> bytes:
        raise DatasetError("no picture")

    for _ in range(4):  # more often than are made at once
        with pytest.raises(DatasetError):
            cache.get("a", fail)
    assert cache.get("a", lambda: b"here") == b"here"


def test_no_more_than_two_are_made_at_once() -> None:
    cache = PictureCache()
    at_work = threading.Semaphore(0)
    go_on = threading.Event()
    most = 0
    now = 0
    lock = threading.Lock()

    def make() -> bytes:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        at_work.release()
        assert go_on.wait(60)
        with lock:
            now -= 1
        return b"made"

    threads = [threading.Thread(target=cache.get, args=(key, make)) for key in range(6)]
    for thread in threads:
        thread.start()
    assert at_work.acquire(timeout=60)
    assert at_work.acquire(timeout=60)
    assert not at_work.acquire(blocking=False)
    go_on.set()
    for thread in threads:
        thread.join(60)
    assert most == 2


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
@pytest.mark.parametrize(("width", "height"), [(4000, 30), (640, 480), (90, 60), (41, 1000)])
def test_a_thumbnail_shows_the_same_no_wider_than_asked(suffix: str, width: int, height: int) -> None:
    ramp = np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1))
    content = cv2.imencode(suffix, cv2.merge([ramp, ramp, ramp]))[1].tobytes()
    small = cv2.imdecode(np.frombuffer(thumbnail(content, PATH, 80), np.uint8), cv2.IMREAD_COLOR)
    assert small is not None
    assert small.shape[1] == min(80, width)
    assert small.shape[0] == pytest.approx(height * small.shape[1] / width, abs=1)
    expected = np.linspace(0, 255, small.shape[1])
    assert np.abs(small.mean(axis=(0, 2)) - expected).max() < 12


def test_what_is_too_large_or_none_is_not_decoded() -> None:
    with pytest.raises(DatasetError, match="cannot be shown small: this is no picture"):
        thumbnail(b"nothing", PATH, 80)
    wide = np.zeros((8000, 5001, 1), np.uint8)
    with pytest.raises(DatasetError, match="cannot be shown small"):
        thumbnail(cv2.imencode(".png", wide)[1].tobytes(), PATH, 80)
