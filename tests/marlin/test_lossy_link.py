"""Five hundred and twenty bad cables: each command is carried out exactly once, or an error says it is not.

Every scenario draws a build of the firmware, a few faults and a few commands from its seed. What the commands
came to is read from the simulator's ground truth, since firmware may claim a position that it is not at.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from random import Random

import pytest

from rig.config import SerialConfig, TurntableConfig
from rig.devices.axis import Microsteps
from rig.devices.turntable import Turntable
from rig.errors import DeviceError, PositionUnknown
from rig.marlin.controller import Marlin
from rig.sim.build import Build
from rig.sim.faults import Direction, Fault, FaultKind
from tests.sim.boards import LIGHT_PIN, Desk, desk

SCENARIOS = 520
BATCH = 130
# Linux watches 128 pseudo-terminals for a user at a time.
AT_ONCE = 45
COMMANDS = 8

SERIAL = SerialConfig(boot_timeout_s=1.0, reply_timeout_s=0.3)
BUILDS = (
    Build(),
    Build(command_queue=8, rx_buffer=256),
    Build(advanced_ok=False),
    Build(advanced_ok=False, ok_after_resend=False),
)
# On any line, in either direction, again and again.
NOISE = (
    FaultKind.DROP,
    FaultKind.GARBLE,
    FaultKind.DUPLICATE,
    FaultKind.DELAY,
    FaultKind.DROP_BYTES,
    FaultKind.DUPLICATE_BYTES,
    FaultKind.GARBLE_BYTES,
    FaultKind.SPLIT,
    FaultKind.OVERRUN,
)
FROM_BOARD = (FaultKind.EXTRA_OK, FaultKind.EXTRA_RESEND, FaultKind.WRONG_RESEND)
# Once, in the middle of something.
BLOWS = (
    FaultKind.BUSY,
    FaultKind.HANG,
    FaultKind.RESET,
    FaultKind.RESET_LATER,
    FaultKind.BROWN_OUT,
    FaultKind.UNPLUG,
    FaultKind.REPLUG,
)


def draw_faults(rng: Random) -> list[Fault]:
    """Some noise, and in every third scenario a blow to the board."""
    faults = []
    for _ in range(rng.randint(1, 3)):
        kind = rng.choice(NOISE + FROM_BOARD)
        direction = Direction.TO_HOST if kind in FROM_BOARD else rng.choice(list(Direction))
        if kind is FaultKind.OVERRUN:
            direction = Direction.TO_BOARD
        faults.append(Fault(kind, direction, probability=rng.choice((0.01, 0.03, 0.08)), delay_s=0.4))
    if rng.random() < 1 / 3:
        kind = rng.choice(BLOWS)
        struck = b"M280 P1 S" if kind is FaultKind.BROWN_OUT else rng.choice((b"G1", b"M400", b"M42", b"G92"))
        faults.append(
            Fault(kind, Direction.TO_BOARD, struck, at=rng.randint(1, 9), delay_s=0.15, duration_s=0.3)
        )
    return faults


@dataclass
class Scenario:
    """What is sent over one bad cable, and what has come of it so far."""

    board: Desk
    marlin: Marlin
    rng: Random
    done: int = 0
    refused: int = 0
    zero: int = 0
    table: Turntable = field(init=False)

    def __post_init__(self) -> None:
        config = TurntableConfig(speed_deg_s=360)
        self.table = Turntable(self.marlin, config, self.board.world.clock)

    @property
    def truth(self) -> int:
        world = self.board.world
        return world.table_microsteps(world.clock.monotonic()) - self.zero

    def attempt(self, command: Callable[[], None]) -> None:
        """Carry out a command, or take its error and make the board usable again, if it can be."""
        try:
            command()
            self.done += 1
        except DeviceError:
            self.refused += 1
            self.check_belief()
            with suppress(DeviceError):
                self.marlin.reconnect(0.8)

    def check_belief(self) -> None:
        """A position is never believed that is not the true one."""
        if self.table.is_known:
            assert self.table.position == self.truth

    def set_zero(self) -> None:
        self.table.zero()
        self.zero += self.truth
        assert self.table.position == 0

    def move(self) -> None:
        target = Microsteps(
            self.rng.choice((3, 5, 17, 44, 400, 3200, 6400, -1, -300)) + self.rng.randint(0, 9)
        )
        if not self.table.is_known:
            with pytest.raises(PositionUnknown):
                self.table.move_to_microsteps(target)
            self.set_zero()
        self.table.move_to_microsteps(target)
        assert self.truth == target == self.table.position

    def quick_stop(self) -> None:
        """Stop a turn of two: the table stands, and nothing that was queued sets it going again."""
        if not self.table.is_known:
            self.set_zero()
        with pytest.raises(PositionUnknown), self.table.sweep(720.0, speed_deg_s=90.0):
            self.marlin.quick_stop()
        assert not self.table.is_known
        stands = self.truth
        self.board.world.clock.sleep(1.0)
        assert self.truth == stands

    def emergency_stop(self) -> None:
        """Kill the board, in a turn if it takes one; whether it confirms or not, it is told nothing more."""
        with suppress(DeviceError), self.table.sweep(720.0, speed_deg_s=90.0):
            self.marlin.kill_at_once()
        with suppress(DeviceError):
            self.marlin.emergency_stop()
        pins = self.board.world.pin_writes()
        with pytest.raises(DeviceError):
            self.marlin.write_pin(LIGHT_PIN, 77)
        assert self.board.world.pin_writes() == pins
        assert not self.table.is_known

    def write_pin(self) -> None:
        value = 1 + self.done + self.refused
        try:
            self.marlin.write_pin(LIGHT_PIN, value)
        finally:
            writes = [write for write in self.board.world.pin_writes() if write.value == value]
            assert len(writes) <= 1
        assert len(writes) == 1
        assert {write.pin for write in self.board.world.pin_writes() if write.value} == {LIGHT_PIN}

    def turn_servo(self) -> None:
        # An angle of its own for every command.
        angle_deg = 100 + self.done + self.refused
        before = len(self.board.world.servo_pulses())
        try:
            self.marlin.turn_servo(1, angle_deg)
        finally:
            pulses = self.board.world.servo_pulses()[before:]
            assert len(pulses) <= 1
        assert len(pulses) == 1
        assert self.board.world.servo_deg(1) == angle_deg


def play(seed: int) -> tuple[int, int, int]:
    """How many commands were carried out and how many refused, and how many faults struck."""
    rng = Random(seed)
    faults = draw_faults(rng)
    with desk(*faults, build=rng.choice(BUILDS), seed=seed) as board:
        try:
            marlin = board.stable_marlin(SERIAL)
        except DeviceError:
            return 0, 1, len(board.board.strikes)
        with closing(marlin):
            scenario = Scenario(board, marlin, rng)
            once_each = scenario.write_pin, scenario.turn_servo, scenario.quick_stop
            for _ in range(COMMANDS):
                command = rng.choice((*[scenario.move] * 3, *once_each))
                scenario.attempt(command)
                scenario.check_belief()
            scenario.emergency_stop()
            return scenario.done, scenario.refused, len(board.board.strikes)


@pytest.mark.parametrize("first_seed", range(0, SCENARIOS, BATCH))
def test_every_command_is_carried_out_exactly_once_or_refused(first_seed: int) -> None:
    seeds: Sequence[int] = range(first_seed, first_seed + BATCH)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        played = {seed: pool.submit(play, seed) for seed in seeds}
    failed = {seed: future.exception() for seed, future in played.items() if future.exception()}
    assert not failed, f"seeds {sorted(failed)}"
    done, refused, strikes = (
        sum(column) for column in zip(*(future.result() for future in played.values()), strict=True)
    )
    # Most get through all the same, and the cables were bad.
    assert done > BATCH * COMMANDS / 2
    assert refused > BATCH / 10
    assert strikes > 2 * BATCH
