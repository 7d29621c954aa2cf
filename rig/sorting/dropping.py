"""Bringing what lies on the table into a bin, and seeing that it went."""

from rig.bin_config import BinConfig
from rig.machine import Machine
from rig.sorting.ledger import PartOutcome
from rig.sorting.looking import look
from rig.sorting.trouble import TroubleKind, TroubleOver, Troubles, Waits
from rig.vision.locate import locate


def push_off(machine: Machine, target: BinConfig, pushes: int, troubles: Troubles) -> Waits[PartOutcome]:
    """Push until the table is empty, `pushes` times; then something is jammed, and the operator sees to it.

    Whatever lies on the table right after a push is what was pushed: nothing new may come before the look.

    Returns:
        "dropped" once it has left; "stayed" if it was taken away by hand.

    Raises:
        DeviceError: as `look`.
    """
    while True:
        for _ in range(pushes):
            machine.actuator.drop(target)
            frame = yield from look(machine, troubles)
            if locate(frame.image, machine.empty_table) is None:
                return "dropped"
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
        if locate(frame.image, machine.empty_table) is None:
            return "stayed"
