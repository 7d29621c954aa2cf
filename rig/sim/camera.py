"""The simulated camera: it pictures the table at the angle that the table really has while it exposes."""

import math
import threading
from dataclasses import dataclass, replace

import numpy as np

from rig.camera.frame import Frame, Reach, Span
from rig.config import CameraConfig
from rig.errors import CameraError, FrameTimeout
from rig.sim.geometry import Floats
from rig.sim.part_library import EMBEDDED, PartLibrary
from rig.sim.passages import LyingPart
from rig.sim.raster import Floats32
from rig.sim.render import Renderer, Rendering
from rig.sim.scene import Scene
from rig.sim.sensor import Sensor
from rig.sim.world import World

# The exposure for which scenes are drawn: twice the time or twice the gain gives twice the light.
_NOMINAL_EXPOSURE_US = 8000
# A turn by less than this during an exposure moves the far end of the longest part by less than a pixel.
_SHARP_TURN_DEG = 0.15
_SUB_EXPOSURES = 8
# How finely the table's turn is followed while the rows of a frame are read.
_ROWS_FOLLOWED = 9

# What it can be locked to: about a Raspberry Pi camera 3.
_REACH = Reach(
    exposure_us=Span(30, 200_000),
    gain=Span(1, 16),
    colour_gain=Span(0.1, 16),
    white_balance_k=None,
    lens_position=Span(0, 15),
)
# Red and blue pixels answer to white light with less than green ones do.
_RED_RESPONSE, _BLUE_RESPONSE = 0.43, 0.64


class SimulatedCamera:
    """A `Camera` that looks at a `World`.

    Frames start on a fixed grid of the world's clock. The picture depends on the world, the scene and the
    settings alone; the noise on `seed` and how many frames were captured before, never on the time.

    Args:
        world: what it looks at.
        scene: light and camera of this session.
        config: size and locked settings. Its automatic white balance settles with the scene's colour cast,
            its autofocus is as good as the scene's.
        frames_per_s: frame rate; an exposure longer than a frame's period slows it down.
        seed: of the noise.
        library: has the parts that it sees.
    """

    def __init__(
        self,
        world: World,
        scene: Scene,
        config: CameraConfig,
        *,
        frames_per_s: float,
        seed: int,
        library: PartLibrary = EMBEDDED,
    ) -> None:
        self._world = world
        self._scene = scene
        self._frames_per_s = frames_per_s
        self._seed = seed
        self._renderer = Renderer(scene, config.width_px, config.height_px, library)
        self._locked = _Locked(config, _sensor(scene, config))
        self._lock = threading.Lock()
        self._started_s: float | None = None
        self._captured = 0
        self._latest: tuple[_Seen, Floats32] | None = None

    def start(self) -> None:
        """Begin the grid of frames; the first frame starts exposing now."""
        with self._lock:
            if self._started_s is None:
                self._started_s = self._world.clock.monotonic()

    def capture(self, not_before_s: float) -> Frame:
        """Return the first frame whose exposure begins at or after `not_before_s`, and not in the past.

        Raises:
            FrameTimeout: that frame lies further ahead than the configured time.
            CameraError: the camera was not started, or is closed.
        """
        return self.expose(not_before_s).develop()

    def expose(self, not_before_s: float) -> "LatentView":
        """Return when the first such frame has been exposed; what it shows is pictured when it is developed.

        Raises:
            FrameTimeout, CameraError: as `capture`.
        """
        clock = self._world.clock
        now_s = clock.monotonic()
        locked = self._locked
        config = locked.config
        stalls_until_s = self._world.camera_stalls_until_s()
        from_s = self._next_exposure_s(max(not_before_s, now_s, stalls_until_s))
        until_s = from_s + locked.exposure_s
        if until_s - now_s > config.timeout_s + self._period_s:
            if stalls_until_s > now_s:
                clock.sleep(config.timeout_s)
            raise FrameTimeout(
                f"the simulated camera has no frame within {config.timeout_s:g} s",
                hint="raise timeout_s in [camera], or ask for an earlier frame",
            )
        clock.sleep_until(until_s)
        world = self._world
        # Rows are exposed one after the other, the last of them after the frame is said to be: those show
        # what the table does if nothing interrupts it.
        read_s = np.linspace(0, self._scene.readout_s, _ROWS_FOLLOWED)
        middle_s = (from_s + until_s + self._scene.readout_s) / 2
        with self._lock:
            number = self._captured
            self._captured += 1
        return LatentView(
            camera=self,
            locked=locked,
            number=number,
            exposed_from_s=from_s,
            exposed_until_s=until_s,
            seen=_Seen(
                sensor=locked.sensor,
                lying=world.part_on_table(),
                sheet=world.sheet_on_table(),
                lamp_level=world.lamp_level(),
                angles_deg=self._angles_deg(np.linspace(from_s, until_s, _SUB_EXPOSURES) + read_s[-1] / 2),
                middle_angle_deg=world.table_angle_deg(middle_s),
            ),
            row_angles_deg=self._angles_deg((from_s + until_s) / 2 + read_s),
        )

    def reach(self) -> Reach:
        """Much the same as a Raspberry Pi camera 3."""
        self._require_running()
        return _REACH

    def relock(self, config: CameraConfig) -> None:
        """Begin a new grid of frames with other settings, as if they took effect at once.

        Raises:
            CameraError: the camera was not started, or cannot do that.
        """
        self._require_running()
        before = self._locked.config
        kept = {
            key: getattr(before, key)
            for key in ("colour_gains", "lens_position")
            if getattr(config, key) is None
        }
        config = config.model_copy(update=kept)
        asked = [(config.exposure_us, _REACH.exposure_us), (config.gain, _REACH.gain)]
        if config.lens_position is not None:
            asked.append((config.lens_position, _REACH.lens_position))
        if any(span is None or span.clip(value) != value for value, span in asked):
            raise CameraError("the simulated camera cannot be locked so", hint="change [camera]")
        with self._lock:
            self._locked = _Locked(config, _sensor(self._scene, config))
            self._started_s = self._world.clock.monotonic()

    def describe(self) -> str:
        """One line for people."""
        config = self._locked.config
        return (
            f"simulated camera, {config.width_px}x{config.height_px}, "
            f"exposure {config.exposure_us} us, gain {config.gain:g}"
        )

    def close(self) -> None:
        """Stop; a later `start` begins a new grid."""
        with self._lock:
            self._started_s = None

    @property
    def _period_s(self) -> float:
        return max(1.0 / self._frames_per_s, self._locked.exposure_s)

    def _require_running(self) -> float:
        """When the grid of frames began."""
        with self._lock:
            if self._started_s is None:
                raise CameraError("the simulated camera is not running", hint="call start() first")
            return self._started_s

    def _next_exposure_s(self, earliest_s: float) -> float:
        started_s = self._require_running()
        frame = math.ceil((earliest_s - started_s) / self._period_s)
        from_s = started_s + frame * self._period_s
        # The division may round a deadline on the grid down to just before it.
        return from_s if from_s >= earliest_s else from_s + self._period_s

    def _angles_deg(self, times_s: Floats) -> tuple[float, ...]:
        return tuple(self._world.table_angle_deg(float(time_s)) for time_s in times_s)

    def picture(self, view: "LatentView") -> Frame:
        """The light that arrived from the table, a mean over the angles that it had, as the sensor has it."""
        locked = view.locked
        image = locked.sensor.develop(
            self._light(view.seen),
            np.random.default_rng((self._seed, view.number)),
            row_turns_deg=np.array(view.row_angles_deg) - view.seen.middle_angle_deg,
        )
        return Frame(
            image, view.exposed_from_s, view.exposed_until_s, locked.config.exposure_us, locked.config.gain
        )

    def _light(self, seen: "_Seen") -> Floats32:
        """What falls on the sensor; computed once for frames between which nothing changes."""
        latest = self._latest
        if latest is not None and latest[0] == seen:
            return latest[1]
        light = seen.sensor.expose(self._rendering(seen))
        self._latest = seen, light
        return light

    def _rendering(self, seen: "_Seen") -> Rendering:
        turned_deg = max(seen.angles_deg) - min(seen.angles_deg)
        if seen.lying is None or turned_deg < _SHARP_TURN_DEG:
            return self._renderer.render(seen.lying, seen.middle_angle_deg, seen.lamp_level, sheet=seen.sheet)
        return self._renderer.render_turn(seen.lying, seen.angles_deg, seen.lamp_level)


@dataclass(frozen=True)
class _Locked:
    """Settings, and the sensor that has them."""

    config: CameraConfig
    sensor: Sensor

    @property
    def exposure_s(self) -> float:
        return self.config.exposure_us * 1e-6


def _sensor(scene: Scene, config: CameraConfig) -> Sensor:
    white_balance = None
    if config.colour_gains is not None:
        red, blue = config.colour_gains
        white_balance = (red * _RED_RESPONSE, 1.0, blue * _BLUE_RESPONSE)
    if config.lens_position is not None:
        error = config.lens_position - 1000 / scene.distance_mm
        scene = replace(scene, focus_error_dioptre=error)
    return Sensor(
        scene,
        config.width_px,
        config.height_px,
        light_gain=config.gain * config.exposure_us / _NOMINAL_EXPOSURE_US,
        noise_gain=math.sqrt(config.gain),
        white_balance=white_balance,
    )


@dataclass(frozen=True)
class _Seen:
    """All that the light depends on which falls on the sensor while its middle row is exposed.

    Attributes:
        angles_deg: the table's true angles at moments spread over that time.
        middle_angle_deg: in the middle of it.
    """

    sensor: Sensor
    lying: LyingPart | None
    sheet: float | None
    lamp_level: float
    angles_deg: tuple[float, ...]
    middle_angle_deg: float


@dataclass(frozen=True)
class LatentView:
    """What met the sensor during an exposure, not yet pictured.

    Attributes:
        number: how many frames were exposed before.
        seen: of the middle row.
        row_angles_deg: the table's true angles in the middle of each row's exposure, for rows at even
            distances.
    """

    camera: SimulatedCamera
    locked: _Locked
    number: int
    exposed_from_s: float
    exposed_until_s: float
    seen: _Seen
    row_angles_deg: tuple[float, ...]

    def develop(self) -> Frame:
        """Render what was seen; takes a few tens of milliseconds of computing."""
        return self.camera.picture(self)
