"""Watching the table until a part lies still on it."""

from dataclasses import dataclass

from rig.camera.frame import Frame
from rig.devices.feeder import Feeding
from rig.machine import Machine
from rig.vision.locate import Box, locate

# A part that still rolls moves its box by more than this from one look to the next.
_REST_OVERLAP = 0.9
# Between two looks at an empty table; short beside the time a part takes to arrive.
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Sight:
    """A part that lies still.

    Attributes:
        frame: the picture of it.
        box: where it is in that.
    """

    frame: Frame
    box: Box


def await_part(machine: Machine, timeout_s: float) -> Sight | None:
    """Look until a part lies still; None when none came in time, or the feeder is empty.

    Raises:
        DeviceError: the camera failed, or the board that releases parts.
    """
    clock = machine.clock
    deadline_s = clock.monotonic() + timeout_s
    last_box: Box | None = None
    while clock.monotonic() < deadline_s:
        frame = machine.look()
        box = locate(frame.image, machine.empty_table)
        if box and last_box and box.overlap(last_box) >= _REST_OVERLAP:
            machine.feeder.part_came()
            return Sight(frame, box)
        last_box = box
        if box is None:
            match machine.feeder.table_is_empty():
                case Feeding.RELEASED:
                    deadline_s = clock.monotonic() + timeout_s
                case Feeding.EMPTY:
                    return None
            clock.sleep(_LOOK_EVERY_S)
    return None
