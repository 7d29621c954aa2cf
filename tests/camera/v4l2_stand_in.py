"""Stands in for a V4L2 driver's controls, as `cv2.VideoCapture` shows them: it clips, rounds and refuses."""

from dataclasses import dataclass, field

import cv2

_FRAME_SIZE = {cv2.CAP_PROP_FRAME_WIDTH: 640.0, cv2.CAP_PROP_FRAME_HEIGHT: 480.0}


@dataclass
class Driver:
    """A UVC webcam with autofocus.

    Attributes:
        values: of its controls; -1 for one that can be set and not read.
        ranges: least, most and step of those that have them.
        stubborn: controls that say they were set and are not.
    """

    values: dict[int, float] = field(
        default_factory=lambda: {
            cv2.CAP_PROP_BUFFERSIZE: 4.0,
            cv2.CAP_PROP_AUTO_EXPOSURE: 3.0,
            cv2.CAP_PROP_EXPOSURE: 157.0,
            cv2.CAP_PROP_GAIN: 64.0,
            cv2.CAP_PROP_AUTO_WB: 1.0,
            cv2.CAP_PROP_WB_TEMPERATURE: 4000.0,
            cv2.CAP_PROP_AUTOFOCUS: 1.0,
            cv2.CAP_PROP_FOCUS: 30.0,
            **_FRAME_SIZE,
        }
    )
    ranges: dict[int, tuple[float, float, float]] = field(
        default_factory=lambda: {
            cv2.CAP_PROP_EXPOSURE: (3.0, 2047.0, 1.0),
            cv2.CAP_PROP_GAIN: (0.0, 255.0, 1.0),
            cv2.CAP_PROP_WB_TEMPERATURE: (2800.0, 6500.0, 10.0),
            cv2.CAP_PROP_FOCUS: (0.0, 250.0, 5.0),
        }
    )
    stubborn: frozenset[int] = frozenset()

    def set(self, control: int, value: float) -> bool:
        if control not in self.values or self._is_automatic(control):
            return False
        if control in self.ranges:
            least, most, step = self.ranges[control]
            value = least + round((min(max(value, least), most) - least) / step) * step
        if control not in self.stubborn and self.values[control] != -1:
            self.values[control] = value
        return True

    def get(self, control: int) -> float:
        return self.values.get(control, -1.0)

    def _is_automatic(self, control: int) -> bool:
        """A driver refuses a value as long as it finds it by itself."""
        automatic = {
            cv2.CAP_PROP_EXPOSURE: (cv2.CAP_PROP_AUTO_EXPOSURE, 3.0),
            cv2.CAP_PROP_WB_TEMPERATURE: (cv2.CAP_PROP_AUTO_WB, 1.0),
            cv2.CAP_PROP_FOCUS: (cv2.CAP_PROP_AUTOFOCUS, 1.0),
        }.get(control)
        return automatic is not None and self.values.get(automatic[0]) == automatic[1]
