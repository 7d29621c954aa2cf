"""Watching the table until something lies still on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from rig.camera.frame import Frame
from rig.devices.feeder import Feeding
from rig.machine import Machine
from rig.sorting.evidence import Doubt
from rig.sorting.looking import look, look_from_aside
from rig.sorting.trouble import Troubles, Waits
from rig.sorting.view import View
from rig.vision.apart import lie_apart
from rig.vision.locate import Box, locate_all, reaches_border

# A part that still rolls moves its box by more than this from one look to the next.
_REST_OVERLAP = 0.9
# Between two looks at an empty table; short beside the time a part takes to arrive.
_LOOK_EVERY_S = 0.1
_SIDES = 4


@dataclass(frozen=True)
class Sight:
    """Something that lies still.

    Attributes:
        frame: the picture of it.
        box: where it is in that; of several things, that which stands out most.
        angle_deg: of the table then, all turns counted.
        others: where the other things are.
        lie_apart: there is table between things that `box` takes for one.
    """

    frame: Frame
    box: Box
    angle_deg: float
    others: tuple[Box, ...] = ()
    lie_apart: bool = False

    @property
    def view(self) -> View:
        """The same as a look that was not shown to the classifier."""
        return View(self.frame.image, self.box, self.angle_deg)

    @property
    def doubt(self) -> Doubt | None:
        """Why it is not to be classified; None for a single part that is wholly in view."""
        if self.others or self.lie_apart:
            return Doubt.SEVERAL
        return Doubt.CUT_OFF if reaches_border(self.box, self.frame.image) else None


def await_sight(machine: Machine, timeout_s: float, troubles: Troubles) -> Waits[Sight | None]:
    """Look until something lies still; None when the table is empty all round after so long.

    A feeder that is asked for each part knows better when none will come.

    Raises:
        DeviceError: as `look`.
    """
    clock = machine.clock
    deadline_s = clock.monotonic() + timeout_s
    overdue = False
    last: Sequence[Box] = ()
    while True:
        frame = yield from look(machine, troubles)
        boxes = locate_all(frame.image, machine.empty_table)
        if boxes and _are_the_same(boxes, last):
            machine.feeder.part_came()
            return _sight(machine, frame, boxes)
        if clock.monotonic() >= deadline_s:
            if overdue or not boxes:
                return (yield from _search_all_round(machine, troubles))
            overdue = True
        last = boxes
        if not boxes:
            match machine.feeder.table_is_empty():
                case Feeding.COMING:
                    deadline_s = clock.monotonic() + timeout_s
                case Feeding.EMPTY:
                    return (yield from _search_all_round(machine, troubles))
            clock.sleep(_LOOK_EVERY_S)


def see_whole(machine: Machine, cut_off: Sight, troubles: Troubles) -> Waits[Sight]:
    """Turn a part that is half in view, and look once more; the same sight if it is never wholly in view.

    Raises:
        DeviceError: as `look`.
    """
    frame = yield from look_from_aside(machine, troubles)
    match locate_all(frame.image, machine.empty_table):
        case [box]:
            turned = _sight(machine, frame, [box])
            return turned if turned.doubt is None else cut_off
        case _:
            return cut_off


def _search_all_round(machine: Machine, troubles: Troubles) -> Waits[Sight | None]:
    """A part at the rim of a table that is larger than the picture lies out of view from some sides."""
    for _ in range(_SIDES):
        frame = yield from look_from_aside(machine, troubles)
        if boxes := locate_all(frame.image, machine.empty_table):
            machine.feeder.part_came()
            return _sight(machine, frame, boxes)
    return None


def _sight(machine: Machine, frame: Frame, boxes: Sequence[Box]) -> Sight:
    apart = lie_apart(frame.image, machine.empty_table)
    return Sight(frame, boxes[0], machine.turntable.angle_deg, tuple(boxes[1:]), apart)


def _are_the_same(boxes: Sequence[Box], last: Sequence[Box]) -> bool:
    return len(boxes) == len(last) and all(
        any(box.overlap(before) >= _REST_OVERLAP for before in last) for box in boxes
    )
