"""A real `cv2.VideoCapture` on a real file, or on a stream over loopback, stands in for a webcam."""

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.camera import v4l2_locks
from rig.camera.dating import StampedArrivals, WaitedArrivals
from rig.camera.webcam import Webcam
from rig.config import CameraConfig
from rig.errors import CameraError, FrameTimeout
from tests.camera.stream import PERIOD_S, Stream, streaming
from tests.camera.v4l2_stand_in import Driver

FRAMES_PER_S = 20.0
FRAMES = 30
LEVEL_STEP = 8


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """1.5 seconds of video in which every frame is a little brighter than the last one."""
    path = tmp_path / "table.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FRAMES_PER_S, (64, 48))
    assert writer.isOpened()
    for number in range(FRAMES):
        writer.write(np.full((48, 64, 3), number * LEVEL_STEP, np.uint8))
    writer.release()
    return path


@pytest.fixture
def webcam(recording: Path) -> Iterator[Webcam]:
    camera = Webcam(CameraConfig(device=str(recording), timeout_s=2.0))
    camera.start()
    yield camera
    camera.close()


def level(image: np.ndarray) -> float:
    return float(image.mean())


def test_frames_are_blue_green_red_with_their_times(webcam: Webcam) -> None:
    before_s = time.monotonic() - 2 / FRAMES_PER_S
    frame = webcam.capture(before_s - 1)
    assert frame.image.shape == (48, 64, 3)
    assert frame.image.dtype == np.uint8
    assert before_s - 1 <= frame.exposed_from_s < frame.exposed_until_s <= time.monotonic()
    assert frame.exposed_until_s - frame.exposed_from_s == pytest.approx(0.008)


def test_a_frame_is_never_older_than_asked(webcam: Webcam) -> None:
    newest = -1.0
    for _ in range(4):
        not_before_s = time.monotonic()
        frame = webcam.capture(not_before_s)
        assert frame.exposed_from_s >= not_before_s
        assert level(frame.image) > newest
        newest = level(frame.image)


def test_frames_that_nobody_asked_for_are_dropped(webcam: Webcam) -> None:
    first = webcam.capture(0.0)
    waited = webcam.capture(first.exposed_from_s + 0.5)
    assert level(waited.image) - level(first.image) >= 8 * LEVEL_STEP


def test_the_end_of_the_source_is_an_error_and_not_a_stale_frame(webcam: Webcam) -> None:
    with pytest.raises(CameraError, match="stopped delivering"):
        webcam.capture(time.monotonic() + 1.9)


def test_no_frame_in_time_is_a_timeout(recording: Path) -> None:
    camera = Webcam(CameraConfig(device=str(recording), timeout_s=0.2))
    camera.start()
    try:
        with pytest.raises(FrameTimeout, match=r"0\.2 s"):
            camera.capture(time.monotonic() + 1.0)
    finally:
        camera.close()


def test_an_image_sequence_is_a_source_too(tmp_path: Path) -> None:
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"view_{number:03d}.png"), np.full((48, 64, 3), 90, np.uint8))
    camera = Webcam(CameraConfig(device=str(tmp_path / "view_%03d.png"), timeout_s=2.0))
    camera.start()
    try:
        assert level(camera.capture(0.0).image) == 90
    finally:
        camera.close()


def test_it_can_be_started_again(webcam: Webcam) -> None:
    webcam.capture(0.0)
    webcam.close()
    with pytest.raises(CameraError, match="not running"):
        webcam.capture(0.0)
    webcam.start()
    assert level(webcam.capture(0.0).image) < 10 * LEVEL_STEP


def test_closing_one_that_never_ran_does_no_harm() -> None:
    camera = Webcam(CameraConfig())
    camera.close()
    camera.close()


@pytest.mark.parametrize(
    ("device", "path"),
    [
        (63, "/dev/video63"),
        ("/dev/video63", "/dev/video63"),
        ("/dev/v4l/by-id/usb-none-index0", "/dev/v4l/by-id/usb-none-index0"),
    ],
)
def test_an_absent_device_is_named_with_a_hint(device: int | str, path: str) -> None:
    with pytest.raises(CameraError, match=f"there is no webcam at {path}") as absent:
        Webcam(CameraConfig(device=device)).start()
    assert "[camera]" in absent.value.hint


def test_queued_frames_are_not_believed() -> None:
    """A stream as OpenCV alone reads it: after a second of idleness that second's frames come at once."""
    stream = Stream()
    with streaming(stream) as url:
        capture = cv2.VideoCapture(url)
        dating = WaitedArrivals(PERIOD_S)
        lag_s, believed = [], []
        for number in range(40):
            if number == 15:
                time.sleep(20 * PERIOD_S)
            asked_s = time.monotonic()
            assert capture.grab()
            arrived_s = time.monotonic()
            until_s = dating.exposed_until_s(asked_s, arrived_s)
            made_s = stream.made_at(capture.retrieve()[1])
            lag_s.append(arrived_s - made_s)
            if until_s is not None:
                believed.append(made_s - until_s)
        capture.release()
    # The trap is real: some frames were long on their way.
    assert max(lag_s) > 10 * PERIOD_S
    assert len(believed) > 10
    # None that was believed is older than it is said to be.
    assert min(believed) >= -0.002


def test_frames_of_a_stream_are_newer_than_asked_even_after_idleness() -> None:
    stream = Stream()
    with streaming(stream) as url:
        camera = Webcam(CameraConfig(device=url, timeout_s=2.0))
        camera.start()
        try:
            for idle_s in (0.0, 0.6, 0.0):
                time.sleep(idle_s)
                not_before_s = time.monotonic()
                frame = camera.capture(not_before_s)
                assert stream.made_at(frame.image) >= not_before_s
        finally:
            camera.close()


def test_a_stream_that_falls_silent_is_an_error_in_time() -> None:
    stream = Stream()
    with streaming(stream) as url:
        camera = Webcam(CameraConfig(device=url, timeout_s=0.5))
        camera.start()
        try:
            camera.capture(0.0)
            stream.silent.set()
            with pytest.raises(CameraError):
                camera.capture(time.monotonic() + 0.1)
        finally:
            camera.close()


def test_the_mean_time_between_frames_counts_where_it_is_longer_than_announced() -> None:
    dating = WaitedArrivals(0.04)
    assert dating.exposed_until_s(0.0, 0.1) is None
    assert dating.exposed_until_s(0.1, 0.2) == pytest.approx(0.1)
    # Two frames had queued up while the reader was busy.
    assert dating.exposed_until_s(0.45, 0.451) is None
    assert dating.exposed_until_s(0.451, 0.452) is None
    assert dating.exposed_until_s(0.452, 0.5) == pytest.approx(0.4)


# No V4L2 device is at hand here: a driver is stood in for.

PATH = Path("/dev/v4l/by-id/usb-none-index0")


@pytest.mark.parametrize(("ago_s", "is_stamp"), [(0.3, True), (0.0, True), (1e9, False), (-5.0, False)])
def test_a_stamp_of_the_driver_is_believed_if_it_is_of_this_clock(ago_s: float, is_stamp: bool) -> None:
    driver = Driver()
    dating = StampedArrivals(driver, 0.04)
    arrived_s = 100.0
    for _ in range(5):
        driver.values[cv2.CAP_PROP_POS_MSEC] = arrived_s * 1e3
        assert dating.exposed_until_s(arrived_s, arrived_s) is None, "settings may not have taken effect"
        arrived_s += 0.04
    driver.values[cv2.CAP_PROP_POS_MSEC] = (arrived_s - ago_s) * 1e3
    # This one was there at once: without a stamp of its own nobody knows how old it is.
    until_s = dating.exposed_until_s(arrived_s, arrived_s)
    assert until_s == (pytest.approx(arrived_s - ago_s - 0.04) if is_stamp else None)


def test_every_automatic_is_switched_off_before_its_value_is_set() -> None:
    driver = Driver()
    config = CameraConfig(exposure_us=8000, gain=10.0, white_balance_k=4600, lens_position=60)
    v4l2_locks.lock(driver, config, PATH)
    assert driver.values[cv2.CAP_PROP_AUTO_EXPOSURE] == 1
    assert driver.values[cv2.CAP_PROP_EXPOSURE] == 80
    assert driver.values[cv2.CAP_PROP_AUTO_WB] == 0
    assert driver.values[cv2.CAP_PROP_WB_TEMPERATURE] == 4600
    assert driver.values[cv2.CAP_PROP_AUTOFOCUS] == 0
    assert driver.values[cv2.CAP_PROP_FOCUS] == 60
    assert v4l2_locks.exposure_us(driver, config) == 8000
    assert v4l2_locks.gain(driver, config) == 10


def test_a_webcam_without_autofocus_needs_none() -> None:
    driver = Driver()
    del driver.values[cv2.CAP_PROP_AUTOFOCUS], driver.values[cv2.CAP_PROP_FOCUS]
    v4l2_locks.lock(driver, CameraConfig(), PATH)
    assert v4l2_locks.reach_of(driver).lens_position is None
    with pytest.raises(CameraError, match="refuses focus = 60") as refused:
        v4l2_locks.lock(driver, CameraConfig(lens_position=60), PATH)
    assert "lens_position in [camera]" in refused.value.hint


@pytest.mark.parametrize(
    ("control", "name"),
    [
        (cv2.CAP_PROP_AUTO_EXPOSURE, "manual exposure = 3 instead of 1"),
        (cv2.CAP_PROP_AUTO_WB, "automatic white balance = 1 instead of 0"),
        (cv2.CAP_PROP_AUTOFOCUS, "autofocus = 1 instead of 0"),
        (cv2.CAP_PROP_GAIN, "gain = 64 instead of 10"),
    ],
)
def test_a_driver_that_only_says_it_locked_is_found_out(control: int, name: str) -> None:
    with pytest.raises(CameraError, match=name) as stubborn:
        v4l2_locks.lock(Driver(stubborn=frozenset({control})), CameraConfig(gain=10.0), PATH)
    assert f"v4l2-ctl --device {PATH} --list-ctrls" in stubborn.value.hint


def test_a_value_that_the_driver_clips_is_named_with_what_it_took() -> None:
    with pytest.raises(CameraError, match="white balance = 6500 instead of 9000") as clipped:
        v4l2_locks.lock(Driver(), CameraConfig(white_balance_k=9000), PATH)
    assert "white_balance_k in [camera]" in clipped.value.hint


def test_a_setting_that_is_refused_is_named_with_what_can_be_done() -> None:
    driver = Driver()
    del driver.values[cv2.CAP_PROP_AUTO_EXPOSURE]
    with pytest.raises(CameraError, match="refuses manual exposure = 1") as refused:
        v4l2_locks.lock(driver, CameraConfig(), PATH)
    # There is no key for it that could be changed.
    assert "[camera]" not in refused.value.hint


def test_the_gains_of_a_pi_camera_are_refused() -> None:
    with pytest.raises(CameraError, match="takes no colour_gains") as refused:
        v4l2_locks.lock(Driver(), CameraConfig(colour_gains=(2.0, 1.8)), PATH)
    assert "rig calibrate camera" in refused.value.hint


def test_another_size_than_asked_is_an_error_that_names_both() -> None:
    config = CameraConfig(device=3, width_px=1024, height_px=768)
    with pytest.raises(CameraError, match="gives 640x480 instead of 1024x768") as wrong:
        v4l2_locks.check_size(Driver(), config)
    assert "width_px = 640 and height_px = 480" in wrong.value.hint


def test_a_driver_that_reports_nothing_leaves_what_is_configured() -> None:
    driver = Driver()
    driver.values |= {cv2.CAP_PROP_EXPOSURE: -1.0, cv2.CAP_PROP_GAIN: -1.0}
    config = CameraConfig(device=3, exposure_us=5000)
    v4l2_locks.lock(driver, config, PATH)
    assert v4l2_locks.exposure_us(driver, config) == 5000
    assert v4l2_locks.gain(driver, config) == 1.0


def test_a_file_that_is_no_video_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "notes.avi"
    path.write_text("no video")
    with pytest.raises(CameraError, match=r"notes\.avi cannot be opened"):
        Webcam(CameraConfig(device=str(path))).start()


def test_it_describes_itself() -> None:
    assert "webcam 3" in Webcam(CameraConfig(device=3)).describe()
