"""Webcams through OpenCV. A reader thread keeps the newest frame, since drivers queue stale ones."""

import threading
import time
from pathlib import Path

import cv2
import numpy as np

from rig.camera.frame import Developed, Frame, Image
from rig.config import CameraConfig
from rig.errors import CameraError, FrameTimeout

_DEFAULT_FRAMES_PER_S = 30.0
# V4L2 counts exposure in units of 100 us, and 1 means manual for its automatic exposure.
_V4L2_EXPOSURE_UNIT_US = 100
_V4L2_MANUAL_EXPOSURE = 1
_JOIN_TIMEOUT_S = 5.0


class Webcam:
    """A `Camera` on `cv2.VideoCapture`.

    A number or a path under `/dev` is a V4L2 device, whose exposure and white balance are locked. Anything
    else is a recording or a stream, which is played as it is: a file at its own frame rate, up to its end.
    Frames tell the exposure and gain that the driver reports, or those of `config` where it reports none.

    V4L2 does not say when a frame was exposed. It is taken to have left the sensor at most one frame period
    before the driver hands it over, so that `exposed_from_s` is early rather than late and no frame passes
    for newer than it is.

    Args:
        config: device, size, exposure and timeout. A `gain` other than 1 is set in the driver's own units;
            with 1 the driver keeps the gain it has.
    """

    def __init__(self, config: CameraConfig) -> None:
        self._config = config
        self._exposure_us = config.exposure_us
        self._gain = config.gain
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._reader: threading.Thread | None = None
        self._newest: Frame | None = None
        self._failure: CameraError | None = None

    def start(self) -> None:
        """Open the device, lock its settings and read from now on.

        Raises:
            CameraError: it is absent, busy, or refuses a setting.
        """
        if self._reader is not None:
            return
        capture = self._open()
        self._stop.clear()
        self._newest = None
        self._failure = None
        self._reader = threading.Thread(target=self._read, args=(capture,), name="webcam", daemon=True)
        self._reader.start()

    def capture(self, not_before_s: float) -> Frame:
        """Return the first frame whose exposure began at or after `not_before_s` (CLOCK_MONOTONIC).

        Raises:
            FrameTimeout: none came in the configured time.
            CameraError: the camera was not started, or stopped delivering.
        """
        if self._reader is None:
            raise CameraError(f"{self._name} is not running", hint="start it first")
        with self._changed:
            self._changed.wait_for(
                lambda: self._failure is not None or self._is_new(not_before_s), self._config.timeout_s
            )
            if self._newest is not None and self._is_new(not_before_s):
                return self._newest
            if self._failure is not None:
                raise self._failure
        raise FrameTimeout(
            f"{self._name} gave no frame within {self._config.timeout_s:g} s",
            hint="check its cable, or raise timeout_s in [camera]",
        )

    def expose(self, not_before_s: float) -> Developed:
        """As `capture`: that a frame is exposed is known when it arrives."""
        return Developed(self.capture(not_before_s))

    def describe(self) -> str:
        """One line for people."""
        config = self._config
        return f"{self._name}, {config.width_px}x{config.height_px}, exposure {self._exposure_us} us"

    def close(self) -> None:
        """Stop reading and release the device.

        Raises:
            CameraError: the driver hangs and does not let go.
        """
        if self._reader is None:
            return
        self._stop.set()
        self._reader.join(_JOIN_TIMEOUT_S)
        if self._reader.is_alive():
            raise CameraError(f"{self._name} hangs and cannot be released", hint="unplug it")
        self._reader = None

    @property
    def _name(self) -> str:
        return f"webcam {self._config.device}"

    @property
    def _v4l2_path(self) -> Path | None:
        device = self._config.device
        if isinstance(device, int):
            return Path(f"/dev/video{device}")
        return Path(device) if device.startswith("/dev/") else None

    def _is_new(self, not_before_s: float) -> bool:
        return self._newest is not None and self._newest.exposed_from_s >= not_before_s

    def _open(self) -> cv2.VideoCapture:
        path = self._v4l2_path
        if path is None:
            capture = cv2.VideoCapture(str(self._config.device))
        elif path.exists():
            capture = cv2.VideoCapture(str(path), cv2.CAP_V4L2)
        else:
            raise CameraError(
                f"there is no webcam at {path}",
                hint="plug it in, or set device in [camera]; see `rig doctor`",
            )
        if not capture.isOpened():
            capture.release()
            raise CameraError(
                f"{self._name} cannot be opened",
                hint="close programs that use it; check `device` in [camera]; be in the group `video`",
            )
        if path is not None:
            try:
                self._lock_settings(capture, path)
                self._check_size(capture)
            except CameraError:
                capture.release()
                raise
            self._read_back(capture)
        return capture

    def _lock_settings(self, capture: cv2.VideoCapture, path: Path) -> None:
        config = self._config
        controls_line = f"`v4l2-ctl --device {path} --list-ctrls --list-formats-ext`"
        unlockable = f"see what it can do with {controls_line}; one that cannot be locked is of no use here"
        mend_config = f"see what it can do with {controls_line}, then change [camera]"
        exposure = max(1.0, config.exposure_us / _V4L2_EXPOSURE_UNIT_US)
        settings = [
            ("buffer size", cv2.CAP_PROP_BUFFERSIZE, 1.0, unlockable),
            ("width_px", cv2.CAP_PROP_FRAME_WIDTH, float(config.width_px), mend_config),
            ("height_px", cv2.CAP_PROP_FRAME_HEIGHT, float(config.height_px), mend_config),
            ("manual exposure", cv2.CAP_PROP_AUTO_EXPOSURE, float(_V4L2_MANUAL_EXPOSURE), unlockable),
            ("exposure_us", cv2.CAP_PROP_EXPOSURE, exposure, mend_config),
            ("fixed white balance", cv2.CAP_PROP_AUTO_WB, 0.0, unlockable),
        ]
        if config.gain != 1.0:
            settings.append(("gain", cv2.CAP_PROP_GAIN, config.gain, mend_config))
        for name, setting, value, hint in settings:
            if not capture.set(setting, value):
                raise CameraError(f"{self._name} refuses {name} = {value:g}", hint=hint)

    def _check_size(self, capture: cv2.VideoCapture) -> None:
        """A driver that cannot give the size it is asked for takes another one, and says that all is well."""
        config = self._config
        width_px = round(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height_px = round(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if (width_px, height_px) != (config.width_px, config.height_px):
            raise CameraError(
                f"{self._name} gives {width_px}x{height_px} instead of {config.width_px}x{config.height_px}",
                hint=f"set width_px = {width_px} and height_px = {height_px} in [camera]",
            )

    def _read_back(self, capture: cv2.VideoCapture) -> None:
        """Drivers move exposure and gain to the nearest value that they can do; unknown ones read as -1."""
        exposure = capture.get(cv2.CAP_PROP_EXPOSURE)
        gain = capture.get(cv2.CAP_PROP_GAIN)
        self._exposure_us = (
            round(exposure * _V4L2_EXPOSURE_UNIT_US) if exposure > 0 else self._config.exposure_us
        )
        self._gain = gain if gain >= 0 else self._config.gain

    def _read(self, capture: cv2.VideoCapture) -> None:
        """Keep the newest frame until asked to stop or until the source ends."""
        frames_per_s = capture.get(cv2.CAP_PROP_FPS)
        period_s = 1.0 / (frames_per_s if frames_per_s > 0 else _DEFAULT_FRAMES_PER_S)
        is_recording = Path(str(self._config.device)).is_file()
        due_s = time.monotonic()
        while not self._stop.is_set():
            delivered, pixels = capture.read()
            if not delivered:
                self._fail(CameraError(f"{self._name} stopped delivering", hint="check its cable"))
                break
            self._publish(np.asarray(pixels, dtype=np.uint8), period_s)
            if is_recording:
                due_s += period_s
                self._stop.wait(max(0.0, due_s - time.monotonic()))
        capture.release()

    def _publish(self, image: Image, period_s: float) -> None:
        until_s = time.monotonic() - period_s
        from_s = until_s - self._exposure_us * 1e-6
        frame = Frame(image, from_s, until_s, self._exposure_us, self._gain)
        with self._changed:
            self._newest = frame
            self._changed.notify_all()

    def _fail(self, failure: CameraError) -> None:
        with self._changed:
            self._failure = failure
            self._changed.notify_all()
