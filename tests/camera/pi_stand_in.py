"""Stands in for picamera2, which only a Raspberry Pi has; it keeps what picamera2's own source promises.

A thread exposes frame after frame into a few buffers. The newest finished frame waits for whoever asks next,
so it may be old. Controls show some frames after they were set, those given before the start from the first
frame on. A request that is not released keeps its buffer, and without buffers no frame comes. A capture that
times out leaves its job behind, which takes the next frame, until all jobs are cancelled. Only the frame rate
is not real: exposures follow each other closely, for quick tests.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from typing import Any, ClassVar

import numpy as np

LAG_FRAMES = 4
BUFFERS = 6
GAP_S = 0.001
LEAST_GAIN = 1.122807
# What automatic white balance and autofocus find.
AUTO_GAINS = (1.5, 2.0)
AUTO_FOCUS = 7.5
AF_MANUAL = 0


class Request:
    def __init__(self, camera: "Picamera2", metadata: dict[str, Any], size: tuple[int, int]) -> None:
        self._camera = camera
        self._metadata = metadata
        self._size = size
        self._released = False

    def get_metadata(self) -> dict[str, Any]:
        assert not self._released
        return dict(self._metadata)

    def make_array(self, name: str) -> np.ndarray:
        assert name == "main"
        assert not self._released
        width, height = self._size
        return np.full((height, width, 3), (10, 20, 30), np.uint8)

    def release(self) -> None:
        assert not self._released, "a request is released once"
        self._released = True
        self._camera.free += 1


# One step of a job: whether it is done, and with what.
Step = Callable[[], tuple[bool, Any]]


class Job:
    def __init__(self, steps: list[Step]) -> None:
        self.steps = deque(steps)
        self.future: Future[Any] = Future()

    def advance(self) -> bool:
        """Take steps until one has to wait for a frame; whether the job is over."""
        try:
            while self.steps:
                done, result = self.steps[0]()
                if not done:
                    return False
                self.steps.popleft()
        except KeyError as error:
            self.future.set_exception(error)
            return True
        self.future.set_result(result)
        return True


class Picamera2:
    """An IMX708, whose least gain is above 1 and whose lens moves.

    Attributes of the class, for tests to set on a subclass:
        frames_until_stall: of each camera that is opened, in order; -1 and those that follow never stall.
        hidden: keys that the metadata lack.
        stuck: controls that keep a value whatever is set.
        ignores_flush: as an old picamera2 that does not know of it.
        hangs_on_close: as a driver does after some stalls.
        fails_on_close: what closing raises.
    """

    camera_properties: ClassVar[dict[str, Any]] = {"Model": "imx708_wide"}
    camera_controls: ClassVar[dict[str, Any]] = {
        "ExposureTime": (26, 220417486, 20000),
        "AnalogueGain": (LEAST_GAIN, 16.0, 1.0),
        "ColourGains": (0.0, 32.0, None),
        "LensPosition": (0.0, 32.0, 1.0),
        "AfMode": (0, 2, 0),
    }
    frames_until_stall: ClassVar[list[int]] = []
    hidden: ClassVar[frozenset[str]] = frozenset()
    stuck: ClassVar[dict[str, Any]] = {}
    ignores_flush: ClassVar[bool] = False
    hangs_on_close: ClassVar[threading.Event | None] = None
    fails_on_close: ClassVar[Exception | None] = None
    opened: ClassVar[list["Picamera2"]] = []

    def __init__(self, number: int) -> None:
        if number != 0:
            raise IndexError("list index out of range")
        if any(not other.closed for other in self.opened):
            raise RuntimeError("Failed to acquire camera: Device or resource busy")
        stalls = type(self).frames_until_stall
        self._left = stalls.pop(0) if stalls else -1
        self._stalled = threading.Event()
        self.opened.append(self)
        self.closed: bool = False
        self.free = BUFFERS
        self.configurations: list[dict[str, Any]] = []
        self._controls: dict[str, Any] = {}
        self._pending: deque[tuple[int, dict[str, Any]]] = deque()
        self._frame = 0
        self._completed: list[Request] = []
        self._jobs: list[Job] = []
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def create_video_configuration(self, **wanted: Any) -> dict[str, Any]:
        wanted["controls"] = {"FrameDurationLimits": (33333, 33333)} | wanted["controls"]
        return wanted

    def configure(self, configuration: dict[str, Any]) -> None:
        assert self._thread is None
        self.configurations.append(configuration)
        self._check_known(configuration["controls"])
        self._controls = dict(configuration["controls"])

    def start(self) -> None:
        assert self.configurations
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        if self.hangs_on_close is not None:
            self.hangs_on_close.wait()
        if self.fails_on_close is not None:
            raise self.fails_on_close
        # Stopping is a job like any other: it waits behind those that wait for a frame.
        with self._lock:
            ahead = [job.future for job in self._jobs]
        wait_for(ahead)
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self.closed = True

    def stall(self) -> None:
        """Deliver no frame any more that was exposed after this."""
        self._stalled.set()

    def set_controls(self, controls: dict[str, Any]) -> None:
        self._check_known(controls)
        with self._lock:
            self._pending.append((self._frame + LAG_FRAMES, dict(controls)))

    def autofocus_cycle(self, wait: float) -> bool:
        self.set_controls({"AfMode": 1, "LensPosition": AUTO_FOCUS})
        for _ in range(LAG_FRAMES + 2):
            self.capture_metadata(wait)
        return True

    def capture_metadata(self, wait: float) -> dict[str, Any]:
        def take() -> tuple[bool, Any]:
            done, request = self._take()
            if not done:
                return False, None
            metadata = request.get_metadata()
            request.release()
            return True, metadata

        metadata: dict[str, Any] = self._dispatch([take], wait)
        return metadata

    def capture_request(self, flush: int, wait: float) -> Request:
        def drop_early() -> tuple[bool, Any]:
            while self._completed:
                metadata = self._completed[0].get_metadata()
                from_ns = metadata["SensorTimestamp"] - 1000 * metadata["ExposureTime"]
                if from_ns >= flush or self.ignores_flush:
                    return True, None
                self._completed.pop(0).release()
            return False, None

        request: Request = self._dispatch([drop_early, self._take], wait)
        return request

    def cancel_all_and_flush(self) -> None:
        with self._lock:
            for job in self._jobs:
                job.future.cancel()
            self._jobs = []

    def _take(self) -> tuple[bool, Any]:
        return (True, self._completed.pop(0)) if self._completed else (False, None)

    def _dispatch(self, steps: list[Step], wait: float) -> Any:
        assert wait is not True
        assert 0 < wait < 60, "every wait is bounded"
        job = Job(steps)
        with self._lock:
            self._jobs.append(job)
            self._advance()
        return job.future.result(wait)

    def _advance(self) -> None:
        while self._jobs and self._jobs[0].advance():
            self._jobs.pop(0)

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._lock:
                while self._pending and self._pending[0][0] <= self._frame:
                    self._controls |= self._pending.popleft()[1]
                controls = dict(self._controls)
                has_buffer = self.free > 0
                self._frame += 1
            exposure_us = min(controls["ExposureTime"], controls["FrameDurationLimits"][1])
            self._stopping.wait(exposure_us * 1e-6)
            read_ns = time.monotonic_ns()
            if self._left == 0 or self._stalled.is_set():
                self._stopping.wait()
            self._left -= 1
            self._stopping.wait(GAP_S)
            if has_buffer:
                self._finish(self._metadata(controls, exposure_us, read_ns))

    def _metadata(self, controls: dict[str, Any], exposure_us: int, read_ns: int) -> dict[str, Any]:
        metadata = {
            "SensorTimestamp": read_ns,
            "ExposureTime": exposure_us - exposure_us % 19,  # whole rows
            "AnalogueGain": max(controls["AnalogueGain"], LEAST_GAIN),
            "ColourGains": controls.get("ColourGains", AUTO_GAINS),
            # A lens that nobody told where to be goes on searching.
            "LensPosition": controls["LensPosition"] if "AfMode" in controls else float(self._frame % 5),
        } | self.stuck
        return {key: value for key, value in metadata.items() if key not in self.hidden}

    def _finish(self, metadata: dict[str, Any]) -> None:
        with self._lock:
            self.free -= 1
            self._completed.append(Request(self, metadata, self.configurations[0]["main"]["size"]))
            self._advance()
            while len(self._completed) > 1:
                self._completed.pop(0).release()

    def _check_known(self, controls: dict[str, Any]) -> None:
        unknown = controls.keys() - self.camera_controls.keys() - {"FrameDurationLimits"}
        if unknown:
            raise RuntimeError(f"Control {sorted(unknown)[0]} is not advertised by libcamera")
