import importlib.util
import sys
import time
from pathlib import Path

import pytest

from rig.camera.picamera import APT_LINE, PIP_LINE, PiCamera
from rig.config import CameraConfig
from rig.errors import CameraError, MissingPackage
from tests.camera import pi_stand_in


@pytest.fixture
def on_a_pi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", pi_stand_in)


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
    with pytest.raises(CameraError, match=rf"gains from 1\.12 to 16, not {gain:g}") as refused:
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
