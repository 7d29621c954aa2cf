"""The fault layer, without a port: which lines it strikes and what becomes of them."""

import pytest

from rig.sim.faults import Direction, Fault, FaultKind, FaultyBoard
from rig.sim.firmware import Firmware
from rig.sim.port import UnpluggedError
from tests.sim.boards import HandClock, make_world, struck

POSITION = b"X:0.00 Y:0.00 Z:0.00 Count X:0 Y:0 Z:0\n"
OK = b"ok P15 B3\n"


class Wired:
    """A faulty board after its boot, and the clock that it runs on."""

    def __init__(self, *faults: Fault, seed: int = 0) -> None:
        self.clock = HandClock()
        self.board = FaultyBoard(Firmware(make_world(self.clock)), faults, clock=self.clock, seed=seed)
        self.board.reset()
        self.listen()

    def listen(self) -> bytes:
        while (wake := self.board.run()).working:
            self.clock.sleep_until(wake.at_s)
        return self.board.take_output()

    def ask(self, data: bytes) -> bytes:
        self.board.receive(data)
        return self.listen()


def test_without_faults_nothing_changes() -> None:
    wired = Wired()
    assert wired.ask(b"M114\n") == POSITION + OK
    assert wired.ask(b"M1") == b""
    assert wired.ask(b"14\n") == POSITION + OK
    assert struck(wired.board) == []


def test_exactly_the_named_line_is_dropped() -> None:
    wired = Wired(Fault(FaultKind.DROP, Direction.TO_BOARD, b"^M114$", at=2))
    assert [wired.ask(b"M114\n") for _ in range(3)] == [POSITION + OK, b"", POSITION + OK]
    assert struck(wired.board) == [b"M114\n"]


def test_lines_to_the_host_are_duplicated() -> None:
    assert Wired(Fault(FaultKind.DUPLICATE, Direction.TO_HOST, b"^ok")).ask(b"M114\n") == POSITION + OK + OK


def test_garbling_changes_one_bit_and_never_the_newline() -> None:
    for seed in range(50):
        garbled = Wired(Fault(FaultKind.GARBLE, Direction.TO_HOST, b"^ok"), seed=seed).ask(b"G4\n")
        changed = [a ^ b for a, b in zip(garbled, OK, strict=True) if a != b]
        assert len(changed) == 1
        assert changed[0].bit_count() == 1
        assert garbled.count(b"\n") == 1


def test_delayed_line_holds_back_what_follows() -> None:
    wired = Wired(Fault(FaultKind.DELAY, Direction.TO_HOST, b"^X:", delay_s=2.0))
    asked_s = wired.clock.now_s
    wired.board.receive(b"M114\n")
    wake = wired.board.run()
    assert wired.board.take_output() == b""
    assert wake.at_s == asked_s + 2.0
    wired.clock.sleep_until(wake.at_s)
    assert wired.listen() == POSITION + OK


def test_delayed_command_reaches_the_board_later() -> None:
    wired = Wired(Fault(FaultKind.DELAY, Direction.TO_BOARD, delay_s=1.0))
    assert wired.ask(b"M114\n") == b""
    wired.clock.sleep(1.0)
    assert wired.listen() == POSITION + OK


def test_reset_boots_the_board_and_loses_the_line() -> None:
    wired = Wired(Fault(FaultKind.RESET, Direction.TO_BOARD, b"G1"))
    assert wired.ask(b"G1 X90\n").startswith(b"start\n")


def test_unplugging() -> None:
    wired = Wired(Fault(FaultKind.UNPLUG, Direction.TO_BOARD, b"G1"))
    with pytest.raises(UnpluggedError):
        wired.ask(b"G1 X90\n")


def test_chance_is_drawn_from_the_seed() -> None:
    half = Fault(FaultKind.DROP, Direction.TO_BOARD, probability=0.5)

    def answered(seed: int) -> list[bool]:
        wired = Wired(half, seed=seed)
        return [bool(wired.ask(b"G4\n")) for _ in range(40)]

    assert answered(1) == answered(1)
    assert answered(1) != answered(2)
    assert 8 <= sum(answered(3)) <= 32
