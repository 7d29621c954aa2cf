import importlib.util

import pytest

from rig.camera.picamera import APT_LINE, PiCamera
from rig.config import CameraConfig
from rig.errors import CameraError, MissingPackage


@pytest.mark.skipif(importlib.util.find_spec("picamera2") is not None, reason="picamera2 is installed here")
def test_without_picamera2_it_says_how_to_install_it() -> None:
    with pytest.raises(MissingPackage, match="picamera2") as missing:
        PiCamera(CameraConfig(kind="picamera2")).start()
    assert missing.value.hint.startswith(APT_LINE)
    assert "--system-site-packages" in missing.value.hint


def test_one_that_was_never_started_gives_no_frame_and_closes_without_harm() -> None:
    camera = PiCamera(CameraConfig(kind="picamera2"))
    with pytest.raises(CameraError, match="not running"):
        camera.capture(0.0)
    camera.close()


def test_it_describes_itself() -> None:
    assert "640x480" in PiCamera(CameraConfig(kind="picamera2")).describe()
