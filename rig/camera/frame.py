"""What every camera gives: frames that say when they were exposed."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rig.config import CameraConfig

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


@dataclass(frozen=True)
class Span:
    """The least and the most that a setting can be."""

    least: float
    most: float

    def clip(self, value: float) -> float:
        """The nearest value inside."""
        return min(max(value, self.least), self.most)


@dataclass(frozen=True)
class Reach:
    """What a camera can be locked to, in the units of `CameraConfig`; None for what it has not.

    Attributes:
        gain: None where its unit is the driver's own, so that nothing can be computed with it.
        colour_gain: of red and of blue.
        lens_position: None also for a lens that does not move.
    """

    exposure_us: Span
    gain: Span | None
    colour_gain: Span | None
    white_balance_k: Span | None
    lens_position: Span | None


class Camera(Protocol):
    """A camera with exposure, gain, white balance and focus locked from `start` to `close`."""

    def start(self) -> None:
        """Open and lock the camera; harmless when it runs already.

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

    def reach(self) -> Reach:
        """What the running camera can be locked to.

        Raises:
            CameraError: the camera was not started.
        """
        ...

    def relock(self, config: CameraConfig) -> None:
        """Lock the running camera to the exposure, gain, white balance and focus of `config`.

        What `config` leaves open stays as it is. Frames that are captured afterwards have the new settings.

        Raises:
            CameraError: the camera was not started, or refuses a setting.
        """
        ...

    def describe(self) -> str:
        """One line for people: kind, device, size, locked exposure."""
        ...

    def close(self) -> None:
        """Release the camera; harmless when it was never started or is closed already."""
        ...
