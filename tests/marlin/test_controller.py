"""The board as the rig uses it."""

from contextlib import closing

import pytest

from rig.clock import SystemClock
from rig.errors import MarlinError, MarlinHalted, MarlinTimeout, SerialPortError
from rig.marlin.controller import Marlin
from rig.marlin.link import open_port
from rig.sim.faults import Direction, Fault, FaultKind
from rig.sim.port import PortKind
from tests.sim.boards import SERIAL, desk


@pytest.mark.parametrize("kind", PortKind)
def test_handshake_tells_what_runs_on_the_board(kind: PortKind) -> None:
    with desk(kind=kind) as board, closing(board.marlin()) as marlin:
        assert marlin.firmware.name == "Marlin 2.1.2.7 (Nov 21 2026 22:18:42)"
        assert marlin.firmware.machine == "Turntable rig"
        assert marlin.firmware.capabilities["EMERGENCY_PARSER"]
        assert not marlin.firmware.capabilities["AUTOREPORT_TEMP"]
        assert marlin.port == board.url


def test_handshake_survives_a_lost_banner_and_a_garbled_identification() -> None:
    faults = [
        Fault(FaultKind.DROP, Direction.TO_HOST, b"^start"),
        Fault(FaultKind.DROP, Direction.TO_HOST, b"FIRMWARE_NAME", at=1),
    ]
    serial = SERIAL.model_copy(update={"boot_timeout_s": 0.3})
    with desk(*faults) as board, closing(board.marlin(serial)) as marlin:
        assert marlin.firmware.name.startswith("Marlin 2.1")
        assert len(board.board.strikes) == 2


def test_a_failed_handshake_gives_the_port_back() -> None:
    deaf = Fault(FaultKind.DROP, Direction.TO_BOARD)
    serial = SERIAL.model_copy(update={"boot_timeout_s": 0.3})
    with desk(deaf) as board:
        with pytest.raises(MarlinTimeout):
            board.marlin(serial)
        open_port(board.url, serial.baud).close()


def test_absent_port() -> None:
    with pytest.raises(SerialPortError, match="/dev/ttyNone"):
        Marlin.connect("/dev/ttyNone", SERIAL, allowed_pins=(), clock=SystemClock())


def test_motion_and_positions() -> None:
    with desk() as board, closing(board.marlin()) as marlin:
        marlin.move_x(45.0, speed_deg_s=60.0)
        assert marlin.position().x_deg == 45.0
        marlin.wait_for_motion()
        assert marlin.position().count == 400
        live = marlin.live_position()
        assert live.x_deg == 45.0
        assert live.at_s <= board.world.clock.monotonic()
        marlin.set_x(-10.0)
        assert marlin.position().x_deg == -10.0
        before_s = board.world.clock.monotonic()
        marlin.dwell(1.5)
        assert board.world.clock.monotonic() - before_s >= 1.5
        marlin.detach_servo(0)


def test_live_position_during_a_move_is_where_the_table_was() -> None:
    with desk(clock=SystemClock()) as board, closing(board.marlin()) as marlin:
        marlin.move_x(60.0, speed_deg_s=60.0)
        for _ in range(10):
            live = marlin.live_position()
            earliest = board.world.table_angle_deg(live.at_s - live.uncertainty_s)
            latest = board.world.table_angle_deg(live.at_s + live.uncertainty_s)
            assert earliest - 0.06 <= live.x_deg <= latest + 0.06
        marlin.quick_stop()


def test_what_the_board_refuses_is_an_error() -> None:
    with desk() as board, closing(board.marlin()) as marlin:
        with pytest.raises(MarlinError, match="Servo 9 out of range"):
            marlin.turn_servo(9, 10.0)
        assert marlin.position().x_deg == 0.0


def test_emergency_stop_is_sent_until_it_is_confirmed_and_lasts_until_a_reset() -> None:
    with desk(Fault(FaultKind.DROP, Direction.TO_BOARD, b"M112", at=1)) as board:
        with closing(board.marlin()) as marlin:
            marlin.motors_on()
            marlin.emergency_stop()
            with pytest.raises(MarlinHalted):
                marlin.motors_on()
            board.world.clock.sleep(2.0)
            assert not board.world.motors_on()
        with closing(board.marlin()) as marlin:
            marlin.motors_on()
            assert board.world.motors_on()


def test_unconfirmed_emergency_stop_says_so() -> None:
    with (
        desk(Fault(FaultKind.DROP, Direction.TO_BOARD, b"M112")) as board,
        closing(board.marlin()) as marlin,
        pytest.raises(MarlinTimeout, match="did not confirm"),
    ):
        marlin.emergency_stop()
