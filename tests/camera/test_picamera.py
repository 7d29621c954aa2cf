import importlib.util
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from rig.camera.picamera import APT_LINE, PIP_LINE, PiCamera
from rig.config import CameraConfig
from rig.errors import CameraError, FrameTimeout, MissingPackage
from tests.camera import pi_stand_in

CONFIG = CameraConfig(kind="picamera2", exposure_us=2000, timeout_s=2.0)


def install(monkeypatch: pytest.MonkeyPatch, kind: type[pi_stand_in.Picamera2]) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=kind))
    monkeypatch.setattr(pi_stand_in.Picamera2, "opened", [])


@pytest.fixture
def on_a_pi(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, pi_stand_in.Picamera2)


@contextmanager
def running(camera: PiCamera) -> Iterator[PiCamera]:
    camera.start()
    try:
        yield camera
    finally:
        camera.close()


@pytest.mark.skipif(importlib.util.find_spec("picamera2") is not None, reason="picamera2 is installed here")
def test_without_picamera2_it_says_how_to_install_it() -> None:
    with pytest.raises(MissingPackage, match="picamera2") as missing:
        PiCamera(CameraConfig(kind="picamera2")).start()
    assert missing.value.hint.startswith(APT_LINE)
    assert "--system-site-packages" in missing.value.hint


def test_beside_a_newer_numpy_it_names_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    message = "numpy.dtype size changed, may indicate binary incompatibility"
    (tmp_path / "picamera2.py").write_text(f"raise ValueError({message!r})\n")
    monkeypatch.delitem(sys.modules, "picamera2", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingPackage, match=message) as broken:
        PiCamera(CameraConfig(kind="picamera2")).start()
    assert PIP_LINE in broken.value.hint
    assert "apt" not in broken.value.hint


@pytest.mark.parametrize(("asked", "used"), [(1.0, 1.122807), (4.0, 4.0), (16.0, 16.0)])
@pytest.mark.usefixtures("on_a_pi")
def test_a_gain_of_1_is_the_least_of_the_sensor(asked: float, used: float) -> None:
    camera = PiCamera(CameraConfig(kind="picamera2", gain=asked))
    camera.start()
    not_before_s = time.monotonic()
    frame = camera.capture(not_before_s)
    assert frame.gain == pytest.approx(used)
    assert f"gain {used:g}" in camera.describe()
    assert frame.image.shape == (480, 640, 3)
    assert frame.exposed_from_s >= not_before_s
    camera.close()


@pytest.mark.parametrize("gain", [0.5, 1.1, 17.0])
@pytest.mark.usefixtures("on_a_pi")
def test_a_gain_that_the_sensor_cannot_do_is_an_error_that_names_its_range(gain: float) -> None:
    with pytest.raises(CameraError, match=rf"gain from 1\.12 to 16, not {gain:g}") as refused:
        PiCamera(CameraConfig(kind="picamera2", gain=gain)).start()
    assert "[camera]" in refused.value.hint


@pytest.mark.usefixtures("on_a_pi")
def test_a_camera_that_is_not_there_is_named() -> None:
    with pytest.raises(CameraError, match="Pi camera 3 cannot be opened"):
        PiCamera(CameraConfig(kind="picamera2", device=3)).start()


def test_one_that_was_never_started_gives_no_frame_and_closes_without_harm() -> None:
    camera = PiCamera(CameraConfig(kind="picamera2"))
    with pytest.raises(CameraError, match="not running"):
        camera.capture(0.0)
    camera.close()


def test_it_describes_itself() -> None:
    assert "640x480" in PiCamera(CameraConfig(kind="picamera2")).describe()


class NoAutofocus(pi_stand_in.Picamera2):
    """A camera module 2: its lens is fixed."""

    camera_properties: ClassVar[dict[str, Any]] = {"Model": "imx219"}
    camera_controls: ClassVar[dict[str, Any]] = {
        key: value
        for key, value in pi_stand_in.Picamera2.camera_controls.items()
        if key not in ("LensPosition", "AfMode")
    }


@pytest.mark.usefixtures("on_a_pi")
def test_what_was_calibrated_is_locked_from_the_start() -> None:
    config = CameraConfig(
        kind="picamera2", exposure_us=4000, gain=2.0, colour_gains=(2.2, 1.7), lens_position=8.5
    )
    with running(PiCamera(config)):
        (camera,) = pi_stand_in.Picamera2.opened
        (configuration,) = camera.configurations
        controls = configuration["controls"]
        assert controls["ColourGains"] == (2.2, 1.7)
        assert (controls["AfMode"], controls["LensPosition"]) == (pi_stand_in.AF_MANUAL, 8.5)
        assert configuration["sensor"] == {"output_size": (2304, 1296)}
        reported = camera.capture_metadata(1.0)
        assert (reported["ColourGains"], reported["LensPosition"]) == ((2.2, 1.7), 8.5)


@pytest.mark.usefixtures("on_a_pi")
def test_what_was_not_is_found_once_and_held() -> None:
    with running(PiCamera(CONFIG)):
        (camera,) = pi_stand_in.Picamera2.opened
        reported = camera.capture_metadata(1.0)
        assert reported["ColourGains"] == pi_stand_in.AUTO_GAINS
        assert reported["LensPosition"] == pi_stand_in.AUTO_FOCUS
        for _ in range(pi_stand_in.LAG_FRAMES + 2):
            assert camera.capture_metadata(1.0)["LensPosition"] == pi_stand_in.AUTO_FOCUS
        assert camera._controls["AfMode"] == pi_stand_in.AF_MANUAL


def test_a_lens_that_does_not_move_is_not_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, NoAutofocus)
    with running(PiCamera(CONFIG)) as camera:
        assert camera.reach().lens_position is None
        assert camera.capture(0.0).gain == pytest.approx(pi_stand_in.LEAST_GAIN)
    with pytest.raises(CameraError, match="lens of Pi camera 0 does not move") as fixed:
        PiCamera(CONFIG.model_copy(update={"lens_position": 8.0})).start()
    assert "lens_position in [camera]" in fixed.value.hint


@pytest.mark.usefixtures("on_a_pi")
def test_an_exposure_longer_than_a_frame_makes_frames_longer() -> None:
    config = CONFIG.model_copy(update={"exposure_us": 60_000, "colour_gains": (2.0, 2.0), "lens_position": 8})
    with running(PiCamera(config)) as camera:
        assert camera.capture(0.0).exposure_us == pytest.approx(60_000, rel=0.01)


@pytest.mark.parametrize(
    ("stuck", "said"),
    [
        ({"ExposureTime": 9000}, "ExposureTime 9000"),
        ({"AnalogueGain": 3.0}, "AnalogueGain 3.0"),
        ({"ColourGains": (1.5, 2.1)}, "ColourGains"),
        ({"LensPosition": 7.0}, "LensPosition 7.0"),
    ],
)
def test_each_setting_is_verified_in_each_frame(
    monkeypatch: pytest.MonkeyPatch, stuck: dict[str, Any], said: str
) -> None:
    class Drifting(pi_stand_in.Picamera2):
        stuck: ClassVar[dict[str, Any]] = {}

    install(monkeypatch, Drifting)
    with running(PiCamera(CONFIG)) as camera:
        camera.capture(0.0)
        Drifting.stuck = stuck
        with pytest.raises(CameraError, match=f"does not hold its settings.*{re.escape(said)}"):
            camera.capture(time.monotonic() + 0.02)


def test_a_camera_that_never_takes_a_setting_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stubborn(pi_stand_in.Picamera2):
        stuck: ClassVar[dict[str, Any]] = {"ExposureTime": 20_000}

    install(monkeypatch, Stubborn)
    with pytest.raises(CameraError, match="does not hold its settings"):
        PiCamera(CONFIG).start()
    assert Stubborn.opened[0].closed


@pytest.mark.parametrize("key", ["SensorTimestamp", "ExposureTime", "AnalogueGain", "ColourGains"])
def test_metadata_that_lack_a_key_are_named(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    class Terse(pi_stand_in.Picamera2):
        hidden: ClassVar[frozenset[str]] = frozenset()

    install(monkeypatch, Terse)
    with running(PiCamera(CONFIG)) as camera:
        Terse.hidden = frozenset({key})
        with pytest.raises(CameraError, match=f"lacks '{key}'"):
            camera.capture(time.monotonic() + 0.02)


def test_an_early_frame_is_not_believed_whatever_picamera2_does(monkeypatch: pytest.MonkeyPatch) -> None:
    class Old(pi_stand_in.Picamera2):
        ignores_flush: ClassVar[bool] = True

    install(monkeypatch, Old)
    with running(PiCamera(CONFIG)) as camera, pytest.raises(CameraError, match="ms too early"):
        camera.capture(time.monotonic() + 0.5)


def test_no_request_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, pi_stand_in.Picamera2)
    with running(PiCamera(CONFIG)) as camera:
        for _ in range(3 * pi_stand_in.BUFFERS):
            camera.capture(0.0)
        assert len(pi_stand_in.Picamera2.opened) == 1, "no buffer was missing, so that it stalled"


def stalling(monkeypatch: pytest.MonkeyPatch, *frames: int) -> type[pi_stand_in.Picamera2]:
    class Stalling(pi_stand_in.Picamera2):
        frames_until_stall: ClassVar[list[int]] = list(frames)

    install(monkeypatch, Stalling)
    return Stalling


CALIBRATED = CameraConfig(
    kind="picamera2", exposure_us=2000, colour_gains=(2.2, 1.7), lens_position=8.5, timeout_s=0.3
)


def test_a_camera_that_stalls_is_reopened_with_what_it_had_found(monkeypatch: pytest.MonkeyPatch) -> None:
    stalling(monkeypatch, 100)
    with running(PiCamera(CONFIG.model_copy(update={"exposure_us": 1000, "timeout_s": 0.3}))) as camera:
        while len(pi_stand_in.Picamera2.opened) == 1:
            not_before_s = time.monotonic()
            frame = camera.capture(not_before_s)
            assert frame.exposed_from_s >= not_before_s
        stalled, reopened = pi_stand_in.Picamera2.opened
        assert stalled.closed
        assert len(stalled.configurations) == len(reopened.configurations) == 1
        assert reopened.configurations[0]["controls"]["ColourGains"] == pi_stand_in.AUTO_GAINS
        assert reopened.configurations[0]["controls"]["LensPosition"] == pi_stand_in.AUTO_FOCUS


@pytest.mark.parametrize("second", [0, 1])
def test_a_second_stall_is_a_timeout_and_leaves_the_camera_closed(
    monkeypatch: pytest.MonkeyPatch, second: int
) -> None:
    stalling(monkeypatch, -1, second)
    camera = PiCamera(CALIBRATED)
    camera.start()
    pi_stand_in.Picamera2.opened[0].stall()
    with pytest.raises(FrameTimeout, match=r"0\.3 s"):
        camera.capture(time.monotonic())
    assert all(opened.closed for opened in pi_stand_in.Picamera2.opened)
    with pytest.raises(CameraError, match="not running"):
        camera.capture(0.0)
    # The third one is sound.
    with running(camera):
        camera.capture(time.monotonic())


def test_a_camera_that_stalls_at_the_start_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    stalling(monkeypatch, 0)
    with pytest.raises(FrameTimeout):
        PiCamera(CALIBRATED).start()
    assert pi_stand_in.Picamera2.opened[0].closed


def test_a_driver_that_hangs_on_close_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()

    class Hanging(pi_stand_in.Picamera2):
        hangs_on_close: ClassVar[threading.Event | None] = let_go

    install(monkeypatch, Hanging)
    monkeypatch.setattr("rig.camera.picamera._RELEASE_TIMEOUT_S", 0.1)
    camera = PiCamera(CALIBRATED)
    camera.start()
    with pytest.raises(CameraError, match="hangs and cannot be released"):
        camera.close()
    let_go.set()


@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError("Failed to stop camera"),
        OSError(19, "No such device"),
        TimeoutError("a job never ended"),
        AttributeError("'NoneType' object has no attribute 'stop'"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_whatever_a_driver_raises_on_close_is_an_error_of_the_camera(
    monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    class Failing(pi_stand_in.Picamera2):
        fails_on_close: ClassVar[Exception | None] = failure

    install(monkeypatch, Failing)
    camera = PiCamera(CALIBRATED)
    camera.start()
    said = re.escape(f"cannot be released: {type(failure).__name__} {failure}")
    with pytest.raises(CameraError, match=said) as failed:
        camera.close()
    assert failed.value.__cause__ is failure
    (opened,) = pi_stand_in.Picamera2.opened
    Failing.fails_on_close = None
    opened.close()


@pytest.mark.usefixtures("on_a_pi")
def test_new_locks_hold_from_the_next_frame_on() -> None:
    with running(PiCamera(CALIBRATED)) as camera:
        camera.relock(CALIBRATED.model_copy(update={"exposure_us": 5000, "colour_gains": None}))
        assert camera.capture(0.0).exposure_us == pytest.approx(5000, rel=0.01)
        (opened,) = pi_stand_in.Picamera2.opened
        assert opened.capture_metadata(1.0)["ColourGains"] == (2.2, 1.7)
        assert "5000 us" in camera.describe()


@pytest.mark.usefixtures("on_a_pi")
def test_a_webcam_s_white_balance_is_refused() -> None:
    with pytest.raises(CameraError, match="no white_balance_k") as refused:
        PiCamera(CONFIG.model_copy(update={"white_balance_k": 4600})).start()
    assert "rig calibrate camera" in refused.value.hint


@pytest.mark.usefixtures("on_a_pi")
def test_a_busy_camera_is_named() -> None:
    with running(PiCamera(CONFIG)), pytest.raises(CameraError, match=r"cannot be opened: .*busy"):
        PiCamera(CONFIG).start()
