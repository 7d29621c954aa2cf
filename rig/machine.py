"""The machine on the desk, put together from its configuration."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from rig.camera.frame import Camera, Developed, Frame, Latent
from rig.clock import Clock
from rig.config import (
    Config,
    SettledBy,
)
from rig.dataset.layout import Source
from rig.devices.actuators import Actuator
from rig.devices.axis import Microsteps
from rig.devices.feeder import Feeder, Unasked
from rig.devices.light import Light
from rig.devices.operator import Ask, Operator
from rig.devices.turntable import Turntable
from rig.errors import CameraError, DeviceError
from rig.marlin.controller import Marlin
from rig.vision.stillness import agree
from rig.vision.table import EmptyTable

_REOPEN_EVERY_S = 0.5
# So long a table may swing that is watched until it is still.
_MOST_SWING_S = 3.0


@dataclass(frozen=True)
class StillExposure:
    """A picture that was exposed after the table had stopped and settled; the table may turn on.

    Attributes:
        latent: develops into the frame.
        motion_end_s: when the firmware reported the end of motion, on the machine's clock.
        settled_by: how it was known to be still.
    """

    latent: Latent
    motion_end_s: float
    settled_by: SettledBy = "fixed"


@dataclass(frozen=True)
class Machine:
    """Turntable, actuator, feeder, light and camera, ready for use, and the operator who feeds them.

    Attributes:
        settle: how `expose_from` knows that the table is still.
        empty_table: a picture of it with nothing on it; None where there is none.
        camera_timeout_s: how long a camera that failed is waited for.
        feeder: lays the next part on the empty table.
    """

    turntable: Turntable
    actuator: Actuator
    light: Light
    camera: Camera
    operator: Operator
    clock: Clock
    firmware: str
    source: Source
    reconnect: Callable[[], None]
    """Wait for a board that was lost or restarted, and find its axes' positions anew, as at the start.

    Raises:
        DeviceError: it does not come back in time (`serial.reconnect_timeout_s`), or another board does.
    """
    settle: SettledBy = "fixed"
    empty_table: EmptyTable | None = None
    camera_timeout_s: float = 60.0
    feeder: Feeder = field(default_factory=Unasked)

    def expose_from(self, position: Microsteps) -> StillExposure:
        """Turn the table to stand as at `position`, let it settle, and return once it is exposed.

        Raises:
            DeviceError: a device failed; or no two frames agree, however long the table is watched.
        """
        arrival = self.turntable.face(position)
        if self.settle == "until_still":
            still = Developed(self._first_still(arrival.motion_end_s))
            return StillExposure(still, arrival.motion_end_s, self.settle)
        return StillExposure(self.camera.expose(arrival.settled_s), arrival.motion_end_s, self.settle)

    def _first_still(self, motion_end_s: float) -> Frame:
        """The first frame after a move that shows the same as the one before it."""
        before = self.camera.capture(motion_end_s)
        while before.exposed_from_s < motion_end_s + _MOST_SWING_S:
            frame = self.camera.capture(before.exposed_until_s)
            if agree(before.image, frame.image):
                return frame
            before = frame
        raise DeviceError(
            f"the picture still moves {_MOST_SWING_S:g} s after the table has stopped",
            hint="put camera and table on firm ground; see that the light does not flicker; or set"
            ' settle = "fixed" in [turntable]',
        )

    def look(self) -> Frame:
        """Take a frame that is exposed from now on."""
        return self.camera.capture(self.clock.monotonic())

    def views_all_round(self, count: int) -> Iterator[Frame]:
        """Frames at even distances in one turn of the table, which ends a step before where it began.

        Raises:
            DeviceError: a device failed.
        """
        start_deg = self.turntable.angle_deg
        for number in range(count):
            arrival = self.turntable.move_to(start_deg + number * 360 / count)
            yield self.camera.capture(arrival.settled_s)

    def reopen_camera(self) -> None:
        """Open a camera that failed again and again, until it delivers.

        Raises:
            CameraError: it does not in time, or its driver hangs.
        """
        deadline_s = self.clock.monotonic() + self.camera_timeout_s
        while True:
            self.camera.close()
            try:
                self.camera.start()
                self.look()
                return
            except CameraError:
                if self.clock.monotonic() >= deadline_s:
                    raise
                self.clock.sleep(_REOPEN_EVERY_S)


@dataclass(frozen=True)
class MovingParts:
    """What hangs on the board, ready for use."""

    marlin: Marlin
    turntable: Turntable
    actuator: Actuator
    feeder: Feeder
    light: Light
    clock: Clock


class OpenMachine(Protocol):
    """How a job gets at the machine: `open_machine`, or `Rig.at_work` of a rig that stays connected."""

    def __call__(self, config: Config, *, ask: Ask, seed: int) -> AbstractContextManager[Machine]: ...
