"""The board as the rig uses it."""

import threading
from contextlib import closing
from dataclasses import replace

import pytest

from rig.clock import SystemClock
from rig.config import TurntableConfig
from rig.devices.turntable import Turntable
from rig.errors import MarlinError, MarlinHalted, MarlinReset, MarlinTimeout, PositionUnknown, SerialPortError
from rig.marlin.codec import Axis
from rig.marlin.controller import Marlin
from rig.marlin.handshake import Wiring
from rig.marlin.ports import open_port
from rig.sim.build import Build
from rig.sim.faults import Direction, Fault, FaultKind
from rig.sim.motion import PLANNER_SIZE
from rig.sim.port import PortKind
from tests.sim.boards import LIGHT_PIN, SERIAL, desk


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
        Marlin.connect("/dev/ttyNone", SERIAL, wiring=Wiring({Axis.X: 3200}), clock=SystemClock())


def test_motion_and_positions() -> None:
    with desk() as board, closing(board.marlin()) as marlin:
        marlin.move(Axis.X, 45.0, speed_deg_s=60.0, interruptions=marlin.interruptions)
        marlin.wait_for_motion()
        assert marlin.live_count(Axis.X) == 400
        live = marlin.live_position(Axis.X)
        assert live.angle_deg == 45.0
        assert live.at_s <= board.world.clock.monotonic()
        marlin.set_position(Axis.X, -10.0)
        assert marlin.live_position(Axis.X).angle_deg == pytest.approx(-10.0, abs=0.06)


def test_live_position_during_a_move_is_where_the_table_was() -> None:
    with desk(clock=SystemClock()) as board, closing(board.marlin()) as marlin:
        marlin.move(Axis.X, 60.0, speed_deg_s=60.0, interruptions=marlin.interruptions)
        for _ in range(10):
            live = marlin.live_position(Axis.X)
            earliest = board.world.table_angle_deg(live.at_s - live.uncertainty_s)
            latest = board.world.table_angle_deg(live.at_s + live.uncertainty_s)
            assert earliest - 0.06 <= live.angle_deg <= latest + 0.06
        marlin.quick_stop()


def test_what_the_board_refuses_is_an_error() -> None:
    with desk() as board, closing(board.marlin()) as marlin:
        with pytest.raises(MarlinError, match="Servo 9 out of range"):
            marlin.turn_servo(9, 10.0)
        assert marlin.live_position(Axis.X).angle_deg == 0.0


def test_after_an_emergency_stop_nothing_is_sent_until_a_reset_even_if_the_board_never_heard_it() -> None:
    deaf = Fault(FaultKind.DROP, Direction.TO_BOARD, b"M112")
    with desk(deaf) as board, closing(board.marlin()) as marlin:
        with pytest.raises(MarlinTimeout, match="did not confirm"):
            marlin.emergency_stop()
        before = board.world.pin_writes()
        with pytest.raises(MarlinHalted):
            marlin.write_pin(LIGHT_PIN, 255)
        assert board.world.pin_writes() == before


def test_emergency_stop_with_a_move_under_way_and_an_ok_outstanding() -> None:
    """The first M112 is lost; the one that hears the end is the thread that waits for the move."""
    with (
        desk(Fault(FaultKind.DROP, Direction.TO_BOARD, b"M112", at=1), clock=SystemClock()) as board,
        closing(board.marlin()) as marlin,
    ):
        marlin.move(Axis.X, 3600.0, speed_deg_s=60.0, interruptions=marlin.interruptions)
        errors: list[Exception] = []

        def wait() -> None:
            try:
                marlin.wait_for_motion()
            except MarlinHalted as error:
                errors.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        board.world.clock.sleep(0.3)
        marlin.emergency_stop()
        waiting.join()
        assert len(errors) == 1
        board.world.clock.sleep(2.0)
        still = board.world.table_microsteps(board.world.clock.monotonic())
        assert 0 < still < 3200
        assert not board.world.motors_on()


@pytest.mark.parametrize("queued", ["G1 X-3600 F21600", "G28 X", "M400"])
def test_a_stop_clears_what_lay_queued_behind_it(queued: str) -> None:
    """The board has one more command in its queue when the stop comes, and begins it afterwards."""
    build = Build(home_switch=-100)
    with desk(clock=SystemClock(), build=build) as board, closing(board.marlin()) as marlin:
        for turn in range(1, PLANNER_SIZE):  # as many as the planner takes: the next has to wait
            marlin.run(f"G1 X{3600 * turn} F3600")
        thread = threading.Thread(target=lambda: marlin.run(queued))
        thread.start()
        board.world.clock.sleep(0.3)
        marlin.quick_stop()
        thread.join()
        still = board.world.table_microsteps(board.world.clock.monotonic())
        board.world.clock.sleep(0.4)
        assert board.world.table_microsteps(board.world.clock.monotonic()) == still
        marlin.motors_on()


def test_the_board_is_found_again_under_another_name() -> None:
    pulled = Fault(FaultKind.REPLUG, Direction.TO_BOARD, b"M42 P8 S255", at=1, duration_s=0.5)
    with desk(pulled) as board, closing(board.stable_marlin()) as marlin:
        table = Turntable(marlin, TurntableConfig(), board.world.clock)
        table.zero()
        table.move_to(90.0)
        device = board.port.url
        with pytest.raises(SerialPortError):
            marlin.write_pin(LIGHT_PIN, 255)
        with pytest.raises(PositionUnknown):
            table.move_to(0.0)
        marlin.reconnect(10.0)
        assert board.port.url != device
        with pytest.raises(PositionUnknown, match="zero or home the table first"):
            table.move_to(0.0)
        marlin.write_pin(LIGHT_PIN, 255)
        assert board.world.pin(LIGHT_PIN) == 255
        table.zero()
        start = board.world.table_microsteps(board.world.clock.monotonic())
        table.move_to(90.0)
        assert board.world.table_microsteps(board.world.clock.monotonic()) == start + 800


def test_a_board_that_restarted_is_greeted_again_without_replaying_anything() -> None:
    restart = Fault(FaultKind.RESET, Direction.TO_BOARD, b"M400", at=2)
    with desk(restart) as board, closing(board.marlin()) as marlin:
        table = Turntable(marlin, TurntableConfig(), board.world.clock)
        table.zero()
        with pytest.raises(MarlinReset):
            table.move_to(90.0)
        stood = board.world.table_microsteps(board.world.clock.monotonic())
        marlin.reconnect(5.0)
        assert board.world.table_microsteps(board.world.clock.monotonic()) == stood
        assert marlin.firmware.name.startswith("Marlin")


def test_a_board_that_stays_away_is_an_error() -> None:
    pulled = Fault(FaultKind.UNPLUG, Direction.TO_BOARD, b"M42 P8 S255")
    with desk(pulled) as board, closing(board.stable_marlin()) as marlin:
        with pytest.raises(SerialPortError):
            marlin.write_pin(LIGHT_PIN, 255)
        with pytest.raises(SerialPortError, match=r"did not come back within 0.3 s"):
            marlin.reconnect(0.3)


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


def test_a_stop_that_noise_has_taken_is_sent_again() -> None:
    lost = Fault(FaultKind.GARBLE, Direction.TO_BOARD, b"^M410", at=1)
    with desk(lost, clock=SystemClock()) as board, closing(board.marlin()) as marlin:
        marlin.move(Axis.X, 720.0, speed_deg_s=30.0, interruptions=marlin.interruptions)
        waiting = threading.Thread(target=marlin.wait_for_motion)
        waiting.start()
        board.world.clock.sleep(0.3)
        marlin.quick_stop()
        waiting.join()
        assert len(board.board.strikes) == 1
        assert board.world.table_microsteps(board.world.clock.monotonic()) < 3200


def test_another_board_is_refused_every_time() -> None:
    with desk() as board, closing(board.stable_marlin()) as marlin:
        own = marlin.firmware
        marlin.firmware = replace(own, uuid="11111111-2222")
        for _ in range(2):
            with pytest.raises(SerialPortError, match="another board answers"):
                marlin.reconnect(5.0)
