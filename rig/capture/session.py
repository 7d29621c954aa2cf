"""Runs a capture plan: turn, settle, look, write; however it ends, files are whole and it can go on."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import cv2

from rig.camera.frame import Image
from rig.capture.plan import CapturePlan, View, close_plan, save_plan
from rig.dataset.layout import ImageRow, image_name
from rig.dataset.store import DatasetStore
from rig.devices.operator import Placement
from rig.errors import DeviceError
from rig.machine import Machine, StillFrame
from rig.vision.locate import Box, locate
from rig.vision.quality import sharpness

# Above this, JPEG artefacts stay under the sensor's own noise; a 640x480 view takes about 60 kB.
_JPEG_QUALITY = 92


@dataclass(frozen=True)
class PoseStarted:
    """A part lies on the table; `missing` views of this pose are still to be taken."""

    pose: int
    placement: Placement
    missing: int


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
    machine: Machine, plan: CapturePlan, store: DatasetStore, microsteps_per_turn: int
) -> Generator[CaptureEvent, None, None]:
    """Take every view of `plan` that the dataset does not hold yet.

    Closing the iterator early, or an error, leaves the plan's file in place: the session can be resumed.

    Raises:
        DeviceError: no part is to be seen in the first view of a pose, or a device failed.
        StorageError: a view could not be written.
    """
    taken = {row.file_name for row in store.rows() if row.session == plan.session}
    views = plan.views(microsteps_per_turn)
    total = len(views) * plan.poses
    for pose in range(plan.poses):
        placement = machine.operator.place(plan.part, pose=pose)
        save_plan(plan, store.root)
        missing = [view for view in views if _name(plan, pose, view) not in taken]
        yield PoseStarted(pose, placement, len(missing))
        for place, view in enumerate(missing):
            still = machine.look_from(view.microsteps)
            box = locate(still.frame.image)
            if place == 0 and box is None:
                raise DeviceError(
                    f"no part is to be seen on the table at {view.angle_deg:g} degrees",
                    hint="lay the part in the middle, see that the lamp is on, then: rig capture --resume",
                )
            row = _row(machine, plan, pose, placement, view, still, box)
            path = store.add(row, _jpeg(still.frame.image))
            taken.add(row.file_name)
            yield ViewTaken(path, row, still.frame.image, len(taken), total)
    close_plan(plan, store.root)


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


def _jpeg(image: Image) -> bytes:
    encoded, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not encoded:
        raise DeviceError("a frame could not be encoded as JPEG", hint="check the camera's picture size")
    return data.tobytes()
