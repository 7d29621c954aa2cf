"""Damage that Marlin's checksum does not notice: a line that has lost the same byte twice."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rig.clock import LeapingClock
from rig.config import TurntableConfig
from rig.devices.turntable import Turntable
from rig.errors import LineRefused, PositionUnknown
from rig.marlin.codec import Axis
from rig.marlin.controller import Marlin
from rig.marlin.handshake import Wiring
from rig.sim.board import Wake
from rig.sim.firmware import Firmware
from rig.sim.port import SimulatedPort
from rig.sim.world import World
from tests.sim.boards import SERIAL, make_world


class BoardBehindNoise:
    """A board that hears something else once a line is sent that ends as `sent` does."""

    def __init__(self, world: World) -> None:
        self._firmware = Firmware(world)
        self.sent, self.heard = b"", b""

    def reset(self) -> None:
        self._firmware.reset()

    def receive(self, data: bytes) -> None:
        if self.sent and self.sent in data:
            data, self.sent = data.replace(self.sent, self.heard), b""
        self._firmware.receive(data)

    def run(self) -> Wake:
        return self._firmware.run()

    def take_output(self) -> bytes:
        return self._firmware.take_output()


@contextmanager
def noisy_table() -> Iterator[tuple[Turntable, BoardBehindNoise, World]]:
    """A table at 0 degrees."""
    world = make_world(LeapingClock())
    board = BoardBehindNoise(world)
    # Any board will do for the port; this one is no `FaultyBoard`.
    with SimulatedPort(world, board=board) as port:
        wiring = Wiring({Axis.X: round(world.microsteps_per_turn)})
        marlin = Marlin.connect(port.stable_url, SERIAL, wiring=wiring, clock=world.clock)
        try:
            table = Turntable(marlin, TurntableConfig(speed_deg_s=360), world.clock)
            table.zero()
            yield table, board, world
        finally:
            marlin.close()


def test_a_wait_that_the_board_took_for_another_command_is_no_proof_of_rest() -> None:
    with noisy_table() as (table, board, _):
        board.sent, board.heard = b"M400", b"M4"
        with pytest.raises(LineRefused, match="took 'M400' for 'M4'"):
            table.move_to(90.0)
        assert not table.is_known


def test_a_move_to_another_place_is_not_believed() -> None:
    with noisy_table() as (table, board, world):
        board.sent, board.heard = b"X110", b"X0"
        with pytest.raises(PositionUnknown, match="the board counts something else"):
            table.move_to(110.0)
        assert not board.sent
        assert not table.is_known
        assert world.table_microsteps(world.clock.monotonic()) == 0
        table.zero()
        table.move_to(110.25)
        assert world.table_microsteps(world.clock.monotonic()) == 980
