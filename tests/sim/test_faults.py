"""The fault layer, without a port: which lines it strikes and what becomes of them."""

import pytest

from rig.sim.build import Build
from rig.sim.faults import Direction, Fault, FaultKind, FaultyBoard, Strike, lost_ok
from rig.sim.firmware import Firmware
from rig.sim.port import UnpluggedError
from tests.sim.boards import HandClock, make_world, struck

POSITION = b"X:0.00 Y:0.00 Z:0.00 Count X:0 Y:0 Z:0\n"
OK = b"ok P15 B3\n"


class Wired:
    """A faulty board after its boot, and the clock that it runs on."""

    def __init__(self, *faults: Fault, seed: int = 0, build: Build | None = None) -> None:
        self.clock = HandClock()
        self.world = make_world(self.clock)
        self.noticed: list[Strike] = []
        self.board = FaultyBoard(
            Firmware(self.world, build), faults, clock=self.clock, seed=seed, on_strike=self.noticed.append
        )
        self.board.reset()
        self.listen()

    def listen(self) -> bytes:
        """What is heard until the board is idle."""
        heard = b""
        while True:
            wake = self.board.run()
            heard += self.board.take_output()
            if not wake.working:
                return heard
            self.clock.sleep_until(wake.at_s)

    def wait(self, duration_s: float) -> bytes:
        """What is heard while time passes."""
        until_s = self.clock.now_s + duration_s
        heard = b""
        while self.clock.now_s < until_s:
            wake = self.board.run()
            heard += self.board.take_output()
            self.clock.sleep_until(min(wake.at_s, until_s))
        self.board.run()
        return heard + self.board.take_output()

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
    with pytest.raises(UnpluggedError) as caught:
        wired.ask(b"G1 X90\n")
    assert caught.value.back_after_s is None


def test_unplugging_for_a_while() -> None:
    wired = Wired(Fault(FaultKind.REPLUG, Direction.TO_BOARD, b"G1", duration_s=7.0))
    with pytest.raises(UnpluggedError) as caught:
        wired.ask(b"G1 X90\n")
    assert caught.value.back_after_s == 7.0


def test_chance_is_drawn_from_the_seed() -> None:
    half = Fault(FaultKind.DROP, Direction.TO_BOARD, probability=0.5)

    def answered(seed: int) -> list[bool]:
        wired = Wired(half, seed=seed)
        return [bool(wired.ask(b"G4\n")) for _ in range(40)]

    assert answered(1) == answered(1)
    assert answered(1) != answered(2)
    assert 8 <= sum(answered(3)) <= 32


def test_strikes_are_told_as_they_happen() -> None:
    wired = Wired(Fault(FaultKind.DROP, Direction.TO_BOARD, b"M105"))
    wired.ask(b"M105\nM114\n")
    assert wired.noticed == wired.board.strikes
    assert [str(strike) for strike in wired.noticed] == ["drop to board: 'M105'"]


def test_a_lost_ok() -> None:
    wired = Wired(lost_ok(at=2))
    assert [wired.ask(b"M114\n") for _ in range(3)] == [POSITION + OK, POSITION, POSITION + OK]


@pytest.mark.parametrize(
    ("kind", "direction"),
    [
        *((kind, Direction.TO_BOARD) for kind in (FaultKind.EXTRA_OK, FaultKind.WRONG_RESEND)),
        *((kind, Direction.TO_HOST) for kind in (FaultKind.BUSY, FaultKind.OVERRUN, FaultKind.BROWN_OUT)),
    ],
)
def test_some_faults_exist_in_one_direction_only(kind: FaultKind, direction: Direction) -> None:
    with pytest.raises(ValueError, match=kind.value):
        Fault(kind, direction)


@pytest.mark.parametrize(
    ("kind", "longer_by"),
    [
        (FaultKind.DROP_BYTES, range(-4, 0)),
        (FaultKind.DUPLICATE_BYTES, range(1, 5)),
        (FaultKind.GARBLE_BYTES, range(1)),
    ],
)
def test_damaged_bytes(kind: FaultKind, longer_by: range) -> None:
    for seed in range(20):
        heard = Wired(Fault(kind, Direction.TO_HOST, b"^X:"), seed=seed).ask(b"M114\n")
        assert len(heard) - len(POSITION + OK) in longer_by
        assert heard.endswith(OK)
        assert heard != POSITION + OK


def test_a_split_line_arrives_in_two_parts() -> None:
    wired = Wired(Fault(FaultKind.SPLIT, Direction.TO_HOST, b"^X:", delay_s=2.0))
    first = wired.ask(b"M114\n")
    assert first
    assert POSITION.startswith(first)
    assert first != POSITION
    assert wired.wait(1.9) == b""
    assert first + wired.wait(0.2) == POSITION + OK


def test_an_ok_too_many() -> None:
    wired = Wired(Fault(FaultKind.EXTRA_OK, Direction.TO_HOST, b"^ok"))
    assert wired.ask(b"M114\n") == POSITION + OK + b"ok\n"


@pytest.mark.parametrize("seed", range(10))
def test_a_resend_that_nobody_needs(seed: int) -> None:
    wired = Wired(Fault(FaultKind.EXTRA_RESEND, Direction.TO_HOST, b"^ok", at=2), seed=seed)
    wired.ask(b"N10 M110*18\n")
    answer = wired.ask(b"N11 M105*23\n")
    assert answer.startswith(b"ok T:0\nResend: ")
    assert 8 <= int(answer.rpartition(b" ")[2]) <= 14


def test_a_wrong_number_in_a_resend() -> None:
    wired = Wired(Fault(FaultKind.WRONG_RESEND, Direction.TO_HOST, b"^Resend"), seed=3)
    wired.ask(b"N134496 M110*30\n")
    asked_for = wired.ask(b"N134497 M114*1\n").split(b"\n")[1].removeprefix(b"Resend: ")
    assert len(asked_for) == 6
    assert sum(a != b for a, b in zip(asked_for, b"134497", strict=True)) == 1


def test_busy_for_minutes_and_then_done() -> None:
    wired = Wired(Fault(FaultKind.BUSY, Direction.TO_BOARD, b"M42", at=1, duration_s=120.0))
    start_s = wired.clock.now_s
    answer = wired.ask(b"M42 P8 S255\n").split(b"\n")
    assert wired.clock.now_s - start_s == pytest.approx(120.0)
    assert answer.count(b"echo:busy: processing") == 59
    assert answer[-2:] == [OK.strip(), b""]
    assert [write.at_s for write in wired.world.pin_writes()] == [start_s + 120.0]
    assert wired.ask(b"M114\n") == POSITION + OK


def test_a_quick_stop_is_heard_while_busy() -> None:
    wired = Wired(Fault(FaultKind.BUSY, Direction.TO_BOARD, b"M42", duration_s=120.0))
    wired.ask(b"G1 X360 F3600\n")
    wired.wait(1.0)
    wired.board.receive(b"M42 P8 S255\nM410\n")
    wired.wait(0.0)
    stopped = wired.world.table_microsteps(wired.clock.now_s)
    wired.wait(5.0)
    assert 0 < wired.world.table_microsteps(wired.clock.now_s) == stopped < 3200


def test_busy_and_then_silent_until_a_reset() -> None:
    wired = Wired(Fault(FaultKind.HANG, Direction.TO_BOARD, b"M400", duration_s=5.0))
    wired.ask(b"G1 X360 F3600\n")
    assert wired.ask(b"M400\n") == b"echo:busy: processing\n" * 2
    assert wired.ask(b"M114\nM410\n") == b""
    wired.clock.sleep(10.0)
    # The steppers' interrupt goes on without the main loop.
    assert wired.world.table_microsteps(wired.clock.now_s) == 3200
    wired.board.reset()
    assert wired.listen().startswith(b"start\n")
    assert wired.ask(b"M114\n") == POSITION + OK


def test_a_reset_in_a_move() -> None:
    wired = Wired(Fault(FaultKind.RESET_LATER, Direction.TO_BOARD, b"G1", delay_s=0.6))
    assert wired.ask(b"G1 X360 F3600\n").startswith(b"ok P14")
    answer = wired.ask(b"M400\n")
    assert answer.startswith(b"start\n")
    assert b"ok" not in answer
    stopped = wired.world.table_microsteps(wired.clock.now_s)
    assert 150 < stopped < 300
    assert not wired.world.motors_on()
    assert wired.ask(b"M114\n") == POSITION + OK


def test_brown_out_on_servo_motion() -> None:
    wired = Wired(Fault(FaultKind.BROWN_OUT, Direction.TO_BOARD, b"M280", at=3))
    wired.ask(b"M42 P8 S255\nM280 P1 S10\n")
    assert wired.ask(b"M280 P1\n") == b"echo: Servo 1: 10\n" + OK
    assert wired.ask(b"M280 P1 S110\n").startswith(b"start\n")
    assert [pulse.pulse_us for pulse in wired.world.servo_pulses()] == [649, 1681]
    assert wired.world.servo_deg(1) == 10.0
    assert wired.world.pin(8) == 0


@pytest.mark.parametrize("line", [b"M280 P1", b"G4", b"M280 P9 S10"])
def test_no_brown_out_where_no_servo_moves(line: bytes) -> None:
    wired = Wired(Fault(FaultKind.BROWN_OUT, Direction.TO_BOARD))
    assert wired.ask(line + b"\n").endswith(OK)


def test_an_endstop_that_never_closes() -> None:
    wired = Wired(
        Fault(FaultKind.ENDSTOP_OPEN, Direction.TO_BOARD, b"G28", at=2), build=Build(home_switch=-100)
    )
    assert wired.ask(b"G28 X\n").endswith(OK)
    assert b"echo:Homing Failed\nError:Printer halted. kill() called!\n" in wired.ask(b"G28 X\n")
    wired.board.reset()
    wired.listen()
    assert b"x_min: open" in wired.ask(b"M119\n")
    assert b"Homing Failed" in wired.ask(b"G28 X\n")


def test_a_table_that_stalls_stands_still_while_the_board_counts_on() -> None:
    wired = Wired(Fault(FaultKind.STALL, Direction.TO_BOARD, b"G1 X", at=2))
    turned_deg = []
    for line in (b"G1 X90 F5400\n", b"G1 X180\n"):
        wired.ask(line)
        wired.ask(b"M400\n")
        turned_deg.append(wired.world.table_angle_deg(wired.clock.now_s))
    assert turned_deg == pytest.approx([90.0, 90.0])
    assert b"X:180.00" in wired.ask(b"M114\n")


@pytest.mark.parametrize("seed", range(10))
def test_an_overrun_is_silent_and_spoils_the_next_command(seed: int) -> None:
    wired = Wired(Fault(FaultKind.OVERRUN, Direction.TO_BOARD, b"P8"), seed=seed)
    assert wired.ask(b"N1 M42 P8 S255*29\nM42 P10 S255\nM114") == b""
    heard = wired.ask(b"M42 P4 S255\n")
    assert b"X:" not in heard
    assert [wired.world.pin(pin) for pin in (4, 8, 10)] == [0, 0, 0]
    wired.ask(b"M42 P4 S255\n")
    assert wired.world.pin(4) == 255
