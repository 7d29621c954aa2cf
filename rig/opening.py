"""A rig of one's own: connected, put to work, and left at rest however that ends."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from rig.at_rest import leaving
from rig.camera.frame import Camera
from rig.clock import Clock
from rig.config import Config, GcodeConfig
from rig.desk import Desk, open_desk
from rig.devices.actuators import actuator_for
from rig.devices.feeder import feeder_for
from rig.devices.gcode_lines import check_bins, check_feeder
from rig.devices.light import Light
from rig.devices.operator import Ask, Operator
from rig.devices.turntable import Turntable
from rig.devices.wiring import wiring_of
from rig.errors import DeviceError, PositionUnknown
from rig.feeder_config import GcodeFeederConfig
from rig.machine import Machine, MovingParts
from rig.marlin.codec import Axis
from rig.marlin.controller import Marlin
from rig.owner import owning, rig_name


class Rig:
    """A rig that this process runs alone; made by `open_rig`. It is at rest whenever nobody works with it.

    Only one thread may use it; `emergency_stop`, `is_killed`, `firmware`, `angle_deg`, `is_lost` and
    `not_at_rest` are for any.

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
        """Of the table; None where nobody knows, and while it turns."""
        table = self._turntable
        try:
            return None if table is None else table.angle_deg
        except PositionUnknown:
            return None

    @property
    def is_lost(self) -> bool:
        """Whether nobody knows where the table is, nor where it is going."""
        return self._turntable is None or self._turntable.is_lost

    @property
    def may_be_moving(self) -> bool:
        """Whether motion was begun whose end was not waited for; for any thread."""
        return self._board is not None and self._board.may_be_moving

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
