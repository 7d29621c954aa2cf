"""A camera whose frames are shown to whoever looks at the page, beside what they are taken for."""

from collections.abc import Callable
from dataclasses import dataclass

from rig.camera.frame import Camera, Frame, Latent, Reach
from rig.config import CameraConfig

Show = Callable[[Frame], None]
"""Takes a frame; returns at once, in any thread."""


class WatchedCamera:
    """A `Camera` that takes no picture more than it is asked for: what it takes is shown besides."""

    def __init__(self, camera: Camera, show: Show) -> None:
        self._camera = camera
        self._show = show

    def start(self) -> None:
        self._camera.start()

    def capture(self, not_before_s: float) -> Frame:
        frame = self._camera.capture(not_before_s)
        self._show(frame)
        return frame

    def expose(self, not_before_s: float) -> Latent:
        return _WatchedLatent(self._camera.expose(not_before_s), self._show)

    def reach(self) -> Reach:
        return self._camera.reach()

    def relock(self, config: CameraConfig) -> None:
        self._camera.relock(config)

    def describe(self) -> str:
        return self._camera.describe()

    def close(self) -> None:
        self._camera.close()


@dataclass(frozen=True)
class _WatchedLatent:
    latent: Latent
    show: Show

    @property
    def exposed_until_s(self) -> float:
        return self.latent.exposed_until_s

    def develop(self) -> Frame:
        frame = self.latent.develop()
        self.show(frame)
        return frame
