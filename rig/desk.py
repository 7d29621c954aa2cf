"""What differs between the real desk and the simulated one; nothing above knows of the simulator."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rig.camera.choice import camera_for
from rig.camera.frame import Camera
from rig.catalog import PartNumber
from rig.clock import Clock, SystemClock
from rig.config import Config
from rig.dataset.layout import Source
from rig.devices.operator import Ask, HumanOperator, Operator
from rig.errors import ConfigError

if TYPE_CHECKING:
    from rig.sim.bench import SimulatedBench


class Desk(Protocol):
    """Where the board is, who feeds the table, and what looks at it.

    Attributes:
        port: the board's serial port.
        clock: of board and camera.
        source: of the pictures that are taken here.
    """

    @property
    def port(self) -> str: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def source(self) -> Source: ...

    def begin(self, config: Config, ask: Ask, seed: int) -> tuple[Camera, Operator]:
        """What somebody needs who sits down to work: a camera that is not started yet, and the operator.

        Args:
            ask: reaches the person at the rig.
            seed: what a simulated desk draws its light, camera and parts from.
        """
        ...

    def camera(self, config: Config) -> Camera:
        """A camera that is not started yet, for a look at the desk as it is."""
        ...


@contextmanager
def open_desk(config: Config) -> Iterator[Desk]:
    """The desk that `config` describes, until the block ends.

    Raises:
        ConfigError: no serial port is configured, or there is no such fault scenario.
        BadInput: `[sim] ldraw` is no LDraw library.
    """
    if config.sim.enabled:
        from rig.sim.bench import SimulatedBench

        with SimulatedBench(config) as bench:
            yield _SimulatedDesk(bench)
    else:
        yield _RealDesk(config)


def simulated_parts(config: Config) -> list[PartNumber]:
    """The parts that can be laid on the simulated desk, sorted; none of the real one.

    Raises:
        BadInput: what rig.toml names is no LDraw library.
    """
    if not config.sim.enabled:
        return []
    from rig.sim.part_library import library_of

    return library_of(config.sim.ldraw).part_numbers()


class _RealDesk:
    source: Source = "camera"

    def __init__(self, config: Config) -> None:
        if not config.serial.port:
            raise ConfigError(
                "serial.port is empty",
                hint="see the ports with: rig doctor; then set port under [serial] in rig.toml",
            )
        self.port = config.serial.port
        self.clock: Clock = SystemClock()

    def begin(self, config: Config, ask: Ask, seed: int) -> tuple[Camera, Operator]:
        return camera_for(config.camera), HumanOperator(ask)

    def camera(self, config: Config) -> Camera:
        return camera_for(config.camera)


class _SimulatedDesk:
    source: Source = "simulated"

    def __init__(self, bench: "SimulatedBench") -> None:
        self._bench = bench
        self.port = bench.port.stable_url
        self.clock = bench.clock
        self._camera: Camera | None = None

    def begin(self, config: Config, ask: Ask, seed: int) -> tuple[Camera, Operator]:
        self._camera, hand = self._bench.begin(config, seed)
        return self._camera, hand

    def camera(self, config: Config) -> Camera:
        if self._camera is None:
            self._camera, _ = self._bench.begin(config, config.sim.seed or 0)
        return self._camera
