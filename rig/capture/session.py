"""Runs a capture plan: turn, settle, expose, and turn on while the picture is developed, judged and written.

Or turn without stopping at all, and expose as the views pass by. However it ends, files are whole and it can
go on.
"""

from collections import Counter, deque
from collections.abc import Collection, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import chain
from pathlib import Path

from rig.camera.frame import Frame, Image, Latent
from rig.capture.darkroom import Darkroom
from rig.capture.plan import CapturePlan, View, close_plan, save_plan
from rig.capture.sweep import SweepCapture, prepare_sweep
from rig.config import SettledBy
from rig.dataset.layout import ImageRow, image_name
from rig.dataset.store import DatasetStore
from rig.devices.operator import Placement
from rig.errors import BadInput, CaptureStopped, TableStalled
from rig.machine import Machine
from rig.vision.jpeg import encode_jpeg
from rig.vision.locate import Box, locate_all
from rig.vision.quality import TURNED, Flaw, Judge, change, sharpness

# So many views may wait to be developed; a table that stops is never ahead of its pictures by more.
_ROOM = 4
# A table that turns on cannot wait for its pictures, so that many more wait, as far as there is memory.
_SWEEP_ROOM_BYTES = 96 * 2**20
_TURNS = 6
_RETAKES = 2
# The angle between two looks at a part: no part of a symmetry that bricks have.
_PROOF_DEG = 25.0
# The table turns on past many views before one of them could be taken again.
_MOST_FLAWS_IN_A_ROW = 10
_CURES = {
    Flaw.NO_PART: "lay the part in the middle, see that the lamp is on",
    Flaw.SEVERAL_PARTS: "take everything but one part off the table, and wipe it",
    Flaw.CUT_OFF: "lay the part in the middle, or move the camera away",
    Flaw.BLURRED: "check focus and settle_s (rig calibrate settle), and that nothing shakes the table",
    Flaw.BURNT: "lower exposure_us or gain in [camera]",
    Flaw.DARK: "raise exposure_us or gain in [camera], see that the lamp is on",
    Flaw.NOT_TURNED: "check motor, driver and belt: rig doctor --motion; a part that looks the same from all"
    " sides needs --round",
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


@dataclass(frozen=True)
class TurnEnded:
    """The table has turned past all views of the pose, and turns again for those that are `missing`."""

    missing: int


CaptureEvent = PoseStarted | ViewTaken | ViewRejected | TurnEnded


def run_capture(
    machine: Machine, plan: CapturePlan, store: DatasetStore
) -> Generator[CaptureEvent, None, None]:
    """Take every view of `plan` that the dataset does not hold yet.

    Closing the iterator early, or an error, leaves the plan's file in place: the session can be resumed. Only
    a session without a single view is forgotten, since it holds nothing.

    Raises:
        CaptureStopped: a view was flawed again and again, or never met.
        BadInput: the plan's views cannot be taken while the table turns.
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
            with closing(_Pose(machine, plan, pose, placement, store).take(missing)) as prints:
                for made in prints:
                    if isinstance(made, TurnEnded):
                        yield made
                    elif made.path is not None:
                        taken.add(made.row.file_name)
                        yield ViewTaken(made.path, made.row, made.frame.image, len(taken), plan.total)
                    elif made.flaw is not None:
                        yield ViewRejected(made.shot.view.angle_deg, made.flaw, made.frame.image)
        except (CaptureStopped, BadInput):
            if not taken:
                close_plan(plan, store.root)
            raise
    close_plan(plan, store.root)


@dataclass(frozen=True)
class _Shot:
    """A view that was exposed: after the end of motion, or at an angle measured while the table turned."""

    view: View
    latent: Latent
    motion_end_s: float | None = None
    settled_by: SettledBy | None = None
    measured_angle_deg: float | None = None


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
        self._judge = Judge(turn_shows=not plan.is_round)
        # Good views, as long as no later one has shown that the table still turned to them.
        self._unproven: deque[_Print] = deque()
        self._flaws: Counter[View] = Counter()
        self._flaws_in_a_row = 0

    def take(self, views: Sequence[View]) -> Generator[_Print | TurnEnded, None, None]:
        """Expose view after view; what is developed comes out a little later, flawed ones included.

        A view with a flaw is taken again.

        Raises:
            CaptureStopped: a view had a flaw again and again.
            TableStalled: nothing turns.
        """
        start_deg = self._machine.turntable.angle_deg
        still, box = self._see(start_deg)
        if self._plan.sweep:
            # A sweep has turned far before the first view.
            self._judge.start_from(still.image, box, start_deg)
            yield from self._sweep(views, still, box)
        else:
            if not self._plan.is_round:
                self._require_a_turn(still, box, start_deg + _PROOF_DEG)
            yield from self._stop_and_go(views)

    def _see(self, angle_deg: float) -> tuple[Frame, Box]:
        """The part at rest.

        Raises:
            CaptureStopped: it does not lie there as it should, however often it is looked at.
        """
        position = self._machine.turntable.nearest(angle_deg)
        for tries_left in reversed(range(_RETAKES + 1)):
            still = self._machine.expose_from(position).latent.develop()
            boxes = locate_all(still.image, self._machine.empty_table)
            flaw = self._judge.flaw(still.image, boxes, angle_deg)
            if flaw is None:
                return still, boxes[0]
            if not tries_left:
                raise _stopped(f"{self._plan.part} cannot be captured", flaw)
        raise AssertionError("the last try returns or raises")

    def _require_a_turn(self, still: Frame, box: Box, angle_deg: float) -> None:
        """Turn the part away from where it was seen: no view can tell later that nothing has ever turned.

        Raises:
            TableStalled: it looks as it did before.
        """
        turned, box_then = self._see(angle_deg)
        changed = change((still.image, box), (turned.image, box_then))
        self._judge.see_turn(changed)
        if changed < TURNED:
            raise _stopped(f"{self._plan.part} cannot be captured", Flaw.NOT_TURNED)

    def _prove_the_last(self) -> Generator[_Print, None, None]:
        """Turn on and look once more, if the table may have stood still for the last few views; keep them.

        Raises:
            TableStalled: it did; they are not kept.
        """
        if self._unproven:
            self._see(self._unproven[-1].shot.view.angle_deg + _PROOF_DEG)
            while self._unproven:
                yield self._keep(self._unproven.popleft())

    def _stop_and_go(self, views: Sequence[View]) -> Generator[_Print, None, None]:
        """One with a flaw is the next to be taken."""
        to_take = deque(views)
        with Darkroom(self._develop, room=_ROOM) as darkroom:
            while to_take or not darkroom.is_empty:
                prints: list[list[_Print]] = []
                if to_take:
                    view = to_take.popleft()
                    still = self._machine.expose_from(view.microsteps)
                    prints += darkroom.bring(_Shot(view, still.latent, still.motion_end_s, still.settled_by))
                if not to_take and not darkroom.is_empty:
                    prints.append(darkroom.take())
                for made in chain.from_iterable(prints):
                    yield made
                    if not self._is_good(made):
                        to_take.appendleft(made.shot.view)
        yield from self._prove_the_last()

    def _sweep(
        self, views: Sequence[View], still: Frame, box: Box
    ) -> Generator[_Print | TurnEnded, None, None]:
        """Turn after turn; a view with a flaw, or that was not met, is left to the next one."""
        missing = set(views)
        room = max(_ROOM, _SWEEP_ROOM_BYTES // still.image.nbytes)
        with Darkroom(self._develop, room=room) as darkroom:
            sweep = prepare_sweep(self._machine, still, box, 360.0 / self._plan.steps)
            for turns_left in reversed(range(_TURNS)):
                # Closed here, not whenever its last reference goes: the table turns on until then.
                with closing(self._turn(sweep, missing, darkroom)) as prints:
                    for made in prints:
                        yield made
                        if self._is_good(made):
                            missing.remove(made.shot.view)
                if not missing:
                    return
                if turns_left:
                    yield TurnEnded(len(missing))
        raise CaptureStopped(
            f"views that were not met in {_TURNS} turns: {len(missing)}",
            hint="close what else keeps this computer busy, or leave out --sweep",
        )

    def _turn(
        self, sweep: SweepCapture, views: Collection[View], darkroom: Darkroom[_Shot, list[_Print]]
    ) -> Generator[_Print, None, None]:
        """One turn past the views, and what becomes of those that were met; none comes twice."""
        with closing(sweep.turn(list(views))) as met:
            for swept in met:
                measured_deg = round(swept.angle.angle_deg, 3) % 360.0
                shot = _Shot(swept.view, swept.latent, measured_angle_deg=measured_deg)
                yield from chain.from_iterable(darkroom.bring(shot))
        while not darkroom.is_empty:
            yield from darkroom.take()
        yield from self._prove_the_last()

    def _is_good(self, made: _Print) -> bool:
        """Whether a view was kept.

        Raises:
            CaptureStopped: it had a flaw once too often.
        """
        if made.flaw is None:
            self._flaws_in_a_row = 0
            return True
        view = made.shot.view
        self._flaws[view] += 1
        self._flaws_in_a_row += 1
        if self._flaws[view] > _RETAKES or self._flaws_in_a_row > _MOST_FLAWS_IN_A_ROW:
            raise _stopped(f"the view at {view.angle_deg:g} degrees cannot be kept", made.flaw)
        return False

    def _develop(self, shot: _Shot) -> list[_Print]:
        """The view, if it has a flaw; or those that are beyond doubt now, written.

        What one small step changes cannot be seen. So views wait for one that is far enough on, and none is
        kept that shows the same again.
        """
        frame = shot.latent.develop()
        boxes = locate_all(frame.image, self._machine.empty_table)
        angle_deg = shot.view.angle_deg
        flaw = self._judge.flaw(frame.image, boxes, angle_deg)
        made = _Print(shot, frame, flaw, None, self._row(shot, frame, boxes[0] if boxes else None))
        if flaw is not None:
            return [made]
        self._judge.keep(frame.image, boxes[0], angle_deg)
        self._unproven.append(made)
        proven = len(self._unproven) - self._judge.in_doubt
        return [self._keep(self._unproven.popleft()) for _ in range(proven)]

    def _keep(self, made: _Print) -> _Print:
        return replace(made, path=self._store.add(made.row, encode_jpeg(made.frame.image)))

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
            motion_end_s=shot.motion_end_s,
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
            settled_by=shot.settled_by,
            measured_angle_deg=shot.measured_angle_deg,
            is_round=plan.is_round,
        )


def _stopped(what: str, flaw: Flaw) -> CaptureStopped:
    kind = TableStalled if flaw is Flaw.NOT_TURNED else CaptureStopped
    return kind(f"{what}: {flaw.value}", hint=_CURES[flaw])


def _name(plan: CapturePlan, pose: int, view: View) -> str:
    return image_name(plan.part, plan.session, pose, view.angle_deg)
