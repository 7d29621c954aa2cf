"""Looking at the table, whatever camera and lamp are up to."""

from rig.camera.frame import Frame
from rig.errors import CameraError
from rig.machine import Machine
from rig.sorting.trouble import TroubleKind, TroubleOver, Troubles, Waits
from rig.vision.locate import locate
from rig.vision.table import EmptyTable, is_dark, median_view

_QUARTER_TURN_DEG = 90.0
_VIEWS_OF_EMPTY = 8
# A camera that is there again and again, and never for the next picture, is not waited for without an end.
_MOST_STALLS_PER_LOOK = 3


def look(machine: Machine, troubles: Troubles) -> Waits[Frame]:
    """A frame of the lit table that is exposed from now on.

    A camera that stalls is opened anew, a lamp that went out is switched on again.

    Raises:
        DeviceError: the camera does not come back, or the board failed.
    """
    frame = yield from _frame(machine, troubles)
    if not is_dark(frame.image, machine.empty_table):
        return frame
    yield troubles.begin(TroubleKind.LIGHT, "The table is dark", "the lamp is switched on again")
    machine.light.on()
    frame = yield from _frame(machine, troubles)
    while is_dark(frame.image, machine.empty_table):
        yield troubles.begin(
            TroubleKind.LIGHT,
            "The table stays dark with the lamp switched on",
            "see to the lamp, its cable and its supply",
            wants_a_person=True,
            image=frame.image,
        )
        machine.operator.mend_light()
        machine.light.on()
        frame = yield from _frame(machine, troubles)
    yield TroubleOver(TroubleKind.LIGHT)
    return frame


def look_from_aside(machine: Machine, troubles: Troubles) -> Waits[Frame]:
    """The same after a quarter turn of the table.

    Raises:
        DeviceError: as `look`.
    """
    return (yield from look_at(machine, machine.turntable.angle_deg + _QUARTER_TURN_DEG, troubles))


def look_at(machine: Machine, angle_deg: float, troubles: Troubles) -> Waits[Frame]:
    """The same with the table turned to an angle, whole turns left out.

    Raises:
        DeviceError: as `look`.
    """
    arrival = machine.turntable.face(machine.turntable.nearest(angle_deg))
    machine.clock.sleep_until(arrival.settled_s)
    return (yield from look(machine, troubles))


def learn_table(machine: Machine, troubles: Troubles) -> Waits[EmptyTable]:
    """Picture the empty table; what lies on it, the operator is asked to clear away.

    What is seen there even then belongs to it, such as a seam or a print.

    Raises:
        DeviceError: as `look`.
    """
    frame = yield from look(machine, troubles)
    if locate(frame.image) is not None:
        machine.operator.clear_table()
        yield from look(machine, troubles)
    return EmptyTable(median_view([view.image for view in machine.views_all_round(_VIEWS_OF_EMPTY)]))


def await_camera(machine: Machine, troubles: Troubles, failure: CameraError) -> Waits[None]:
    """Open a camera anew that has failed, until it delivers.

    Raises:
        CameraError: it does not, for as long as `[camera] reconnect_timeout_s` says.
    """
    yield troubles.begin(TroubleKind.CAMERA, f"Waiting for the camera ({failure.what})", "see to its cable")
    machine.reopen_camera()
    yield TroubleOver(TroubleKind.CAMERA)


def _frame(machine: Machine, troubles: Troubles) -> Waits[Frame]:
    for _ in range(_MOST_STALLS_PER_LOOK):
        try:
            return machine.look()
        except CameraError as failure:
            yield from await_camera(machine, troubles, failure)
    return machine.look()
