"""The simulated board behind real pseudo-terminals and sockets, talked to by plain pyserial."""

import sys
import threading
import time
from pathlib import Path

import pytest
import serial

from rig.clock import SystemClock
from rig.sim.faults import Direction, Fault, FaultKind
from rig.sim.port import PortKind
from tests.sim.boards import desk

OPEN_FILES = Path("/proc/self/fd")
KINDS = [
    PortKind.SOCKET,
    pytest.param(PortKind.PTY, marks=pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")),
]


def read_lines_until(client: serial.Serial, last: bytes) -> list[bytes]:
    lines: list[bytes] = []
    while True:
        line = client.readline()
        assert line, f"silence before {last!r}; heard {lines}"
        lines.append(line.strip())
        if line.startswith(last):
            return lines


@pytest.mark.parametrize("kind", KINDS)
def test_plain_pyserial_reads_the_banner_and_gets_answers(kind: PortKind) -> None:
    with desk(kind=kind) as board, serial.serial_for_url(board.url, baudrate=115200, timeout=5) as client:
        lines = read_lines_until(client, b"echo:Hardcoded")
        assert lines[0] == b"start"
        client.write(b"M114\n")
        assert read_lines_until(client, b"ok") == [b"X:0.00 Y:0.00 Z:0.00 Count X:0 Y:0 Z:0", b"ok P15 B3"]


@pytest.mark.parametrize("kind", KINDS)
def test_opening_again_resets_the_board(kind: PortKind) -> None:
    with desk(kind=kind) as board:
        for _ in range(2):
            with serial.serial_for_url(board.url, baudrate=115200, timeout=5) as client:
                read_lines_until(client, b"echo:Hardcoded")
                client.write(b"M114\nG1 X90 F7200\nM400\n")
                assert read_lines_until(client, b"X:") == [b"X:0.00 Y:0.00 Z:0.00 Count X:0 Y:0 Z:0"]
                read_lines_until(client, b"ok P15")
                read_lines_until(client, b"ok P14")
                read_lines_until(client, b"ok P15")
        assert board.world.table_angle_deg(board.world.clock.monotonic()) == 180.0


def test_quick_stop_is_heard_during_a_move_in_real_time() -> None:
    with (
        desk(clock=SystemClock()) as board,
        serial.serial_for_url(board.url, baudrate=115200, timeout=5) as client,
    ):
        read_lines_until(client, b"echo:Hardcoded")
        client.write(b"G1 X3600 F3600\nM400\n")
        read_lines_until(client, b"ok P14")
        while board.world.table_microsteps(time.monotonic()) < 100:
            threading.Event().wait(0.01)
        client.write(b"M410\n")
        assert read_lines_until(client, b"ok")[-1] == b"ok P15 B2"
        read_lines_until(client, b"ok P15 B3")
        assert 100 <= board.world.table_microsteps(time.monotonic()) < 32000


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="no /proc here to count open files in")
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_behind(kind: PortKind) -> None:
    threads = threading.active_count()
    open_files = sum(1 for _ in OPEN_FILES.iterdir())
    for _ in range(3):
        with desk(kind=kind) as board, serial.serial_for_url(board.url, timeout=5) as client:
            read_lines_until(client, b"echo:Hardcoded")
    with desk(kind=kind):
        pass
    assert threading.active_count() == threads
    assert sum(1 for _ in OPEN_FILES.iterdir()) == open_files


def test_client_that_reads_nothing_does_not_block_the_board() -> None:
    with desk() as board, serial.serial_for_url(board.url, timeout=5) as client:
        read_lines_until(client, b"echo:Hardcoded")
        for _ in range(200):
            client.write(b"M115\n")
        client.write(b"M42 P8 S255\n")
        deadline_s = time.monotonic() + 10
        while board.world.pin(8) != 255:
            assert time.monotonic() < deadline_s
            threading.Event().wait(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_a_second_opener_does_not_disturb_the_first() -> None:
    with desk() as board, serial.Serial(board.url, timeout=5) as client:
        read_lines_until(client, b"echo:Hardcoded")
        client.write(b"G92 X5\n")
        read_lines_until(client, b"ok")
        with Path(board.url).open("rb"):
            client.write(b"M114\n")
            assert read_lines_until(client, b"ok")[0].startswith(b"X:5.00 ")
        client.write(b"M114\n")
        assert read_lines_until(client, b"ok")[0].startswith(b"X:5.00 ")


@pytest.mark.parametrize("kind", KINDS)
def test_unplugged_and_back_under_another_name(kind: PortKind) -> None:
    pulled = Fault(FaultKind.REPLUG, Direction.TO_BOARD, b"M105", duration_s=2.0)
    with desk(pulled, kind=kind, clock=SystemClock()) as board:
        first_url, stable_url = board.port.url, board.stable_url
        with serial.serial_for_url(stable_url, timeout=5) as client:
            read_lines_until(client, b"echo:Hardcoded")
            client.write(b"G1 X90 F7200\n")
            read_lines_until(client, b"ok")
            client.write(b"M105\n")
            with pytest.raises(serial.SerialException):
                client.read(100)
        with pytest.raises((serial.SerialException, OSError)):
            serial.serial_for_url(stable_url).close()
        deadline_s = time.monotonic() + 10
        while True:
            try:
                client = serial.serial_for_url(stable_url, timeout=5)
                break
            except (serial.SerialException, OSError):
                assert time.monotonic() < deadline_s
                threading.Event().wait(0.02)
        with client:
            assert read_lines_until(client, b"echo:Hardcoded")[0] == b"start"
            client.write(b"M114\n")
            assert read_lines_until(client, b"ok")[0].startswith(b"X:0.00 ")
        assert board.stable_url == stable_url
        assert (board.port.url == first_url) == (kind is PortKind.SOCKET)


@pytest.mark.parametrize("kind", KINDS)
def test_unplugged_for_good(kind: PortKind) -> None:
    with desk(Fault(FaultKind.UNPLUG, Direction.TO_BOARD, b"M105"), kind=kind) as board:
        with serial.serial_for_url(board.stable_url, timeout=5) as client:
            read_lines_until(client, b"echo:Hardcoded")
            client.write(b"M105\n")
            with pytest.raises(serial.SerialException):
                client.read(100)
        with pytest.raises((serial.SerialException, OSError)):
            serial.serial_for_url(board.stable_url)


def test_an_absent_board_can_be_put_away() -> None:
    pulled = Fault(FaultKind.REPLUG, Direction.TO_BOARD, b"M105", duration_s=1e6)
    with desk(pulled) as board, serial.serial_for_url(board.stable_url, timeout=5) as client:
        read_lines_until(client, b"echo:Hardcoded")
        client.write(b"M105\n")
        with pytest.raises(serial.SerialException):
            client.read(100)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_the_stable_link_goes_with_the_board() -> None:
    with desk() as board:
        assert Path(board.stable_url).resolve() == Path(board.port.url)
    assert not Path(board.stable_url).parent.exists()
