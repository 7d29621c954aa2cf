"""The Raspberry Pi camera through picamera2, which comes from apt and is imported when a camera starts."""

import importlib
from typing import Any

import numpy as np

from rig.camera.frame import Developed, Frame
from rig.config import CameraConfig
from rig.errors import CameraError, FrameTimeout, MissingPackage

APT_LINE = "sudo apt install python3-picamera2 --no-install-recommends"
PIP_LINE = "pip install 'brickrig[pi]'"

# Sensor modes that read the whole field of view, by sensor model; others are left to libcamera's choice.
_FULL_VIEW_MODES = {"imx219": (1640, 1232), "imx477": (2028, 1520), "imx708": (2304, 1296)}
# Automatic white balance needs a while to settle; afterwards its gains are locked.
_WHITE_BALANCE_FRAMES = 45
_LOCKING_FRAMES = 30
_SETTING_TOLERANCE = 0.05


class PiCamera:
    """A `Camera` on libcamera, with exposure, gain and white balance locked.

    Args:
        config: size, exposure, gain and timeout; `device` is the camera's number. A `gain` of 1 stands for
            the least that the sensor can do where that is more (1.12 for an IMX708).
    """

    def __init__(self, config: CameraConfig) -> None:
        self._config = config
        self._gain = config.gain
        # picamera2 brings no types.
        self._camera: Any = None

    def start(self) -> None:
        """Open the camera, let the white balance settle, then lock every setting.

        Raises:
            MissingPackage: picamera2 is absent or broken.
            CameraError: there is no such camera, another program has it, or it refuses a setting.
        """
        if self._camera is not None:
            return
        picamera2 = _import_picamera2()
        try:
            self._camera = picamera2.Picamera2(self._config.device)
        except (IndexError, RuntimeError) as error:
            raise CameraError(
                f"Pi camera {self._config.device} cannot be opened: {error}",
                hint="check the ribbon cable with `rpicam-hello --list-cameras`; close programs that use it",
            ) from error
        try:
            self._configure()
            self._camera.start()
            self._lock_settings()
        except (RuntimeError, TimeoutError, KeyError) as error:
            self.close()
            raise CameraError(
                f"Pi camera {self._config.device} cannot be set up: {type(error).__name__} {error}",
                hint="check the ribbon cable, and width_px and height_px in [camera]",
            ) from error
        except CameraError:
            self.close()
            raise

    def capture(self, not_before_s: float) -> Frame:
        """Return the first frame whose exposure began at or after `not_before_s` (CLOCK_MONOTONIC).

        `SensorTimestamp` is about the end of the exposure of the first row, on the same clock.

        Raises:
            FrameTimeout: none came in time; the camera is closed and must be started again.
            CameraError: the camera was not started, or a frame lacks its times.
        """
        if self._camera is None:
            raise CameraError("the Pi camera is not running", hint="start it first")
        try:
            request = self._camera.capture_request(
                flush=round(not_before_s * 1e9), wait=self._config.timeout_s
            )
        except TimeoutError as error:
            self._camera.cancel_all_and_flush()
            self.close()
            raise FrameTimeout(
                f"Pi camera {self._config.device} gave no frame within {self._config.timeout_s:g} s",
                hint="check the ribbon cable, then start again",
            ) from error
        except KeyError as error:
            raise CameraError(f"a frame of the Pi camera lacks {error}", hint="update picamera2") from error
        try:
            metadata: dict[str, Any] = request.get_metadata()
            # "RGB888" of libcamera is blue-green-red in memory.
            image = np.ascontiguousarray(request.make_array("main"))
        finally:
            request.release()
        missing = {"ExposureTime", "SensorTimestamp", "AnalogueGain"} - metadata.keys()
        if missing:
            raise CameraError(f"a frame of the Pi camera lacks {sorted(missing)}", hint="update picamera2")
        exposure_us = int(metadata["ExposureTime"])
        from_s = metadata["SensorTimestamp"] * 1e-9 - exposure_us * 1e-6
        if from_s < not_before_s:
            raise CameraError(
                f"the Pi camera delivered a frame {(not_before_s - from_s) * 1e3:.1f} ms too early",
                hint="update picamera2: `capture_request` ignored `flush`",
            )
        return Frame(image, from_s, from_s + exposure_us * 1e-6, exposure_us, float(metadata["AnalogueGain"]))

    def expose(self, not_before_s: float) -> Developed:
        """As `capture`: that a frame is exposed is known when it arrives."""
        return Developed(self.capture(not_before_s))

    def describe(self) -> str:
        """One line for people."""
        config = self._config
        return (
            f"Pi camera {config.device}, {config.width_px}x{config.height_px}, "
            f"exposure {config.exposure_us} us, gain {self._gain:g}"
        )

    def close(self) -> None:
        """Release the camera."""
        if self._camera is not None:
            self._camera.close()
            self._camera = None

    def _configure(self) -> None:
        self._gain = self._choose_gain()
        model = str(self._camera.camera_properties.get("Model", ""))
        mode = next((size for name, size in _FULL_VIEW_MODES.items() if model.startswith(name)), None)
        self._camera.configure(
            self._camera.create_video_configuration(
                main={"size": (self._config.width_px, self._config.height_px), "format": "RGB888"},
                sensor={"output_size": mode} if mode else None,
                controls={"ExposureTime": self._config.exposure_us, "AnalogueGain": self._gain},
            )
        )

    def _choose_gain(self) -> float:
        least, most, _ = self._camera.camera_controls["AnalogueGain"]
        gain = max(1.0, least) if self._config.gain == 1.0 else self._config.gain
        if not least <= gain <= most:
            raise CameraError(
                f"Pi camera {self._config.device} has gains from {least:.3g} to {most:.3g}, not {gain:g}",
                hint="change gain in [camera]",
            )
        return gain

    def _lock_settings(self) -> None:
        """Hold the white balance that was found, and wait until frames are taken with every setting."""
        for _ in range(_WHITE_BALANCE_FRAMES):
            metadata = self._camera.capture_metadata(wait=self._config.timeout_s)
        wanted = {
            "ExposureTime": float(self._config.exposure_us),
            "AnalogueGain": self._gain,
            "ColourGains": metadata["ColourGains"],
        }
        self._camera.set_controls({"ColourGains": wanted["ColourGains"]})
        for _ in range(_LOCKING_FRAMES):
            metadata = self._camera.capture_metadata(wait=self._config.timeout_s)
            if all(
                np.allclose(metadata[name], value, rtol=_SETTING_TOLERANCE) for name, value in wanted.items()
            ):
                return
        reported = ", ".join(f"{name} {metadata[name]}" for name in wanted)
        raise CameraError(
            f"Pi camera {self._config.device} does not hold its settings: it reports {reported}",
            hint="choose exposure_us and gain in [camera] that the sensor can do",
        )


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
