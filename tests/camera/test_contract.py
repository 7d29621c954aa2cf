"""What the rig relies on of every camera: the same tests for the simulated one, the Pi's and webcams.

The Pi camera runs on a stand-in for picamera2, the webcams on a real `cv2.VideoCapture`: of a file, and of a
stream that lags. No webcam tells more of its time than OpenCV does here.
"""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from rig.camera.frame import Camera
from rig.camera.picamera import PiCamera
from rig.camera.webcam import Webcam
from rig.clock import Clock, SystemClock
from rig.config import CameraConfig
from rig.errors import CameraError, FrameTimeout
from rig.sim.camera import SimulatedCamera
from rig.sim.scene import draw_scene
from tests.camera import pi_stand_in
from tests.camera.stream import HEIGHT_PX, WIDTH_PX, Stream, streaming
from tests.sim.desk import lit_world

TIMEOUT_S = 1.0
CONFIG = CameraConfig(width_px=WIDTH_PX, height_px=HEIGHT_PX, exposure_us=3000, timeout_s=TIMEOUT_S)


@dataclass(frozen=True)
class Subject:
    """A camera and the clock that it stamps its frames with."""

    camera: Camera
    clock: Clock


def _simulated() -> Iterator[Subject]:
    world = lit_world()
    scene = draw_scene(np.random.default_rng(1))
    yield Subject(SimulatedCamera(world, scene, CONFIG, frames_per_s=30, seed=1), world.clock)


def _pi(monkeypatch: pytest.MonkeyPatch) -> Iterator[Subject]:
    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=pi_stand_in.Picamera2))
    monkeypatch.setattr(pi_stand_in.Picamera2, "opened", [])
    calibrated = {"kind": "picamera2", "colour_gains": (2.0, 1.8), "lens_position": 8.0}
    yield Subject(PiCamera(CONFIG.model_copy(update=calibrated)), SystemClock())


def _recording(folder: Path) -> Iterator[Subject]:
    path = folder / "table.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30.0, (WIDTH_PX, HEIGHT_PX))
    for level in range(90):
        writer.write(np.full((HEIGHT_PX, WIDTH_PX, 3), level, np.uint8))
    writer.release()
    yield Subject(Webcam(CONFIG.model_copy(update={"device": str(path)})), SystemClock())


def _stream() -> Iterator[Subject]:
    with streaming(Stream()) as url:
        yield Subject(Webcam(CONFIG.model_copy(update={"device": url})), SystemClock())


@pytest.fixture(params=["simulated", "pi", "recording", "stream"])
def subject(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Subject]:
    subjects = {
        "simulated": _simulated,
        "pi": lambda: _pi(monkeypatch),
        "recording": lambda: _recording(tmp_path),
        "stream": _stream,
    }[request.param]()
    subject = next(subjects)
    yield subject
    subject.camera.close()
    next(subjects, None)


@pytest.fixture
def running(subject: Subject) -> Subject:
    subject.camera.start()
    return subject


def test_a_frame_was_not_exposed_before_the_time_asked_for(running: Subject) -> None:
    clock = running.clock
    for pause_s in (0.0, 0.15, 0.0, 0.0):
        clock.sleep(pause_s)
        not_before_s = clock.monotonic()
        frame = running.camera.capture(not_before_s)
        assert not_before_s <= frame.exposed_from_s < frame.exposed_until_s <= clock.monotonic()


def test_a_time_ahead_is_waited_for(running: Subject) -> None:
    not_before_s = running.clock.monotonic() + 0.3
    frame = running.camera.capture(not_before_s)
    assert not_before_s <= frame.exposed_from_s < not_before_s + 0.3


def test_a_frame_has_the_size_that_is_configured_and_tells_its_settings(running: Subject) -> None:
    frame = running.camera.capture(0.0)
    assert frame.image.shape == (HEIGHT_PX, WIDTH_PX, 3)
    assert frame.image.dtype == np.uint8
    assert frame.image.flags.c_contiguous
    assert frame.exposure_us == pytest.approx(CONFIG.exposure_us, rel=0.02)
    assert frame.exposed_until_s - frame.exposed_from_s == pytest.approx(frame.exposure_us * 1e-6, abs=1e-6)
    assert frame.gain == pytest.approx(1.0, abs=0.2)


def test_a_frame_stays_as_it_is_when_others_follow(running: Subject) -> None:
    first = running.camera.capture(0.0)
    kept = first.image.copy()
    for _ in range(8):
        running.camera.capture(running.clock.monotonic())
    assert np.array_equal(first.image, kept)


def test_what_was_exposed_may_be_developed_later_and_elsewhere(running: Subject) -> None:
    not_before_s = running.clock.monotonic()
    latent = running.camera.expose(not_before_s)
    assert not_before_s < latent.exposed_until_s <= running.clock.monotonic()
    running.camera.capture(running.clock.monotonic())
    with ThreadPoolExecutor(1) as darkroom:
        frame = darkroom.submit(latent.develop).result()
    assert frame.exposed_from_s >= not_before_s
    assert frame.exposed_until_s == latent.exposed_until_s


def test_what_lies_too_far_ahead_is_a_timeout_and_the_camera_goes_on(running: Subject) -> None:
    asked_s = time.monotonic()
    with pytest.raises(FrameTimeout, match=r"1 s"):
        running.camera.capture(running.clock.monotonic() + TIMEOUT_S + 3)
    assert time.monotonic() - asked_s < TIMEOUT_S + 1, "the wait is bounded"
    running.camera.capture(running.clock.monotonic())


def test_before_the_start_and_after_the_end_there_is_no_frame(subject: Subject) -> None:
    camera = subject.camera
    for _ in range(2):
        with pytest.raises(CameraError, match="not running") as refused:
            camera.capture(0.0)
        assert not isinstance(refused.value, FrameTimeout)
        for ask in (camera.reach, lambda: camera.expose(0.0), lambda: camera.relock(CONFIG)):
            with pytest.raises(CameraError, match="not running"):
                ask()
        camera.start()
        camera.close()


def test_starting_and_closing_twice_do_no_harm(subject: Subject) -> None:
    subject.camera.close()
    subject.camera.start()
    subject.camera.start()
    subject.camera.capture(0.0)
    subject.camera.close()
    subject.camera.close()


def test_it_can_be_started_again_and_gives_no_frame_of_before(running: Subject) -> None:
    running.camera.capture(0.0)
    running.camera.close()
    again_s = running.clock.monotonic()
    running.camera.start()
    # What arrives is dated back by a frame's period, where the camera does not tell better.
    assert running.camera.capture(0.0).exposed_from_s >= again_s - 0.05
    assert running.camera.capture(running.clock.monotonic()).exposed_from_s > again_s


def test_new_locks_count_from_the_next_frame_on(running: Subject) -> None:
    reach = running.camera.reach()
    assert reach.exposure_us.least < 5000 < reach.exposure_us.most
    running.camera.relock(CONFIG.model_copy(update={"device": _device(running), "exposure_us": 5000}))
    assert running.camera.capture(0.0).exposure_us == pytest.approx(5000, rel=0.02)


def test_it_describes_itself_in_a_line(running: Subject) -> None:
    described = running.camera.describe()
    assert f"{WIDTH_PX}x{HEIGHT_PX}" in described
    assert "\n" not in described


def _device(subject: Subject) -> int | str:
    return subject.camera._config.device if isinstance(subject.camera, Webcam) else 0
