"""Simulated boards for tests: one talked to directly on a clock set by hand, one behind a real port."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rig.clock import Clock, LeapingClock, SystemClock
from rig.config import SerialConfig
from rig.marlin.codec import Axis
from rig.marlin.controller import Marlin
from rig.marlin.handshake import Wiring
from rig.marlin.link import Link
from rig.marlin.ports import open_port
from rig.sim.build import Build
from rig.sim.faults import Fault, FaultyBoard
from rig.sim.firmware import Firmware
from rig.sim.port import PortKind, SimulatedPort
from rig.sim.ways import Chute, Exit, ServoChute, ServoExit
from rig.sim.world import World

LIGHT_PIN = 8
SERVO_CHUTE = ServoChute(0)
SWEEPER = ServoExit(servo=1, push_deg=110.0)
SERIAL = SerialConfig(boot_timeout_s=3.0, reply_timeout_s=0.25)
# Where time does not leap, a busy board says so every two seconds.
PATIENT = SERIAL.model_copy(update={"reply_timeout_s": 2.5})


class HandClock:
    """Time stands still unless something sleeps on it."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep_until(self, deadline_s: float) -> None:
        self.now_s = max(self.now_s, deadline_s)

    def sleep(self, duration_s: float) -> None:
        self.sleep_until(self.now_s + duration_s)


def make_world(
    clock: Clock,
    *,
    microsteps_per_turn: float = 3200,
    exits: Sequence[Exit] = (SWEEPER,),
    chute: Chute | None = SERVO_CHUTE,
    backlash_deg: float = 0.0,
    rings: bool = False,
) -> World:
    return World(
        clock,
        microsteps_per_turn=microsteps_per_turn,
        exits=exits,
        chute=chute,
        light_pin=LIGHT_PIN,
        feed_gap_s=0.5,
        backlash_deg=backlash_deg,
        rings=rings,
    )


class Console:
    """A booted board and its two ends of the wire, without a port between."""

    def __init__(self, build: Build | None = None, **of_world: Any) -> None:
        self.clock = HandClock()
        self.world = make_world(self.clock, **of_world)
        self.firmware = Firmware(self.world, build)
        self.firmware.reset()
        self.banner = self.listen()

    def put(self, *lines: str) -> None:
        """Lines reach the board at once."""
        self.firmware.receive("".join(f"{line}\n" for line in lines).encode("latin-1"))

    def heard(self) -> list[str]:
        """What the board has said so far."""
        return self.firmware.take_output().decode("latin-1").split("\n")[:-1]

    def listen(self) -> list[str]:
        """What the board says until it is idle, however long that takes."""
        while (wake := self.firmware.run()).working:
            self.clock.sleep_until(wake.at_s)
        return self.heard()

    def ask(self, *lines: str) -> list[str]:
        """What the board answers until it is idle again."""
        self.put(*lines)
        return self.listen()

    def wait(self, duration_s: float) -> None:
        """Let time pass while the board runs."""
        until_s = self.clock.now_s + duration_s
        while self.clock.now_s < until_s:
            self.clock.sleep_until(min(self.firmware.run().at_s, until_s))
        self.firmware.run()


@dataclass(frozen=True)
class Desk:
    """A board behind a real port."""

    url: str
    stable_url: str
    world: World
    board: FaultyBoard
    port: SimulatedPort

    def marlin(self, serial: SerialConfig | None = None) -> Marlin:
        """The board by its present name."""
        return self._connect(self.url, serial)

    def stable_marlin(self, serial: SerialConfig | None = None) -> Marlin:
        """The board by the name that it keeps when it is plugged in again."""
        return self._connect(self.stable_url, serial)

    def _connect(self, url: str, serial: SerialConfig | None) -> Marlin:
        serial = serial or (PATIENT if isinstance(self.world.clock, SystemClock) else SERIAL)
        microsteps = {Axis.X: round(self.world.microsteps_per_turn)}
        wiring = Wiring(microsteps, frozenset({LIGHT_PIN}), frozenset({0, 1}))
        return Marlin.connect(url, serial, wiring=wiring, clock=self.world.clock)

    def link(self, reply_timeout_s: float = SERIAL.reply_timeout_s) -> Link:
        """A link that is in step with the booted board."""
        link = Link(open_port(self.url, 115200), reply_timeout_s=reply_timeout_s)
        assert link.wait_for_banner(SERIAL.boot_timeout_s)
        link.settle()
        return link


@contextmanager
def desk(
    *faults: Fault,
    clock: Clock | None = None,
    build: Build | None = None,
    seed: int = 0,
    kind: PortKind | None = None,
    microsteps_per_turn: float = 3200,
    world: World | None = None,
) -> Iterator[Desk]:
    """A board on a world of its own, or on one that is given, with its clock."""
    world = world or make_world(clock or LeapingClock(), microsteps_per_turn=microsteps_per_turn)
    board = FaultyBoard(Firmware(world, build), faults, clock=world.clock, seed=seed)
    with SimulatedPort(world, board=board, kind=kind) as port:
        yield Desk(port.url, port.stable_url, world, board, port)


def struck(board: FaultyBoard) -> Sequence[bytes]:
    """The lines that faults struck."""
    return [strike.line for strike in board.strikes]
