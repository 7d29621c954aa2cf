"""The live picture: encoded once for all who look, and not at all while nobody does."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import cv2
import numpy as np

from rig.camera.frame import Frame, Image
from rig.clock import Clock
from rig.daemon.recogniser import Recogniser
from rig.daemon_config import DaemonConfig
from rig.vision.classifier import Candidate
from rig.vision.jpeg import encode_jpeg
from rig.vision.locate import Box, locate

_log = logging.getLogger(__name__)
_OUTLINE_BGR = (0, 170, 255)
_JPEG_QUALITY = 80
_BEAT_EVERY_S = 10.0


@dataclass(frozen=True)
class Shot:
    """A picture as it is shown.

    Attributes:
        jpeg: with the part outlined.
        exposed_at: seconds since 1970.
        width_px, height_px: of the picture.
        box: where the part is in it; None where there is none.
        candidates: what it is taken for; none without a part, or without a model.
    """

    jpeg: bytes
    exposed_at: float
    width_px: int
    height_px: int
    box: Box | None
    candidates: tuple[Candidate, ...]


@dataclass(eq=False)
class _Viewer:
    loop: asyncio.AbstractEventLoop
    since: float
    news: asyncio.Event = field(default_factory=asyncio.Event)
    latest: Shot | None = None

    def see(self, shot: Shot | None) -> None:
        """A newer picture takes the place of one that the viewer was too slow for."""
        if shot is not None and shot.exposed_at < self.since:
            return
        self.latest = shot

    def wake(self) -> None:
        """Have the viewer look at it."""
        self.loop.call_soon_threadsafe(self.news.set)


class LivePicture:
    """Frames from the thread that owns the camera, pictures for everybody else.

    Args:
        config: how large and how often, at most.
        recogniser: says what a part is taken for.
        told: called with each picture, by the thread that encodes.
        beat: called whenever that thread shows life.
    """

    def __init__(
        self,
        config: DaemonConfig,
        recogniser: Recogniser,
        told: Callable[[Shot], None],
        beat: Callable[[], None],
    ) -> None:
        self._size_px = config.live_width_px, config.live_height_px
        self._interval_s = 1.0 / config.live_fps
        self._recogniser = recogniser
        self._told = told
        self._beat = beat
        self._changed = threading.Condition()
        self._viewers: set[_Viewer] = set()
        self._waiting: tuple[Image, float] | None = None
        self._watched_from: Callable[[], None] = lambda: None
        self._is_closed = False
        self.encoded = 0
        self._thread = threading.Thread(target=self._encode_all, name="live picture", daemon=True)
        self._thread.start()

    @property
    def viewers(self) -> int:
        """How many look."""
        with self._changed:
            return len(self._viewers)

    def call_when_watched(self, call: Callable[[], None]) -> None:
        """Have something called, from any thread, when somebody begins to look."""
        self._watched_from = call

    def show(self, frame: Frame, clock: Clock) -> None:
        """Have a frame shown, if anybody looks and it is not too soon after the last one; returns at once."""
        with self._changed:
            if self._viewers:
                age_s = max(0.0, clock.monotonic() - frame.exposed_until_s)
                self._waiting = frame.image, time.time() - age_s
                self._changed.notify()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[AsyncIterator[Shot]]:
        """The pictures exposed from now on; whoever is slow misses some. They end when the daemon does."""
        viewer = _Viewer(asyncio.get_running_loop(), time.time())
        with self._changed:
            self._viewers.add(viewer)
        self._watched_from()
        try:
            yield self._shots(viewer)
        finally:
            with self._changed:
                self._viewers.discard(viewer)
                if not self._viewers:
                    # Nobody is left to see it.
                    self._waiting = None

    def close(self) -> None:
        """Let everybody go who looks, and end the thread."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
            for viewer in self._viewers:
                viewer.see(None)
                viewer.wake()
        self._thread.join()

    async def _shots(self, viewer: _Viewer) -> AsyncIterator[Shot]:
        while not self._is_closed:
            await viewer.news.wait()
            viewer.news.clear()
            if (shot := viewer.latest) is not None:
                yield shot

    def _encode_all(self) -> None:
        next_s = 0.0
        while (waiting := self._next_frame(next_s)) is not None:
            next_s = time.monotonic() + self._interval_s
            try:
                shot = self._picture(*waiting)
            except Exception:  # noqa: BLE001 - the next picture may be a better one
                _log.exception("a picture cannot be shown")
                continue
            self.encoded += 1
            with self._changed:
                for viewer in self._viewers:
                    viewer.see(shot)
                # All have it before the first one looks.
                for viewer in self._viewers:
                    viewer.wake()
            self._told(shot)

    def _next_frame(self, not_before_s: float) -> tuple[Image, float] | None:
        """The newest frame, once its time has come; None at the end."""
        with self._changed:
            while not self._is_closed:
                self._beat()
                wait_s = not_before_s - time.monotonic()
                if self._waiting is not None and wait_s <= 0:
                    waiting, self._waiting = self._waiting, None
                    return waiting
                self._changed.wait(_BEAT_EVERY_S if self._waiting is None else wait_s)
        return None

    def _picture(self, image: Image, exposed_at: float) -> Shot:
        box = locate(image)
        candidates = self._recogniser.candidates(image) if box is not None else ()
        small, scale = _fitted(image, self._size_px)
        if box is not None:
            box = Box(*(round(scale * value) for value in (box.x, box.y, box.width, box.height)))
            corners = (box.x, box.y), (box.x + box.width, box.y + box.height)
            cv2.rectangle(small, *corners, _OUTLINE_BGR, 2)
        height_px, width_px = small.shape[:2]
        jpeg = encode_jpeg(small, _JPEG_QUALITY)
        return Shot(jpeg, exposed_at, width_px, height_px, box, candidates)


def _fitted(image: Image, size_px: tuple[int, int]) -> tuple[Image, float]:
    """A copy that fits into a size, and by how much it is smaller."""
    height_px, width_px = image.shape[:2]
    scale = min(1.0, size_px[0] / width_px, size_px[1] / height_px)
    if scale == 1.0:
        return image.copy(), scale
    size = max(1, round(scale * width_px)), max(1, round(scale * height_px))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), scale
