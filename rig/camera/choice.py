"""The camera that rig.toml names; its driver is imported only then."""

from rig.camera.frame import Camera
from rig.config import CameraConfig


def camera_for(config: CameraConfig) -> Camera:
    """The configured camera, not started yet.

    Raises:
        MissingPackage: its driver is not installed.
    """
    if config.kind == "picamera2":
        from rig.camera.picamera import PiCamera

        return PiCamera(config)
    from rig.camera.webcam import Webcam

    return Webcam(config)
