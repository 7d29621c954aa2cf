"""Stands in for picamera2, which only a Raspberry Pi has: a sensor that does what it is told, slowly."""

import time
from typing import Any

import numpy as np


class Request:
    def __init__(self, metadata: dict[str, Any], size: tuple[int, int]) -> None:
        self._metadata = metadata
        self._size = size

    def get_metadata(self) -> dict[str, Any]:
        return self._metadata

    def make_array(self, name: str) -> np.ndarray:
        assert name == "main"
        width, height = self._size
        return np.zeros((height, width, 3), np.uint8)

    def release(self) -> None:
        pass


class Picamera2:
    """An IMX708, whose least gain is above 1."""

    camera_properties = {"Model": "imx708_wide"}  # noqa: RUF012
    camera_controls = {"AnalogueGain": (1.122807, 16.0, None)}  # noqa: RUF012

    def __init__(self, number: int) -> None:
        if number != 0:
            raise IndexError("list index out of range")
        self._controls: dict[str, Any] = {"ColourGains": (1.5, 2.0)}
        self._size = (0, 0)

    def create_video_configuration(self, **wanted: Any) -> dict[str, Any]:
        return wanted

    def configure(self, configuration: dict[str, Any]) -> None:
        self._controls |= configuration["controls"]
        self._size = configuration["main"]["size"]

    def start(self) -> None:
        pass

    def close(self) -> None:
        pass

    def set_controls(self, controls: dict[str, Any]) -> None:
        self._controls |= controls

    def capture_metadata(self, wait: float) -> dict[str, Any]:
        least, most, _ = self.camera_controls["AnalogueGain"]
        gain = min(max(self._controls["AnalogueGain"], least), most)
        return self._controls | {"AnalogueGain": gain}

    def capture_request(self, flush: int, wait: float) -> Request:
        exposure_ns = self._controls["ExposureTime"] * 1000
        at_ns = max(flush, time.monotonic_ns()) + exposure_ns
        return Request(self.capture_metadata(wait) | {"SensorTimestamp": at_ns}, self._size)
