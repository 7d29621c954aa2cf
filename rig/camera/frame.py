"""What every camera gives: frames that say when they were exposed."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""Shape (height, width, 3), uint8, channels blue-green-red as OpenCV has them."""


@dataclass(frozen=True)
class Frame:
    """One picture and the proof of when it was taken.

    Attributes:
        image: (height, width, 3) uint8, BGR.
        exposed_from_s: when the exposure of the first row began, on the machine's clock.
        exposed_until_s: when the exposure ended.
        exposure_us: exposure time that the camera reports.
        gain: analogue gain that the camera reports.
    """

    image: Image
    exposed_from_s: float
    exposed_until_s: float
    exposure_us: int
    gain: float


class Latent(Protocol):
    """A picture that has been exposed and is still on its way: what it shows may move on already.

    Attributes:
        exposed_until_s: when its exposure ended, on the machine's clock.
    """

    @property
    def exposed_until_s(self) -> float: ...

    def develop(self) -> Frame:
        """The finished frame; for any one thread.

        Raises:
            CameraError: the camera failed.
        """
        ...


@dataclass(frozen=True)
class Developed:
    """A `Latent` of a camera that tells of a frame only once it is there."""

    frame: Frame

    @property
    def exposed_until_s(self) -> float:
        return self.frame.exposed_until_s

    def develop(self) -> Frame:
        return self.frame


class Camera(Protocol):
    """A camera with exposure, gain and white balance locked from `start` to `close`."""

    def start(self) -> None:
        """Open and lock the camera.

        Raises:
            CameraError: it is absent, busy, or refuses a setting.
        """
        ...

    def capture(self, not_before_s: float) -> Frame:
        """Return the first frame whose exposure began at or after `not_before_s` on the machine's clock.

        Raises:
            FrameTimeout: none came in the configured time.
            CameraError: the camera failed.
        """
        ...

    def expose(self, not_before_s: float) -> Latent:
        """As `capture`, but returns as soon as the exposure has ended, before the frame is transferred."""
        ...

    def describe(self) -> str:
        """One line for people: kind, device, size, locked exposure."""
        ...

    def close(self) -> None:
        """Release the camera; harmless when it was never started or is closed already."""
        ...
