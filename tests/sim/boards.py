"""Simulated boards for tests: one talked to directly on a clock set by hand, one behind a real port."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rig.clock import Clock, LeapingClock
from rig.config import SerialConfig
from rig.marlin.controller import Marlin
from rig.marlin.link import Link, open_port
from rig.sim.faults import Fault, FaultyBoard
from rig.sim.firmware import Build, Firmware
from rig.sim.port import PortKind, SimulatedPort
from rig.sim.world import World

LIGHT_PIN = 8
SERIAL = SerialConfig(boot_timeout_s=3.0, reply_timeout_s=0.25)


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


def make_world(clock: Clock, *, microsteps_per_turn: int = 3200) -> World:
    return World(
        clock,
        microsteps_per_turn=microsteps_per_turn,
        chute_servo=0,
        sweeper_servo=1,
        sweeper_push_deg=110.0,
        light_pin=LIGHT_PIN,
        feed_gap_s=0.5,
    )


class Console:
    """A booted board and its two ends of the wire, without a port between."""

    def __init__(self, build: Build | None = None) -> None:
        self.clock = HandClock()
        self.world = make_world(self.clock)
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
    world: World
    board: FaultyBoard
    port: SimulatedPort

    def marlin(self, serial: SerialConfig = SERIAL) -> Marlin:
        return Marlin.connect(self.url, serial, allowed_pins={LIGHT_PIN}, clock=self.world.clock)

    def link(self) -> Link:
        """A link that is in step with the booted board."""
        link = Link(open_port(self.url, 115200), reply_timeout_s=SERIAL.reply_timeout_s)
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
    microsteps_per_turn: int = 3200,
) -> Iterator[Desk]:
    world = make_world(clock or LeapingClock(), microsteps_per_turn=microsteps_per_turn)
    board = FaultyBoard(Firmware(world, build), faults, clock=world.clock, seed=seed)
    with SimulatedPort(world, board=board, kind=kind) as port:
        yield Desk(port.url, world, board, port)


def struck(board: FaultyBoard) -> Sequence[bytes]:
    """The lines that faults struck."""
    return [strike.line for strike in board.strikes]
