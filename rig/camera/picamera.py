"""The Raspberry Pi camera through picamera2, which comes from apt and is imported when a camera starts."""

import importlib
import threading
import time
from concurrent.futures import Future
from typing import Any

import numpy as np

from rig.camera.frame import Developed, Frame, Reach
from rig.camera.pi_locks import fit, locks_for, reach_of
from rig.config import CameraConfig
from rig.errors import CameraError, FrameTimeout, MissingPackage

APT_LINE = "sudo apt install python3-picamera2 --no-install-recommends"
PIP_LINE = "pip install 'brickrig[pi]'"

# Sensor modes that read the whole field of view, by sensor model; others are left to libcamera's choice.
_FULL_VIEW_MODES = {"imx219": (1640, 1232), "imx477": (2028, 1520), "imx708": (2304, 1296)}
# Automatic white balance needs a while to settle; afterwards its gains are locked.
_WHITE_BALANCE_FRAMES = 45
# A change shows after 3 or 4 frames, and after those that were buffered already.
_LOCKING_FRAMES = 30
# After a stall even closing may hang, inside the driver.
_RELEASE_TIMEOUT_S = 5.0


class PiCamera:
    """A `Camera` on libcamera, with exposure, gain, white balance and focus locked.

    The camera is configured once a session. That every lock holds is read in the metadata of each frame. A
    camera that stalls is closed, opened again with the same locks, and asked once more.

    Args:
        config: size, locked settings and timeout; `device` is the camera's number. A `gain` of 1 stands for
            the least that the sensor can do where that is more (1.12 for an IMX708).
    """

    def __init__(self, config: CameraConfig) -> None:
        # What is locked; a setting that was left open is in it once it has been found.
        self._config = config
        # picamera2 brings no types.
        self._camera: Any = None

    def start(self) -> None:
        """Open the camera, let it find what `config` leaves open, and lock every setting.

        Raises:
            MissingPackage: picamera2 is absent or broken.
            FrameTimeout: it gives no frames.
            CameraError: there is no such camera, another program has it, or it refuses a setting.
        """
        if self._camera is not None:
            return
        picamera2 = _import_picamera2()
        try:
            self._camera = picamera2.Picamera2(self._config.device)
        except (IndexError, RuntimeError) as error:
            raise CameraError(
                f"{self._name} cannot be opened: {error}",
                hint="check the ribbon cable with `rpicam-hello --list-cameras`; close programs that use it",
            ) from error
        try:
            self._configure()
            self._camera.start()
            self._find_what_is_open()
            self._lock()
        except TimeoutError as error:
            self.close()
            raise self._no_frame() from error
        except (RuntimeError, KeyError) as error:
            self.close()
            raise CameraError(
                f"{self._name} cannot be set up: {type(error).__name__} {error}",
                hint="check the ribbon cable, and width_px and height_px in [camera]",
            ) from error
        except CameraError:
            self.close()
            raise

    def capture(self, not_before_s: float) -> Frame:
        """Return the first frame whose exposure began at or after `not_before_s` (CLOCK_MONOTONIC).

        `SensorTimestamp` is about the end of the exposure of the first row, on the same clock.

        Raises:
            FrameTimeout: none came in time, nor after the camera was opened again; it is closed then. Or
                `not_before_s` is further ahead than the configured time.
            CameraError: the camera was not started, or a frame lacks its times or was taken with other
                settings than the locked ones.
        """
        self._require_running()
        if not_before_s - time.monotonic() > self._config.timeout_s:
            raise self._no_frame()
        try:
            return self._shoot(not_before_s)
        except TimeoutError:
            self.close()
            self.start()
        try:
            return self._shoot(not_before_s)
        except TimeoutError as error:
            self.close()
            raise self._no_frame() from error

    def expose(self, not_before_s: float) -> Developed:
        """As `capture`: that a frame is exposed is known when it arrives."""
        return Developed(self.capture(not_before_s))

    def reach(self) -> Reach:
        """What the sensor and its lens can do in the mode that was configured."""
        self._require_running()
        return reach_of(self._camera.camera_controls)

    def relock(self, config: CameraConfig) -> None:
        """Change the locks of the running camera, and wait until its frames report them.

        Raises:
            FrameTimeout: it gives no frames.
            CameraError: the camera was not started, or refuses a setting.
        """
        reach = self.reach()
        found = {"colour_gains": self._config.colour_gains, "lens_position": self._config.lens_position}
        open_ = {key: value for key, value in found.items() if getattr(config, key) is None}
        self._config = fit(config.model_copy(update=open_), reach)
        try:
            self._lock()
        except TimeoutError as error:
            self.close()
            raise self._no_frame() from error

    def describe(self) -> str:
        """One line for people."""
        config = self._config
        return (
            f"{self._name}, {config.width_px}x{config.height_px}, "
            f"exposure {config.exposure_us} us, gain {config.gain:g}"
        )

    def close(self) -> None:
        """Release the camera.

        Raises:
            CameraError: the driver hangs or fails, and does not let go.
        """
        camera, self._camera = self._camera, None
        if camera is not None:
            _release(camera, self._name)

    @property
    def _name(self) -> str:
        return f"Pi camera {self._config.device}"

    def _require_running(self) -> None:
        if self._camera is None:
            raise CameraError(f"{self._name} is not running", hint="start it first")

    def _no_frame(self) -> FrameTimeout:
        return FrameTimeout(
            f"{self._name} gave no frame within {self._config.timeout_s:g} s",
            hint="check the ribbon cable, then start again",
        )

    def _shoot(self, not_before_s: float) -> Frame:
        """One request; raises TimeoutError when the camera stalls."""
        ahead_s = max(0.0, not_before_s - time.monotonic())
        not_before_ns = int(not_before_s * 1e9) + 1
        try:
            request = self._camera.capture_request(flush=not_before_ns, wait=ahead_s + self._config.timeout_s)
        except KeyError as error:
            raise self._lacking(error) from error
        try:
            metadata: dict[str, Any] = request.get_metadata()
            # "RGB888" of libcamera is blue-green-red in memory.
            image = np.ascontiguousarray(request.make_array("main"))
        finally:
            request.release()
        try:
            exposure_us = int(metadata["ExposureTime"])
            gain = float(metadata["AnalogueGain"])
            from_ns = int(metadata["SensorTimestamp"]) - 1000 * exposure_us
            self._check_locks(metadata)
        except KeyError as error:
            raise self._lacking(error) from error
        if from_ns < not_before_ns:
            raise CameraError(
                f"{self._name} delivered a frame {(not_before_ns - from_ns) / 1e6:.1f} ms too early",
                hint="update picamera2: `capture_request` ignored `flush`",
            )
        return Frame(image, from_ns / 1e9, from_ns / 1e9 + exposure_us / 1e6, exposure_us, gain)

    def _lacking(self, error: KeyError) -> CameraError:
        return CameraError(f"a frame of {self._name} lacks {error}", hint="update picamera2")

    def _configure(self) -> None:
        self._config = fit(self._config, reach_of(self._camera.camera_controls))
        model = str(self._camera.camera_properties.get("Model", ""))
        mode = next((size for name, size in _FULL_VIEW_MODES.items() if model.startswith(name)), None)
        self._camera.configure(
            self._camera.create_video_configuration(
                main={"size": (self._config.width_px, self._config.height_px), "format": "RGB888"},
                sensor={"output_size": mode} if mode else None,
                controls=dict(locks_for(self._config).controls),
            )
        )

    def _find_what_is_open(self) -> None:
        """Focus once and let the white balance settle, where the configuration says nothing of them."""
        timeout_s = self._config.timeout_s
        found: dict[str, Any] = {}
        has_lens = "LensPosition" in self._camera.camera_controls
        if has_lens and self._config.lens_position is None:
            if not self._camera.autofocus_cycle(wait=timeout_s):
                raise CameraError(
                    f"{self._name} finds no focus",
                    hint="lay a part on the table, or set lens_position in [camera] (rig calibrate camera)",
                )
            found["lens_position"] = float(self._camera.capture_metadata(wait=timeout_s)["LensPosition"])
        if self._config.colour_gains is None:
            for _ in range(_WHITE_BALANCE_FRAMES):
                metadata = self._camera.capture_metadata(wait=timeout_s)
            red, blue = metadata["ColourGains"]
            found["colour_gains"] = (float(red), float(blue))
        self._config = self._config.model_copy(update=found)

    def _lock(self) -> None:
        """Lock every setting, and wait until frames are taken with all of them."""
        locks = locks_for(self._config)
        self._camera.set_controls(dict(locks.controls))
        for _ in range(_LOCKING_FRAMES):
            metadata = self._camera.capture_metadata(wait=self._config.timeout_s)
            if locks.hold(metadata):
                return
        self._check_locks(metadata)

    def _check_locks(self, metadata: dict[str, Any]) -> None:
        locks = locks_for(self._config)
        if not locks.hold(metadata):
            raise CameraError(
                f"{self._name} does not hold its settings: it reports {locks.reported(metadata)}",
                hint="choose settings in [camera] that the sensor can do: rig calibrate camera finds some",
            )


def _release(camera: Any, name: str) -> None:
    released: Future[None] = Future()

    def release() -> None:
        try:
            camera.cancel_all_and_flush()
            camera.close()
        except BaseException as error:  # noqa: BLE001 - nothing is swallowed: whoever waits is told
            released.set_exception(error)
        else:
            released.set_result(None)

    # A daemon: a process can end although the driver hangs.
    threading.Thread(target=release, name="release Pi camera", daemon=True).start()
    hint = "check the ribbon cable, and restart the Pi"
    try:
        failure = released.exception(_RELEASE_TIMEOUT_S)
    except TimeoutError as error:
        raise CameraError(f"{name} hangs and cannot be released", hint=hint) from error
    if failure is not None:
        told = f"{type(failure).__name__} {failure}"
        raise CameraError(f"{name} cannot be released: {told}", hint=hint) from failure


def _import_picamera2() -> Any:
    try:
        return importlib.import_module("picamera2")
    except ImportError as error:
        raise MissingPackage(
            f"picamera2 cannot be imported: {error}",
            hint=f"{APT_LINE}; then make the environment with `python3 -m venv --system-site-packages`",
        ) from error
    except ValueError as error:
        # The binary mismatch between Debian's simplejpeg and a newer NumPy.
        raise MissingPackage(
            f"picamera2 cannot be imported: {error}",
            hint=f"replace Debian's simplejpeg inside the environment: {PIP_LINE}",
        ) from error
