"""Locks the controls of a V4L2 webcam through OpenCV, and reads each one back."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2

from rig.camera.frame import Reach, Span
from rig.config import CameraConfig
from rig.errors import CameraError

# V4L2 counts exposure in units of 100 us, and 1 means manual for its automatic exposure.
EXPOSURE_UNIT_US = 100
_MANUAL_EXPOSURE = 1

# OpenCV does not tell the ranges of a driver. These are usual; what a driver does not reach, it clips.
_EXPOSURE_US = Span(EXPOSURE_UNIT_US, 33_000)
_WHITE_BALANCE_K = Span(2800, 6500)
_FOCUS = Span(0, 250)

# A driver takes the nearest value that it can do.
_NEAR_SHARE = 0.1
_NEAR_UNITS = 1.0


class Controls(Protocol):
    """What `cv2.VideoCapture` offers of a driver's controls."""

    def set(self, propId: int, value: float) -> bool:  # noqa: N803
        """Whether the driver took a value, or the nearest that it can do."""
        ...

    def get(self, propId: int) -> float:  # noqa: N803
        """The value; -1 where the driver does not say, 0 where there is no driver."""
        ...


@dataclass(frozen=True)
class _Setting:
    """A control and its value.

    Attributes:
        key: in `[camera]`; empty for one that has no key.
        needed: whether a camera without the control is of no use.
    """

    name: str
    control: int
    value: float
    key: str = ""
    needed: bool = True


def lock(controls: Controls, config: CameraConfig, path: Path) -> None:
    """Switch every automatic off, set what `config` says, and see that the driver has done so.

    Raises:
        CameraError: the driver refuses a setting, or took another value.
    """
    if config.colour_gains is not None:
        raise CameraError(
            f"webcam {config.device} takes no colour_gains",
            hint="delete it in [camera]; find white_balance_k with: rig calibrate camera",
        )
    for setting in _settings(config):
        see = f"see what it can do with `v4l2-ctl --device {path} --list-ctrls --list-formats-ext`"
        mend = (
            f"then change {setting.key} in [camera]" if setting.key else "one that cannot be locked is no use"
        )
        if not controls.set(setting.control, setting.value):
            if setting.needed:
                raise CameraError(
                    f"webcam {config.device} refuses {setting.name} = {setting.value:g}",
                    hint=f"{see}, {mend}",
                )
            continue
        reported = controls.get(setting.control)
        near = max(_NEAR_UNITS, _NEAR_SHARE * setting.value) if setting.key else 0.0
        if reported >= 0 and abs(reported - setting.value) > near:
            raise CameraError(
                f"webcam {config.device} has {setting.name} = {reported:g} instead of {setting.value:g}",
                hint=f"{see}, {mend}",
            )


def check_size(controls: Controls, config: CameraConfig) -> None:
    """A driver that cannot give the size it is asked for takes another one, and says that all is well.

    Raises:
        CameraError: it has done so.
    """
    width_px = round(controls.get(cv2.CAP_PROP_FRAME_WIDTH))
    height_px = round(controls.get(cv2.CAP_PROP_FRAME_HEIGHT))
    if (width_px, height_px) != (config.width_px, config.height_px):
        raise CameraError(
            f"webcam {config.device} gives {width_px}x{height_px}"
            f" instead of {config.width_px}x{config.height_px}",
            hint=f"set width_px = {width_px} and height_px = {height_px} in [camera]",
        )


def exposure_us(controls: Controls, config: CameraConfig) -> int:
    """The exposure that the driver reports, or that of `config` where it reports none."""
    exposure = controls.get(cv2.CAP_PROP_EXPOSURE)
    return round(exposure * EXPOSURE_UNIT_US) if exposure > 0 else config.exposure_us


def gain(controls: Controls, config: CameraConfig) -> float:
    """The gain that the driver reports, in its own units, or that of `config` where it reports none."""
    reported = controls.get(cv2.CAP_PROP_GAIN)
    return reported if reported >= 0 else config.gain


def reach_of(controls: Controls) -> Reach:
    """Usual ranges of what the driver has."""
    return Reach(
        exposure_us=_EXPOSURE_US,
        gain=None,
        colour_gain=None,
        white_balance_k=_WHITE_BALANCE_K if controls.get(cv2.CAP_PROP_WB_TEMPERATURE) > 0 else None,
        lens_position=_FOCUS if controls.get(cv2.CAP_PROP_FOCUS) > 0 else None,
    )


def _settings(config: CameraConfig) -> list[_Setting]:
    """In the order in which a driver takes them: it refuses a value while its automatic is on."""
    exposure = max(1.0, round(config.exposure_us / EXPOSURE_UNIT_US))
    settings = [
        _Setting("buffer size", cv2.CAP_PROP_BUFFERSIZE, 1.0),
        _Setting("width_px", cv2.CAP_PROP_FRAME_WIDTH, config.width_px, "width_px"),
        _Setting("height_px", cv2.CAP_PROP_FRAME_HEIGHT, config.height_px, "height_px"),
        _Setting("manual exposure", cv2.CAP_PROP_AUTO_EXPOSURE, _MANUAL_EXPOSURE),
        _Setting("exposure (in 100 us)", cv2.CAP_PROP_EXPOSURE, exposure, "exposure_us"),
        _Setting("automatic white balance", cv2.CAP_PROP_AUTO_WB, 0.0),
        _Setting("autofocus", cv2.CAP_PROP_AUTOFOCUS, 0.0, needed=False),
    ]
    if config.gain != 1.0:
        settings.append(_Setting("gain", cv2.CAP_PROP_GAIN, config.gain, "gain"))
    if config.white_balance_k is not None:
        settings.append(
            _Setting("white balance", cv2.CAP_PROP_WB_TEMPERATURE, config.white_balance_k, "white_balance_k")
        )
    if config.lens_position is not None:
        settings.append(_Setting("focus", cv2.CAP_PROP_FOCUS, config.lens_position, "lens_position"))
    return settings
