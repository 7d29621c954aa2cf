"""Which controls of libcamera lock a Pi camera, and whether the metadata of a frame say that they hold."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rig.camera.frame import Reach, Span
from rig.config import CameraConfig
from rig.errors import CameraError

# libcamera's AfModeEnum.Manual; an integer, so that libcamera need not be imported for it.
AF_MANUAL = 0

# A frame takes at least that long: 30 frames a second, which every full-view mode of these sensors can do.
_FRAME_US = 33_333
# Between two exposures the sensor needs a few rows' time.
_FRAME_MARGIN_US = 1_000
# Sensors count exposure in rows (10 to 40 us) and gain in steps that are coarse when it is high.
_SLACK = 0.05
_ROW_US = 50.0
_COLOUR_SLACK = 0.02
_LENS_SLACK = 0.05


@dataclass(frozen=True)
class _Lock:
    """What frames must report of a control, and how far off they may be."""

    control: str
    values: tuple[float, ...]
    slack: float

    def holds(self, metadata: Mapping[str, Any]) -> bool:
        reported = metadata[self.control]
        pairs = zip(reported if len(self.values) > 1 else [reported], self.values, strict=True)
        return all(math.isclose(float(is_), value, rel_tol=0, abs_tol=self.slack) for is_, value in pairs)


@dataclass(frozen=True)
class Locks:
    """The locked settings of a Pi camera.

    Attributes:
        controls: to be handed to picamera2, before the start or while it runs.
    """

    controls: Mapping[str, Any]
    _expected: Sequence[_Lock]

    def hold(self, metadata: Mapping[str, Any]) -> bool:
        """Whether a frame was taken with every setting.

        Raises:
            KeyError: the metadata do not say.
        """
        return all(lock.holds(metadata) for lock in self._expected)

    def reported(self, metadata: Mapping[str, Any]) -> str:
        """What the frame says of each setting, for people."""
        return ", ".join(f"{lock.control} {metadata[lock.control]}" for lock in self._expected)


def locks_for(config: CameraConfig) -> Locks:
    """The locks that `config` asks for: of white balance and focus only where it has a value for them."""
    frame_us = max(_FRAME_US, config.exposure_us + _FRAME_MARGIN_US)
    controls: dict[str, Any] = {
        "ExposureTime": config.exposure_us,
        "AnalogueGain": config.gain,
        # The default of a video configuration would cut long exposures off.
        "FrameDurationLimits": (frame_us, frame_us),
    }
    expected = [
        _Lock("ExposureTime", (config.exposure_us,), max(_SLACK * config.exposure_us, _ROW_US)),
        _Lock("AnalogueGain", (config.gain,), _SLACK * config.gain),
    ]
    if config.colour_gains is not None:
        controls["ColourGains"] = config.colour_gains
        expected.append(_Lock("ColourGains", config.colour_gains, _COLOUR_SLACK))
    if config.lens_position is not None:
        controls |= {"AfMode": AF_MANUAL, "LensPosition": config.lens_position}
        expected.append(_Lock("LensPosition", (config.lens_position,), _LENS_SLACK))
    return Locks(controls, expected)


def reach_of(camera_controls: Mapping[str, Any]) -> Reach:
    """What the `camera_controls` of picamera2 allow."""

    def span(name: str) -> Span:
        least, most, _ = camera_controls[name]
        return Span(float(least), float(most))

    return Reach(
        exposure_us=span("ExposureTime"),
        gain=span("AnalogueGain"),
        colour_gain=span("ColourGains"),
        white_balance_k=None,
        lens_position=span("LensPosition") if "LensPosition" in camera_controls else None,
    )


def fit(config: CameraConfig, reach: Reach) -> CameraConfig:
    """`config` with a gain of 1 raised to the least that the sensor has.

    Raises:
        CameraError: the camera cannot do what `config` asks for.
    """
    assert reach.gain is not None, "libcamera counts gains as they are"
    if config.gain == 1.0:
        config = config.model_copy(update={"gain": max(1.0, reach.gain.least)})
    name = f"Pi camera {config.device}"
    if config.white_balance_k is not None:
        raise CameraError(
            f"{name} takes no white_balance_k",
            hint="delete it in [camera]; find colour_gains with: rig calibrate camera",
        )
    if config.lens_position is not None and reach.lens_position is None:
        raise CameraError(f"the lens of {name} does not move", hint="delete lens_position in [camera]")
    asked = [("gain", config.gain, reach.gain), ("exposure_us", config.exposure_us, reach.exposure_us)]
    if config.lens_position is not None and reach.lens_position is not None:
        asked.append(("lens_position", config.lens_position, reach.lens_position))
    for key, value, span in asked:
        if not span.least <= value <= span.most:
            raise CameraError(
                f"{name} has {key} from {span.least:.3g} to {span.most:.3g}, not {value:g}",
                hint=f"change {key} in [camera]; for a sweep, raise sweep_exposure_us",
            )
    return config
