"""Runs a capture plan: turn, settle, expose, and turn on while the picture is developed, judged and written.

However it ends, files are whole and it can go on.
"""

from collections import Counter, deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rig.camera.frame import Frame, Image
from rig.capture.darkroom import Darkroom
from rig.capture.plan import CapturePlan, View, close_plan, save_plan
from rig.dataset.layout import ImageRow, image_name
from rig.dataset.store import DatasetStore
from rig.devices.operator import Placement
from rig.errors import CaptureStopped
from rig.machine import Machine, StillExposure
from rig.vision.jpeg import encode_jpeg
from rig.vision.locate import Box, locate_all
from rig.vision.quality import Flaw, Judge, sharpness

# So many views may wait to be developed; a table is never ahead of its pictures by more.
_ROOM = 4
_RETAKES = 2
_CURES = {
    Flaw.NO_PART: "lay the part in the middle, see that the lamp is on",
    Flaw.SEVERAL_PARTS: "take everything but one part off the table, and wipe it",
    Flaw.CUT_OFF: "lay the part in the middle, or move the camera away",
    Flaw.BLURRED: "check focus and settle_s (rig calibrate settle), and that nothing shakes the table",
    Flaw.BURNT: "lower exposure_us or gain in [camera]",
    Flaw.DARK: "raise exposure_us or gain in [camera], see that the lamp is on",
    Flaw.NOT_TURNED: "check motor, driver and belt: rig doctor --motion",
}


@dataclass(frozen=True)
class PoseStarted:
    """A part lies on the table in its `pose`-th position; `done` of `total` views are there already."""

    pose: int
    placement: Placement
    done: int
    total: int


@dataclass(frozen=True)
class ViewTaken:
    """A view is on disk with its row. `done` of `total` views of the whole plan are now there."""

    path: Path
    row: ImageRow
    image: Image
    done: int
    total: int


@dataclass(frozen=True)
class ViewRejected:
    """A view was not good enough and is taken again."""

    angle_deg: float
    flaw: Flaw
    image: Image


CaptureEvent = PoseStarted | ViewTaken | ViewRejected


def run_capture(
    machine: Machine, plan: CapturePlan, store: DatasetStore
) -> Generator[CaptureEvent, None, None]:
    """Take every view of `plan` that the dataset does not hold yet.

    Closing the iterator early, or an error, leaves the plan's file in place: the session can be resumed. Only
    a session without a single view is forgotten, since it holds nothing.

    Raises:
        CaptureStopped: a view was flawed again and again.
        DeviceError: a device failed.
        StorageError: a view could not be written.
    """
    taken = {row.file_name for row in store.rows() if row.session == plan.session}
    for pose in range(plan.poses):
        missing = [view for view in plan.views() if _name(plan, pose, view) not in taken]
        if not missing:
            continue
        placement = machine.operator.place(plan.subject, pose=pose)
        save_plan(plan, store.root)
        yield PoseStarted(pose, placement, len(taken), plan.total)
        try:
            for made in _Pose(machine, plan, pose, placement, store).take(missing):
                if made.path is not None:
                    taken.add(made.row.file_name)
                    yield ViewTaken(made.path, made.row, made.frame.image, len(taken), plan.total)
                elif made.flaw is not None:
                    yield ViewRejected(made.shot.view.angle_deg, made.flaw, made.frame.image)
        except CaptureStopped:
            if not taken:
                close_plan(plan, store.root)
            raise
    close_plan(plan, store.root)


@dataclass(frozen=True)
class _Shot:
    """A view that was exposed."""

    view: View
    still: StillExposure


@dataclass(frozen=True)
class _Print:
    """A view that was developed: written, or not because of a flaw."""

    shot: _Shot
    frame: Frame
    flaw: Flaw | None
    path: Path | None
    row: ImageRow


class _Pose:
    """A part that lies on one side, while it is turned and captured."""

    def __init__(
        self, machine: Machine, plan: CapturePlan, pose: int, placement: Placement, store: DatasetStore
    ) -> None:
        self._machine = machine
        self._plan = plan
        self._pose = pose
        self._placement = placement
        self._store = store
        self._judge = Judge()

    def take(self, views: Sequence[View]) -> Generator[_Print, None, None]:
        """Expose view after view; what is developed comes out a little later, flawed ones included.

        A view with a flaw is taken again. The first view is waited for: an empty table is not turned.

        Raises:
            CaptureStopped: a view had a flaw again and again.
        """
        to_take = deque(views)
        flaws: Counter[View] = Counter()
        with Darkroom(self._develop, room=_ROOM) as darkroom:
            while to_take or not darkroom.is_empty:
                prints: list[_Print] = []
                first = len(to_take) == len(views)
                if to_take:
                    view = to_take.popleft()
                    prints += darkroom.bring(_Shot(view, self._machine.expose_from(view.microsteps)))
                if (first or not to_take) and not darkroom.is_empty:
                    prints.append(darkroom.take())
                for made in prints:
                    yield made
                    if made.flaw is not None:
                        flaws[made.shot.view] += 1
                        _give_up(made.shot.view, made.flaw, flaws[made.shot.view])
                        to_take.appendleft(made.shot.view)

    def _develop(self, shot: _Shot) -> _Print:
        frame = shot.still.latent.develop()
        boxes = locate_all(frame.image, self._machine.empty_table)
        flaw = self._judge.flaw(frame.image, boxes)
        row = self._row(shot, frame, boxes[0] if boxes else None)
        if flaw is not None:
            return _Print(shot, frame, flaw, None, row)
        path = self._store.add(row, encode_jpeg(frame.image))
        self._judge.keep(frame.image, boxes[0])
        return _Print(shot, frame, None, path, row)

    def _row(self, shot: _Shot, frame: Frame, box: Box | None) -> ImageRow:
        plan = self._plan
        return ImageRow(
            file_name=_name(plan, self._pose, shot.view),
            label=plan.part,
            session=plan.session,
            pose=self._pose,
            pose_name=plan.subject.pose_name(self._pose),
            physical_part=self._placement.physical_part,
            colour=self._placement.colour,
            angle_deg=shot.view.angle_deg,
            microsteps=shot.view.microsteps,
            motion_end_s=shot.still.motion_end_s,
            exposed_from_s=frame.exposed_from_s,
            exposed_until_s=frame.exposed_until_s,
            exposure_us=frame.exposure_us,
            gain=frame.gain,
            sharpness=sharpness(frame.image, box),
            box=(box.x, box.y, box.width, box.height) if box else None,
            source=self._machine.source,
            firmware=self._machine.firmware,
            software=f"brickrig {version('brickrig')}",
            captured_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            settled_by=shot.still.settled_by,
        )


def _give_up(view: View, flaw: Flaw, times: int) -> None:
    """Raise CaptureStopped when a view was flawed too many times."""
    if times > _RETAKES:
        raise CaptureStopped(
            f"the view at {view.angle_deg:g} degrees cannot be kept: {flaw.value}", hint=_CURES[flaw]
        )


def _name(plan: CapturePlan, pose: int, view: View) -> str:
    return image_name(plan.part, plan.session, pose, view.angle_deg)
