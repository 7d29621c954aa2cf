"""Calibration on the simulated rig, in the cases that its own camera cannot show."""

import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

from rig.calibration.settle import measure_settling
from rig.calibration.table import measure_table
from rig.camera.frame import Camera, Developed, Frame
from rig.catalog import PartNumber
from rig.clock import Clock
from rig.config import Config, SimConfig
from rig.devices.operator import HumanOperator
from rig.errors import DeviceError
from rig.jobs.calibrate import calibrate_settle_job, calibrate_table_job
from rig.machine import Machine
from rig.opening import open_machine
from tests.calibration.tables import NOTHING, DrawnTable

pytestmark = pytest.mark.usefixtures("own_folder")

CONFIG = Config(sim=SimConfig(enabled=True, seed=1))
EXPOSURE_S, FRAME_S = 0.008, 0.033

Job = Callable[..., Generator[object, None, None]]


class EmptyTableCamera:
    """A camera that shows a table with nothing on it and nothing to be seen of its rim."""

    def __init__(self, camera: Camera, clock: Clock) -> None:
        self.start, self.close, self.describe = camera.start, camera.close, camera.describe
        self.reach, self.relock = camera.reach, camera.relock
        self._clock = clock
        self._drawn = DrawnTable(NOTHING)

    def capture(self, not_before_s: float) -> Frame:
        from_s = max(not_before_s, self._clock.monotonic()) + FRAME_S - EXPOSURE_S
        self._clock.sleep_until(from_s + EXPOSURE_S)
        return Frame(self._drawn.picture(0.0), from_s, from_s + EXPOSURE_S, 8000, 1.0)

    def expose(self, not_before_s: float) -> Developed:
        return Developed(self.capture(not_before_s))


@pytest.fixture
def machine() -> Iterator[Machine]:
    """A simulated rig whose camera sees an empty table."""

    def ask(sentence: str) -> None:
        raise AssertionError(sentence)

    with open_machine(CONFIG, ask=ask, seed=1) as machine:
        yield replace(machine, camera=EmptyTableCamera(machine.camera, machine.clock))


def test_a_table_that_cannot_be_measured_leaves_a_drawing_of_what_was_seen(
    machine: Machine, tmp_path: Path
) -> None:
    with pytest.raises(DeviceError, match="does not change") as error:
        list(measure_table(machine, CONFIG.turntable, tmp_path / "calibration"))
    drawing = tmp_path / "calibration" / "table.png"
    assert error.value.__notes__ == [f"what was seen is in {drawing}"]
    assert cv2.imread(str(drawing)) is not None


def test_rest_cannot_be_told_on_an_empty_table(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="does not change when the table turns by 5 degrees"):
        list(measure_settling(machine, tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_person_is_asked_to_lay_something_off_the_middle() -> None:
    asked: list[str] = []
    HumanOperator(asked.append).lay_mark(PartNumber("3001"))
    assert asked == ["Lay any part, such as 3001, off the middle of the table, or a printed marker on it"]


@pytest.mark.parametrize("job", [calibrate_table_job, calibrate_settle_job])
def test_a_job_that_is_cancelled_leaves_the_rig_at_rest_and_no_drawing(job: Job, tmp_path: Path) -> None:
    folder = tmp_path / "calibration"
    threads = threading.active_count()
    events = job(CONFIG, folder, PartNumber("3001"), 1, lambda sentence: None)
    next(events)
    assert threading.active_count() > threads
    events.close()
    assert threading.active_count() == threads
    assert not folder.exists()
