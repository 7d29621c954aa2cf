"""Bringing what lies on the table into a bin, and seeing that it went."""

from rig.bin_config import BinConfig
from rig.camera.frame import Frame, Image
from rig.machine import Machine
from rig.sorting.ledger import PartOutcome
from rig.sorting.looking import look
from rig.sorting.trouble import TroubleKind, TroubleOver, Troubles, Waits
from rig.vision.locate import locate
from rig.vision.stillness import agree

# So soon after a push no feeder and no hand has laid the next part.
TOO_SOON_FOR_ANOTHER_S = 0.2


def push_off(
    machine: Machine, target: BinConfig, last_seen: Image, pushes: int, troubles: Troubles
) -> Waits[PartOutcome]:
    """Push until the part has left, `pushes` times; then something is jammed, and the operator sees to it.

    What lies on the table right after a push is what was pushed. If the look comes later, since the camera
    stalled, say, only what has not moved is; anything else is the next part.

    Args:
        last_seen: the part where it lies before the first push.

    Returns:
        "dropped" once it has left; "stayed" if somebody took it away, or moved it.

    Raises:
        DeviceError: as `look`.
    """
    while True:
        for _ in range(pushes):
            machine.actuator.drop(target)
            pushed_s = machine.clock.monotonic()
            frame = yield from look(machine, troubles)
            if _is_empty(machine, frame):
                return "dropped"
            is_late = frame.exposed_from_s - pushed_s > TOO_SOON_FOR_ANOTHER_S
            if is_late and not agree(last_seen, frame.image):
                return "dropped"
            last_seen = frame.image
        yield troubles.begin(
            TroubleKind.JAM,
            f"The part for bin {target.name} did not leave the table after"
            f" {'a push' if pushes == 1 else f'{pushes} pushes'}",
            "free the way off the table; leave the part there, or take it away",
            wants_a_person=True,
            image=frame.image,
        )
        machine.operator.clear_jam()
        frame = yield from look(machine, troubles)
        yield TroubleOver(TroubleKind.JAM)
        if _is_empty(machine, frame) or not agree(last_seen, frame.image):
            return "stayed"


def _is_empty(machine: Machine, frame: Frame) -> bool:
    return locate(frame.image, machine.empty_table) is None
