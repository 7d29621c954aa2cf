"""A real `cv2.VideoCapture` on a real file stands in for a webcam."""

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.camera.webcam import Webcam
from rig.config import CameraConfig
from rig.errors import CameraError, FrameTimeout

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


# No V4L2 device is at hand here. These ask the `cv2.VideoCapture` of a file instead, which takes no setting,
# has a size of its own, and reports no exposure: like the worst of drivers.


def test_a_setting_that_is_refused_is_named_with_what_can_be_done(recording: Path) -> None:
    camera = Webcam(CameraConfig(device="/dev/v4l/by-id/usb-none-index0"))
    capture = cv2.VideoCapture(str(recording))
    with pytest.raises(CameraError, match="refuses buffer size = 1") as refused:
        camera._lock_settings(capture, Path("/dev/v4l/by-id/usb-none-index0"))
    assert "v4l2-ctl --device /dev/v4l/by-id/usb-none-index0 --list-ctrls" in refused.value.hint
    # There is no key for it that could be changed.
    assert "[camera]" not in refused.value.hint
    capture.release()


def test_another_size_than_asked_is_an_error_that_names_both(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "view_0.png"), np.zeros((64, 96, 3), np.uint8))
    capture = cv2.VideoCapture(str(tmp_path / "view_%d.png"))
    with pytest.raises(CameraError, match="gives 96x64 instead of 640x480") as wrong:
        Webcam(CameraConfig(device=3))._check_size(capture)
    assert "width_px = 96 and height_px = 64" in wrong.value.hint
    Webcam(CameraConfig(device=3, width_px=96, height_px=64))._check_size(capture)
    capture.release()


def test_a_driver_that_reports_no_exposure_leaves_the_configured_one(recording: Path) -> None:
    capture = cv2.VideoCapture(str(recording))
    camera = Webcam(CameraConfig(device=3, exposure_us=5000))
    camera._read_back(capture)
    assert "exposure 5000 us" in camera.describe()
    capture.release()


def test_a_file_that_is_no_video_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "notes.avi"
    path.write_text("no video")
    with pytest.raises(CameraError, match=r"notes\.avi cannot be opened"):
        Webcam(CameraConfig(device=str(path))).start()


def test_it_describes_itself() -> None:
    assert "webcam 3" in Webcam(CameraConfig(device=3)).describe()
