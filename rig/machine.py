"""The machine on the desk, put together from its configuration; nothing above knows of the simulator."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from rig.at_rest import leaving
from rig.camera.choice import camera_for
from rig.camera.frame import Camera, Frame
from rig.clock import Clock, SystemClock
from rig.config import Config
from rig.dataset.layout import Source
from rig.devices.actuators import Actuator, ServoGate
from rig.devices.light import Light
from rig.devices.operator import HumanOperator, Operator
from rig.devices.turntable import Microsteps, Turntable
from rig.errors import ConfigError
from rig.marlin.controller import Marlin


@dataclass(frozen=True)
class StillFrame:
    """A frame that was exposed after the table had stopped and settled.

    Attributes:
        frame: the picture and its times.
        motion_end_s: when the firmware reported the end of motion, on the machine's clock.
    """

    frame: Frame
    motion_end_s: float


@dataclass(frozen=True)
class Machine:
    """Turntable, actuator, light and camera, ready for use, and the operator who feeds them."""

    turntable: Turntable
    actuator: Actuator
    light: Light
    camera: Camera
    operator: Operator
    clock: Clock
    firmware: str
    source: Source

    def look_from(self, position: Microsteps) -> StillFrame:
        """Turn the table to `position`, let it settle, and take a frame that was exposed after that."""
        arrival = self.turntable.move_to_microsteps(position)
        return StillFrame(self.camera.capture(arrival.settled_s), arrival.motion_end_s)

    def look(self) -> Frame:
        """Take a frame that is exposed from now on."""
        return self.camera.capture(self.clock.monotonic())


@dataclass(frozen=True)
class _Desk:
    """What differs between the real desk and the simulated one."""

    port: str
    camera: Camera
    operator: Operator
    clock: Clock
    source: Source


@contextmanager
def open_machine(config: Config, *, ask: Callable[[str], None], seed: int) -> Iterator[Machine]:
    """Open the rig that `config` describes and leave it, however the block ends, with the actuator at rest,
    the light off and the motors released. While that is done, Ctrl-C and SIGTERM wait.

    Args:
        config: a checked rig.toml.
        ask: shows a person a sentence and returns when the person has done what it asks.
        seed: what a simulated rig draws its light, camera and parts from.

    Raises:
        ConfigError: no serial port is configured.
        DeviceError: a device is absent, busy or does not answer as it should.
    """
    with ExitStack() as stack:
        desk = _simulated_desk(config, seed, stack) if config.sim.enabled else _real_desk(config, ask)
        allowed_pins = frozenset() if config.light.pin is None else frozenset({config.light.pin})
        marlin = Marlin.connect(desk.port, config.serial, allowed_pins=allowed_pins, clock=desk.clock)
        turntable = Turntable(marlin, config.turntable, desk.clock)
        actuator = ServoGate(marlin, config.actuator, desk.clock)
        light = Light(marlin, config.light)
        # A table that still turns is stopped before anything else; a camera that hangs keeps nothing waiting.
        at_rest = {
            "release the motors": turntable.release,
            "draw the sweeper back": actuator.rest,
            "switch the lamp off": light.off,
            "close the serial port": marlin.close,
            "close the camera": desk.camera.close,
        }
        stack.enter_context(leaving(at_rest))
        # A camera that finds its white balance by itself must find it by the light of the lamp.
        light.on()
        desk.camera.start()
        turntable.zero()
        actuator.rest()
        yield Machine(
            turntable=turntable,
            actuator=actuator,
            light=light,
            camera=desk.camera,
            operator=desk.operator,
            clock=desk.clock,
            firmware=marlin.firmware.name,
            source=desk.source,
        )


def _real_desk(config: Config, ask: Callable[[str], None]) -> _Desk:
    if not config.serial.port:
        raise ConfigError(
            "serial.port is empty", hint="see the ports with: rig doctor; then set it in rig.toml"
        )
    return _Desk(config.serial.port, camera_for(config.camera), HumanOperator(ask), SystemClock(), "camera")


def _simulated_desk(config: Config, seed: int, stack: ExitStack) -> _Desk:
    from rig.sim.bench import SimulatedBench

    bench = stack.enter_context(SimulatedBench(config, seed))
    return _Desk(bench.port, bench.camera, bench.hand, bench.clock, "simulated")
