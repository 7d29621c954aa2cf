"""The machine on the desk, put together from its configuration."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from rig.at_rest import leaving
from rig.camera.frame import Camera, Developed, Frame, Latent
from rig.clock import Clock
from rig.config import (
    Config,
    GcodeConfig,
    SettledBy,
)
from rig.dataset.layout import Source
from rig.desk import Desk, open_desk
from rig.devices.actuators import Actuator, actuator_for
from rig.devices.axis import Microsteps
from rig.devices.feeder import Feeder, Unasked, feeder_for
from rig.devices.gcode_lines import check_bins, check_feeder
from rig.devices.light import Light
from rig.devices.operator import Ask, Operator
from rig.devices.turntable import Turntable
from rig.devices.wiring import wiring_of
from rig.errors import CameraError, DeviceError, PositionUnknown
from rig.feeder_config import GcodeFeederConfig
from rig.marlin.codec import Axis
from rig.marlin.controller import Marlin
from rig.owner import owning, rig_name
from rig.vision.stillness import agree
from rig.vision.table import EmptyTable

_REOPEN_EVERY_S = 0.5
# So long a table may swing that is watched until it is still.
_MOST_SWING_S = 3.0


@dataclass(frozen=True)
class StillExposure:
    """A picture that was exposed after the table had stopped and settled; the table may turn on.

    Attributes:
        latent: develops into the frame.
        motion_end_s: when the firmware reported the end of motion, on the machine's clock.
        settled_by: how it was known to be still.
    """

    latent: Latent
    motion_end_s: float
    settled_by: SettledBy = "fixed"


@dataclass(frozen=True)
class Machine:
    """Turntable, actuator, feeder, light and camera, ready for use, and the operator who feeds them.

    Attributes:
        settle: how `expose_from` knows that the table is still.
        empty_table: a picture of it with nothing on it; None where there is none.
        camera_timeout_s: how long a camera that failed is waited for.
        feeder: lays the next part on the empty table.
    """

    turntable: Turntable
    actuator: Actuator
    light: Light
    camera: Camera
    operator: Operator
    clock: Clock
    firmware: str
    source: Source
    reconnect: Callable[[], None]
    """Wait for a board that was lost or restarted, and find its axes' positions anew, as at the start.

    Raises:
        DeviceError: it does not come back in time (`serial.reconnect_timeout_s`), or another board does.
    """
    settle: SettledBy = "fixed"
    empty_table: EmptyTable | None = None
    camera_timeout_s: float = 60.0
    feeder: Feeder = field(default_factory=Unasked)

    def expose_from(self, position: Microsteps) -> StillExposure:
        """Turn the table to stand as at `position`, let it settle, and return once it is exposed.

        Raises:
            DeviceError: a device failed; or no two frames agree, however long the table is watched.
        """
        arrival = self.turntable.face(position)
        if self.settle == "until_still":
            still = Developed(self._first_still(arrival.motion_end_s))
            return StillExposure(still, arrival.motion_end_s, self.settle)
        return StillExposure(self.camera.expose(arrival.settled_s), arrival.motion_end_s, self.settle)

    def _first_still(self, motion_end_s: float) -> Frame:
        """The first frame after a move that shows the same as the one before it."""
        before = self.camera.capture(motion_end_s)
        while before.exposed_from_s < motion_end_s + _MOST_SWING_S:
            frame = self.camera.capture(before.exposed_until_s)
            if agree(before.image, frame.image):
                return frame
            before = frame
        raise DeviceError(
            f"the picture still moves {_MOST_SWING_S:g} s after the table has stopped",
            hint="put camera and table on firm ground; see that the light does not flicker; or set"
            ' settle = "fixed" in [turntable]',
        )

    def look(self) -> Frame:
        """Take a frame that is exposed from now on."""
        return self.camera.capture(self.clock.monotonic())

    def views_all_round(self, count: int) -> Iterator[Frame]:
        """Frames at even distances in one turn of the table, which ends a step before where it began.

        Raises:
            DeviceError: a device failed.
        """
        start_deg = self.turntable.angle_deg
        for number in range(count):
            arrival = self.turntable.move_to(start_deg + number * 360 / count)
            yield self.camera.capture(arrival.settled_s)

    def reopen_camera(self) -> None:
        """Open a camera that failed again and again, until it delivers.

        Raises:
            CameraError: it does not in time, or its driver hangs.
        """
        deadline_s = self.clock.monotonic() + self.camera_timeout_s
        while True:
            self.camera.close()
            try:
                self.camera.start()
                self.look()
                return
            except CameraError:
                if self.clock.monotonic() >= deadline_s:
                    raise
                self.clock.sleep(_REOPEN_EVERY_S)


@dataclass(frozen=True)
class MovingParts:
    """What hangs on the board, ready for use."""

    marlin: Marlin
    turntable: Turntable
    actuator: Actuator
    feeder: Feeder
    light: Light
    clock: Clock


class OpenMachine(Protocol):
    """How a job gets at the machine: `open_machine`, or `Rig.at_work` of a rig that stays connected."""

    def __call__(self, config: Config, *, ask: Ask, seed: int) -> AbstractContextManager[Machine]: ...


class Rig:
    """A rig that this process runs alone; made by `open_rig`. It is at rest whenever nobody works with it.

    Only one thread may use it; `emergency_stop`, `is_killed`, `firmware`, `angle_deg` and `not_at_rest` are
    for any.

    Attributes:
        not_at_rest: what could not be put at rest when it was used last, in clauses.
    """

    def __init__(self, config: Config, desk: Desk, confess: Callable[[str], None]) -> None:
        self._config = config
        self._desk = desk
        self._confess = confess
        self.not_at_rest: tuple[str, ...] = ()
        self._board: Marlin | None = None
        self._turntable: Turntable | None = None

    def connect(self) -> None:
        """Get in step with the board, for the first time, or again after it was lost, reset or killed.

        Raises:
            DeviceError: it is absent, busy, or does not answer as it should.
        """
        if self._board is None:
            serial = self._config.serial
            wiring = wiring_of(self._config)
            self._board = Marlin.connect(self._desk.port, serial, wiring=wiring, clock=self._desk.clock)
        else:
            self._board.reconnect(self._config.serial.boot_timeout_s)

    def rest(self) -> None:
        """Switch everything off and release the motors: an adapter that does not reset its board leaves it as
        it was when somebody lost it, or was killed. Sweeper and chute stay where they are.

        Raises:
            DeviceError: the board does not do so.
        """
        for pin in sorted(self._config.output_pins):
            self._marlin.write_pin(pin, 0)
        self._marlin.motors_off()
        self.not_at_rest = ()

    def check(self) -> None:
        """See that the board is still there; where it was killed, that it is dead.

        Raises:
            MarlinHalted: it was killed.
            DeviceError: it does not answer.
        """
        self._marlin.make_sure_of_kill()
        self._marlin.live_count(Axis.X)

    def kill_at_once(self) -> None:
        """Kill the board, if it was ever connected; `check` makes sure of it."""
        if self._board is not None:
            self._board.kill_at_once()

    def emergency_stop(self) -> None:
        """Kill the board, and return once that is certain.

        Raises:
            DeviceError: there is no board, or it does not confirm.
        """
        if self._board is None:
            raise DeviceError("there is no board to be killed", hint="cut the motor power")
        self._board.emergency_stop()

    @property
    def is_killed(self) -> bool:
        """Whether the board was told to kill itself, and has not been reset since."""
        return self._board is not None and self._board.is_killed

    @property
    def firmware(self) -> str:
        """What the board called its firmware when it was connected."""
        return self._marlin.firmware.name

    @property
    def angle_deg(self) -> float | None:
        """Of the table; None where nobody knows."""
        table = self._turntable
        try:
            return None if table is None else table.angle_deg
        except PositionUnknown:
            return None

    @contextmanager
    def looking(self, config: Config) -> Iterator[tuple[Camera, Clock]]:
        """Have the lamp on and the camera started until the block ends; nothing moves.

        Raises:
            DeviceError: as `at_work`.
        """
        camera = self._desk.camera(config)
        light = Light(self._marlin, config.light)
        steps = {"switch the lamp off": light.off, "close the camera": camera.close}
        with leaving(steps, self._marlin, self._take_note()):
            light.on()
            camera.start()
            yield camera, self._desk.clock

    @contextmanager
    def at_work(self, config: Config, *, ask: Ask, seed: int) -> Iterator[Machine]:
        """Have the machine ready until the block ends; it is left as `open_machine` leaves it.

        Args:
            config: the rig's own, but for the camera's settings and how to sort.
            ask, seed: as for `open_machine`.

        Raises:
            DeviceError: a device is absent, busy or does not answer as it should.
        """
        camera, operator = self._desk.begin(config, ask, seed)
        parts = self._parts(config, operator)
        # A camera that hangs keeps nothing else waiting.
        at_rest = _ways_to_rest(parts) | {"close the camera": camera.close}
        with leaving(at_rest, parts.marlin, self._take_note()):
            # A camera that finds its white balance by itself must find it by the light of the lamp.
            parts.light.on()
            camera.start()
            _find_positions(parts)
            self._turntable = parts.turntable
            yield Machine(
                turntable=parts.turntable,
                actuator=parts.actuator,
                light=parts.light,
                camera=camera,
                operator=operator,
                clock=parts.clock,
                firmware=parts.marlin.firmware.name,
                source=self._desk.source,
                reconnect=lambda: _reconnect(parts, config.serial.reconnect_timeout_s),
                settle=config.turntable.settle,
                feeder=parts.feeder,
                camera_timeout_s=config.camera.reconnect_timeout_s,
            )

    @contextmanager
    def moving(self) -> Iterator[MovingParts]:
        """Have all but the camera ready until the block ends; leaves and raises as `at_work` does."""
        _, operator = self._desk.begin(self._config, lambda sentence: None, 0)
        parts = self._parts(self._config, operator)
        with leaving(_ways_to_rest(parts), parts.marlin, self._take_note()):
            parts.light.on()
            _find_positions(parts)
            yield parts

    def close(self) -> None:
        """Give the port back."""
        if self._board is not None:
            self._board.close()

    def _take_note(self) -> Callable[[str], None]:
        """Takes what could not be put at rest, from now on."""
        self.not_at_rest = ()

        def confess(text: str) -> None:
            self.not_at_rest += (text,)
            self._confess(text)

        return confess

    @property
    def _marlin(self) -> Marlin:
        assert self._board is not None, "it was connected before"
        return self._board

    def _parts(self, config: Config, operator: Operator) -> MovingParts:
        marlin, clock = self._marlin, self._desk.clock
        return MovingParts(
            marlin=marlin,
            turntable=Turntable(marlin, config.turntable, clock),
            actuator=actuator_for(config.actuator, config.bins, marlin, clock),
            feeder=feeder_for(config.feeder, marlin, operator, clock),
            light=Light(marlin, config.light),
            clock=clock,
        )


@contextmanager
def open_rig(config: Config) -> Iterator[Rig]:
    """Have a rig to oneself until the block ends; it is not connected yet.

    Raises:
        ConfigError: no serial port is configured, or a line of G-code must not be sent.
        RigBusy: another process runs this rig; neither port nor camera was touched.
    """
    if isinstance(config.actuator, GcodeConfig):
        check_bins(config.actuator, config.bins)
    if isinstance(config.feeder, GcodeFeederConfig):
        check_feeder(config.feeder, config.actuator)
    with (
        owning(rig_name(config)) as confess,
        open_desk(config) as desk,
        closing(Rig(config, desk, confess)) as rig,
    ):
        yield rig


@contextmanager
def open_machine(config: Config, *, ask: Ask, seed: int) -> Iterator[Machine]:
    """Open the rig that `config` describes and leave it, however the block ends, with the actuator at rest,
    the light off and the motors released. While that is done, Ctrl-C and SIGTERM wait.

    Args:
        config: a checked rig.toml.
        ask: reaches the person at the rig.
        seed: what a simulated rig draws its light, camera and parts from.

    Raises:
        ConfigError, RigBusy: as `open_rig`.
        DeviceError: a device is absent, busy or does not answer as it should.
    """
    with open_rig(config) as rig:
        rig.connect()
        with rig.at_work(config, ask=ask, seed=seed) as machine:
            yield machine


@contextmanager
def open_moving_parts(config: Config) -> Iterator[MovingParts]:
    """Open the rig without its camera; leaves it and raises as `open_machine` does."""
    with open_rig(config) as rig:
        rig.connect()
        with rig.moving() as parts:
            yield parts


def _reconnect(parts: MovingParts, timeout_s: float) -> None:
    parts.marlin.reconnect(timeout_s)
    parts.light.on()
    _find_positions(parts)


def _find_positions(parts: MovingParts) -> None:
    # The sweeper first: it may lie across a table that homing turns.
    parts.actuator.prepare()
    parts.feeder.rest()
    parts.turntable.find_zero()


def _ways_to_rest(parts: MovingParts) -> dict[str, Callable[[], None]]:
    """In order; the first command lets the move under way end."""
    return {
        "kill the board for certain": parts.marlin.make_sure_of_kill,
        "bring the actuator to rest": parts.actuator.rest,
        "bring the feeder to rest": parts.feeder.rest,
        "switch the lamp off": parts.light.off,
        "release the motors": parts.marlin.motors_off,
    }
