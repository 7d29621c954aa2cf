"""Runs a capture plan: turn, settle, look, write; however it ends, files are whole and it can go on."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rig.camera.frame import Image
from rig.capture.plan import CapturePlan, View, close_plan, save_plan
from rig.dataset.layout import ImageRow, image_name
from rig.dataset.store import DatasetStore
from rig.devices.operator import Placement
from rig.errors import DeviceError
from rig.machine import Machine, StillFrame
from rig.vision.jpeg import encode_jpeg
from rig.vision.locate import Box, locate
from rig.vision.quality import sharpness


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


CaptureEvent = PoseStarted | ViewTaken


def run_capture(
    machine: Machine, plan: CapturePlan, store: DatasetStore
) -> Generator[CaptureEvent, None, None]:
    """Take every view of `plan` that the dataset does not hold yet.

    Closing the iterator early, or an error, leaves the plan's file in place: the session can be resumed.

    Raises:
        DeviceError: no part is to be seen in the first view of a pose, or a device failed.
        StorageError: a view could not be written.
    """
    taken = {row.file_name for row in store.rows() if row.session == plan.session}
    for pose in range(plan.poses):
        missing = [view for view in plan.views() if _name(plan, pose, view) not in taken]
        if not missing:
            continue
        placement = machine.operator.place(plan.part, pose=pose)
        save_plan(plan, store.root)
        yield PoseStarted(pose, placement, len(taken), plan.total)
        for place, view in enumerate(missing):
            still = machine.look_from(view.microsteps)
            box = locate(still.frame.image)
            if place == 0 and box is None:
                raise _nothing_seen(plan, view, store, begun=bool(taken))
            row = _row(machine, plan, pose, placement, view, still, box)
            path = store.add(row, encode_jpeg(still.frame.image))
            taken.add(row.file_name)
            yield ViewTaken(path, row, still.frame.image, len(taken), plan.total)
    close_plan(plan, store.root)


def _nothing_seen(plan: CapturePlan, view: View, store: DatasetStore, *, begun: bool) -> DeviceError:
    """The error for an empty table; a session without a single view is forgotten, since it holds nothing."""
    if not begun:
        close_plan(plan, store.root)
    return DeviceError(
        f"no part is to be seen on the table at {view.angle_deg:g} degrees",
        hint="lay the part in the middle, see that the lamp is on, then try again",
    )


def _name(plan: CapturePlan, pose: int, view: View) -> str:
    return image_name(plan.part, plan.session, pose, view.angle_deg)


def _row(
    machine: Machine,
    plan: CapturePlan,
    pose: int,
    placement: Placement,
    view: View,
    still: StillFrame,
    box: Box | None,
) -> ImageRow:
    frame = still.frame
    return ImageRow(
        file_name=_name(plan, pose, view),
        label=plan.part,
        session=plan.session,
        pose=pose,
        physical_part=placement.physical_part,
        colour=placement.colour,
        angle_deg=view.angle_deg,
        microsteps=view.microsteps,
        motion_end_s=still.motion_end_s,
        exposed_from_s=frame.exposed_from_s,
        exposed_until_s=frame.exposed_until_s,
        exposure_us=frame.exposure_us,
        gain=frame.gain,
        sharpness=sharpness(frame.image, box),
        box=(box.x, box.y, box.width, box.height) if box else None,
        source=machine.source,
        firmware=machine.firmware,
        software=f"brickrig {version('brickrig')}",
        captured_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
