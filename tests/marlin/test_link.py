"""The link to the board over real pseudo-terminals, on good wires and on bad ones."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from rig.clock import SystemClock
from rig.errors import LineRefused, MarlinHalted, MarlinReset, MarlinTimeout, SerialPortError
from rig.marlin.codec import Axis, Position
from rig.marlin.link import Link
from rig.marlin.ports import open_port
from rig.sim.build import Build
from rig.sim.faults import Direction, Fault, FaultKind
from tests.sim.boards import Desk, desk, struck

BUILDS = {
    "advanced ok": Build(),
    "plain ok": Build(advanced_ok=False),
    "plain ok, none after Resend": Build(advanced_ok=False, ok_after_resend=False),
}
TO_BOARD, TO_HOST = Direction.TO_BOARD, Direction.TO_HOST

# One fault in the middle of a series of moves that has to come out right all the same.
RECOVERABLE = {
    "none": [],
    "command lost": [Fault(FaultKind.DROP, TO_BOARD, b"G1", at=3)],
    "command garbled": [Fault(FaultKind.GARBLE, TO_BOARD, b"G1", at=3)],
    "command garbled twice": [Fault(FaultKind.GARBLE, TO_BOARD, b"G1", at=at) for at in (3, 4)],
    "command duplicated": [Fault(FaultKind.DUPLICATE, TO_BOARD, b"G1", at=3)],
    "command delayed": [Fault(FaultKind.DELAY, TO_BOARD, b"G1", at=3, delay_s=0.2)],
    "ok lost": [Fault(FaultKind.DROP, TO_HOST, b"^ok", at=9)],
    "ok garbled": [Fault(FaultKind.GARBLE, TO_HOST, b"^ok", at=9)],
    "ok late": [Fault(FaultKind.DELAY, TO_HOST, b"^ok", at=9, delay_s=0.4)],
    "error lost": [
        Fault(FaultKind.GARBLE, TO_BOARD, b"G1", at=3),
        Fault(FaultKind.DROP, TO_HOST, b"checksum mismatch"),
    ],
    "Resend lost": [
        Fault(FaultKind.GARBLE, TO_BOARD, b"G1", at=3),
        Fault(FaultKind.DROP, TO_HOST, b"Resend", at=2),
    ],
    "refusal lost but for its ok": [
        Fault(FaultKind.GARBLE, TO_BOARD, b"G1", at=3),
        Fault(FaultKind.DROP, TO_HOST, b"checksum mismatch"),
        Fault(FaultKind.DROP, TO_HOST, b"Resend", at=2),
    ],
    "Resend duplicated": [
        Fault(FaultKind.GARBLE, TO_BOARD, b"G1", at=3),
        Fault(FaultKind.DUPLICATE, TO_HOST, b"Resend"),
    ],
    "Resend garbled": [
        Fault(FaultKind.GARBLE, TO_BOARD, b"G1", at=3),
        Fault(FaultKind.GARBLE, TO_HOST, b"Resend", at=2),
    ],
}


@contextmanager
def linked(*faults: Fault, build: Build | None = None, seed: int = 0) -> Iterator[tuple[Desk, Link]]:
    with desk(*faults, build=build, seed=seed) as board, closing(board.link()) as link:
        yield board, link


@contextmanager
def interrupted_after(duration_s: float) -> Iterator[None]:
    """Ctrl-C arrives after a while."""
    timer = threading.Timer(duration_s, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        timer.join()


def x_of(link: Link) -> float:
    (position,) = [reply for reply in link.command("M114") if isinstance(reply, Position)]
    return position.degrees[Axis.X]


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
@pytest.mark.parametrize("faults", RECOVERABLE.values(), ids=RECOVERABLE)
def test_each_move_is_made_exactly_once(faults: list[Fault], build: Build) -> None:
    with linked(*faults, build=build, seed=7) as (board, link):
        link.command("G91")
        for _ in range(10):
            link.command("G1 X9 F21600")
        link.command("M400")
        assert board.world.table_angle_deg(board.world.clock.monotonic()) == 90.0
        assert x_of(link) == 90.0
        assert len(struck(board.board)) >= len(faults)


@pytest.mark.parametrize("seed", range(6))
def test_a_noisy_wire_slows_but_never_confuses(seed: int) -> None:
    noise = [
        Fault(kind, direction, probability=0.04)
        for direction in Direction
        for kind in (FaultKind.GARBLE, FaultKind.DUPLICATE)
    ]
    with linked(*noise, seed=seed) as (board, link):
        link.command("G91")
        for _ in range(15):
            link.command("G1 X9 F21600")
        link.command("M400")
        assert board.world.table_angle_deg(board.world.clock.monotonic()) == 135.0


def test_a_line_refused_ten_times_is_an_error() -> None:
    with linked(Fault(FaultKind.GARBLE, TO_BOARD, b"G1 X5")) as (board, link):
        with pytest.raises(LineRefused, match="'G1 X5' 10 times"):
            link.command("G1 X5")
        assert len(struck(board.board)) == 10
        assert x_of(link) == 0.0


def test_silence_is_an_error_and_its_end_is_noticed() -> None:
    deaf = [Fault(FaultKind.DROP, TO_BOARD, b"G4|N999999999", at=at) for at in (2, 3, 4, 5)]
    with linked(*deaf) as (_, link):
        with pytest.raises(MarlinTimeout, match="does not answer"):
            link.command("G4 P1")
        assert x_of(link) == 0.0


def test_busy_extends_the_timeout() -> None:
    with desk(clock=SystemClock()) as board, closing(board.link(reply_timeout_s=1.4)) as link:
        link.command("M113 S1")
        link.command("G4 S2.5")
        assert x_of(link) == 0.0


def test_silence_after_a_busy_is_an_error_within_the_timeout() -> None:
    hangs = Fault(FaultKind.HANG, TO_BOARD, b"G4", duration_s=5.0)
    with linked(hangs) as (board, link):
        with pytest.raises(MarlinTimeout, match="does not answer"):
            link.command("G4 P1")
        assert struck(board.board)


def test_a_command_that_waits_for_another_ones_end_is_not_late() -> None:
    """Its timeout counts from its own start, not from when it was asked for."""
    with desk(clock=SystemClock()) as board, closing(board.link(reply_timeout_s=1.2)) as link:
        link.command("M113 S1")
        link.command("G1 X120 F3600")
        first = threading.Thread(target=lambda: link.command("M400"))
        first.start()
        board.world.clock.sleep(0.2)
        asked_s = board.world.clock.monotonic()
        link.command("G92 X5")
        assert board.world.clock.monotonic() - asked_s > 1.2
        first.join()
        assert x_of(link) == 5.0


def test_a_resend_for_lines_that_were_never_sent_confuses_nobody() -> None:
    unasked = Fault(FaultKind.EXTRA_RESEND, TO_HOST, b"^ok")
    with linked(unasked, seed=2) as (board, link):
        link.command("G91")
        for _ in range(5):
            link.command("G1 X9 F21600")
        link.command("M400")
        assert board.world.table_angle_deg(board.world.clock.monotonic()) == 45.0
        assert len(struck(board.board)) > 5


def test_restart_before_a_command_is_an_error_once() -> None:
    with linked(Fault(FaultKind.RESET, TO_BOARD, b"G1")) as (_, link):
        before = link.interruptions
        with pytest.raises(MarlinReset):
            link.command("G1 X90")
        assert link.interruptions > before
        assert x_of(link) == 0.0


def test_restart_is_noticed_although_its_banner_is_garbled() -> None:
    faults = [Fault(FaultKind.RESET, TO_BOARD, b"G1"), Fault(FaultKind.DROP, TO_HOST, b"start", at=2)]
    with linked(*faults) as (board, link):
        with pytest.raises(MarlinReset):
            link.command("G1 X90")
        assert len(struck(board.board)) == 2
        assert x_of(link) == 0.0


def test_restart_while_idle_is_noticed_by_the_next_command() -> None:
    with linked(Fault(FaultKind.RESET, TO_HOST, b"ok N3")) as (board, link):
        with pytest.raises(MarlinReset):
            link.command("G92 X0")
            link.command("M114")
            link.command("M114")
        assert struck(board.board)


def test_after_a_kill_every_command_is_refused() -> None:
    with linked() as (board, link):
        link.kill()
        assert link.await_halt(2.0)
        for _ in range(2):
            with pytest.raises(MarlinHalted):
                link.command("G1 X90")
        assert board.world.table_microsteps(board.world.clock.monotonic()) == 0


def test_unplugging_is_an_error() -> None:
    with linked(Fault(FaultKind.UNPLUG, TO_BOARD, b"G1")) as (_, link):
        for _ in range(2):
            with pytest.raises(SerialPortError, match="unplugged"):
                link.command("G1 X90")


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
def test_ctrl_c_while_an_ok_is_outstanding_leaves_the_next_command_in_step(build: Build) -> None:
    with desk(clock=SystemClock(), build=build) as board, closing(board.link()) as link:
        link.command("G1 X45 F3600")
        with interrupted_after(0.2):
            link.command("M400")
        assert x_of(link) == 45.0
        assert board.world.table_angle_deg(board.world.clock.monotonic()) == pytest.approx(45.0, abs=0.06)
        link.command("G92 X5")
        assert x_of(link) == 5.0


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
def test_raw_stop_goes_ahead_of_an_outstanding_ok(build: Build) -> None:
    with desk(clock=SystemClock(), build=build) as board, closing(board.link()) as link:
        link.command("G1 X3600 F3600")
        with interrupted_after(0.3):
            link.command("M400")
        link.stop_at_once()
        stopped_deg = x_of(link)
        assert 0 < stopped_deg < 3600
        true_deg = board.world.table_angle_deg(board.world.clock.monotonic())
        assert stopped_deg == pytest.approx(true_deg, abs=0.01)


def test_a_board_that_does_not_restart_when_opened_is_welcome() -> None:
    with desk(Fault(FaultKind.DROP, TO_HOST, b"start")) as board:
        link = Link(open_port(board.url, 115200), reply_timeout_s=0.4)
        with closing(link):
            assert not link.wait_for_banner(0.5)
            link.settle()
            assert x_of(link) == 0.0


def test_absent_port_names_those_that_are_there() -> None:
    with pytest.raises(SerialPortError, match="there is no serial port /dev/ttyNone") as caught:
        open_port("/dev/ttyNone", 115200)
    assert "ports found: " in caught.value.hint
    assert "port under [serial]" in caught.value.hint


def test_busy_port_is_named() -> None:
    with linked() as (board, _), pytest.raises(SerialPortError, match=f"{board.url} is in use"):
        open_port(board.url, 115200)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may open any port")
def test_forbidden_port_hints_at_the_group() -> None:
    with desk() as board:
        Path(board.url).chmod(0)
        with pytest.raises(SerialPortError, match="not open to this user") as caught:
            open_port(board.url, 115200)
        assert "dialout" in caught.value.hint


@pytest.mark.parametrize("url", ["socket://127.0.0.1:1", "nonsense://x"])
def test_url_that_leads_nowhere(url: str) -> None:
    with pytest.raises(SerialPortError, match="cannot be opened"):
        open_port(url, 115200)


@pytest.mark.parametrize(
    "babble", [b"", b"\xff" * 64, b"wait\n"], ids=["silent", "endless line", "endless lines"]
)
def test_peer_that_is_no_marlin_times_out(babble: bytes) -> None:
    near_end, far_end = os.openpty()
    os.set_blocking(near_end, False)
    done = threading.Event()

    def talk() -> None:
        while not done.wait(0.01):
            with suppress(BlockingIOError):
                os.write(near_end, babble)

    talker = threading.Thread(target=talk)
    talker.start()
    try:
        with closing(Link(open_port(os.ttyname(far_end), 115200), reply_timeout_s=0.2)) as link:
            assert not link.wait_for_banner(0.1)
            with pytest.raises(MarlinTimeout, match="does not answer"):
                link.settle()
    finally:
        done.set()
        talker.join()
        os.close(near_end)
        os.close(far_end)
