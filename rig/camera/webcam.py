"""Webcams through OpenCV. A reader thread keeps the newest frame, since drivers queue stale ones."""

import threading
import time
from pathlib import Path

import cv2
import numpy as np

from rig.camera import v4l2_locks
from rig.camera.dating import Dating, Playback, StampedArrivals, WaitedArrivals
from rig.camera.frame import Developed, Frame, Image, Reach
from rig.config import CameraConfig
from rig.errors import CameraError, FrameTimeout

_DEFAULT_FRAMES_PER_S = 30.0
_JOIN_TIMEOUT_S = 5.0
_MS = 1e-3


class Webcam:
    """A `Camera` on `cv2.VideoCapture`.

    A number or a path under `/dev` is a V4L2 device, whose exposure, white balance and focus are locked.
    Anything else is a recording or a stream, which is played as it is: a file at its own frame rate, up to
    its end. Frames tell the exposure and gain that the driver reports, or those of `config` where it reports
    none.

    No webcam says when a frame was exposed. V4L2 stamps it when it arrives from the camera; where there is no
    stamp, a frame is believed only if the reader had to wait for it, since one that is there at once has been
    waiting itself. Such a frame is taken to have left the sensor one frame period before it arrived, so that
    `exposed_from_s` is early rather than late and no frame passes for newer than it is.

    Args:
        config: device, size, locked settings and timeout. A `gain` other than 1 is set in the driver's own
            units; with 1 the driver keeps the gain it has.
    """

    def __init__(self, config: CameraConfig) -> None:
        self._config = config
        self._exposure_us, self._gain = config.exposure_us, config.gain
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._reader: threading.Thread | None = None
        self._reach: Reach | None = None
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
        self._reach = v4l2_locks.reach_of(capture)
        self._reader = threading.Thread(target=self._read, args=(capture,), name="webcam", daemon=True)
        self._reader.start()

    def capture(self, not_before_s: float) -> Frame:
        """Return the first frame whose exposure began at or after `not_before_s` (CLOCK_MONOTONIC).

        Raises:
            FrameTimeout: none came in the configured time.
            CameraError: the camera was not started, or stopped delivering.
        """
        if self._reader is None:
            raise self._not_running()
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
            hint="check its cable; lower width_px and height_px if this computer cannot keep up with it; or"
            " raise timeout_s in [camera]",
        )

    def expose(self, not_before_s: float) -> Developed:
        """As `capture`: that a frame is exposed is known when it arrives."""
        return Developed(self.capture(not_before_s))

    def reach(self) -> Reach:
        """What webcams usually can do, as far as this one has it; its driver clips the rest."""
        if self._reader is None or self._reach is None:
            raise self._not_running()
        return self._reach

    def relock(self, config: CameraConfig) -> None:
        """Open the device again with other locks: OpenCV lets no other thread set what the reader reads."""
        if self._reader is None:
            raise self._not_running()
        self.close()
        self._config = config
        self.start()

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

    @property
    def _is_stream(self) -> bool:
        return "://" in str(self._config.device)

    def _not_running(self) -> CameraError:
        return CameraError(f"{self._name} is not running", hint="start it first")

    def _is_new(self, not_before_s: float) -> bool:
        return self._newest is not None and self._newest.exposed_from_s >= not_before_s

    def _open(self) -> cv2.VideoCapture:
        path = self._v4l2_path
        if path is not None and not path.exists():
            there = ", ".join(map(str, sorted(Path("/dev").glob("video*")))) or "none"
            raise CameraError(
                f"there is no webcam at {path}",
                hint=f"cameras found: {there}; plug it in, or set device under [camera] in rig.toml",
            )
        capture = self._open_source(path)
        if not capture.isOpened():
            capture.release()
            raise CameraError(
                f"{self._name} cannot be opened",
                hint="close programs that use it; check `device` in [camera]; be in the group `video`",
            )
        self._exposure_us, self._gain = self._config.exposure_us, self._config.gain
        if path is not None:
            try:
                v4l2_locks.lock(capture, self._config, path)
                v4l2_locks.check_size(capture, self._config)
            except CameraError:
                capture.release()
                raise
            self._exposure_us = v4l2_locks.exposure_us(capture, self._config)
            self._gain = v4l2_locks.gain(capture, self._config)
        return capture

    def _open_source(self, path: Path | None) -> cv2.VideoCapture:
        if path is not None:
            return cv2.VideoCapture(str(path), cv2.CAP_V4L2)
        source = str(self._config.device)
        if not self._is_stream:
            return cv2.VideoCapture(source)
        # Without a bound, a sender that falls silent holds the reader for half a minute.
        timeout_ms = round(self._config.timeout_s / _MS)
        bounds = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, timeout_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_ms]
        return cv2.VideoCapture(source, cv2.CAP_FFMPEG, bounds)

    def _read(self, capture: cv2.VideoCapture) -> None:
        """Keep the newest frame that can be believed, until asked to stop or until the source ends."""
        dating = self._dating(capture)
        while not self._stop.is_set():
            asked_s = time.monotonic()
            if not capture.grab():
                self._fail(CameraError(f"{self._name} stopped delivering", hint="check its cable"))
                break
            exposed_until_s = dating.exposed_until_s(asked_s, time.monotonic())
            # A frame that is not believed is not decoded either: that is how the reader catches up.
            if exposed_until_s is None:
                continue
            delivered, pixels = capture.retrieve()
            if delivered:
                self._publish(np.asarray(pixels, dtype=np.uint8), exposed_until_s)
        capture.release()

    def _dating(self, capture: cv2.VideoCapture) -> Dating:
        frames_per_s = capture.get(cv2.CAP_PROP_FPS)
        period_s = 1.0 / (frames_per_s if frames_per_s > 0 else _DEFAULT_FRAMES_PER_S)
        if self._v4l2_path is not None:
            return StampedArrivals(capture, period_s)
        if self._is_stream:
            return WaitedArrivals(period_s)
        return Playback(period_s, self._stop)

    def _publish(self, image: Image, exposed_until_s: float) -> None:
        from_s = exposed_until_s - self._exposure_us * 1e-6
        frame = Frame(image, from_s, exposed_until_s, self._exposure_us, self._gain)
        with self._changed:
            self._newest = frame
            self._changed.notify_all()

    def _fail(self, failure: CameraError) -> None:
        with self._changed:
            self._failure = failure
            self._changed.notify_all()
