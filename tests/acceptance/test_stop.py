"""Stop means stop: `rig stop` and a second Ctrl-C, seen from the board that another process is driving."""

import os
import signal
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from rig.clock import SystemClock
from rig.sim.faults import Direction, Fault, FaultKind
from rig.sim.world import World
from tests.acceptance.conftest import Shell
from tests.sim.boards import LIGHT_PIN, desk

QUARTER_TURN_MICROSTEPS = 800


@dataclass(frozen=True)
class SlowTurn:
    """`rig doctor --motion` in the middle of its first turn, on a board of this process."""

    shell: Shell
    process: subprocess.Popen[str]
    world: World

    @property
    def microsteps(self) -> int:
        return self.world.table_microsteps(self.world.clock.monotonic())

    def end(self) -> str:
        """What the process said; it must have ended as an interrupted one does."""
        _, said = self.process.communicate(timeout=40)
        assert self.process.returncode == 130, said
        assert "Traceback" not in said
        return said

    def stays_still(self) -> bool:
        stands = self.microsteps
        self.world.clock.sleep(0.3)
        return self.microsteps == stands


@contextmanager
def slow_turn(folder: Path, *faults: Fault) -> Iterator[SlowTurn]:
    with desk(*faults, clock=SystemClock()) as board:
        (folder / "rig.toml").write_text(
            f'[serial]\nport = "{board.url}"\nboot_timeout_s = 1.5\n[turntable]\nspeed_deg_s = 15\n',
            encoding="utf-8",
        )
        shell = Shell(folder)
        with shell.start("doctor", "--motion") as process:
            turn = SlowTurn(shell, process, board.world)
            while turn.microsteps < 40:
                assert process.poll() is None
                board.world.clock.sleep(0.01)
            yield turn


@contextmanager
def port_kept_open(turn: SlowTurn) -> Iterator[None]:
    """So that opening it once more resets nothing, as with an adapter that has no DTR line."""
    url = tomllib.loads((turn.shell.folder / "rig.toml").read_text(encoding="utf-8"))["serial"]["port"]
    port = os.open(url, os.O_RDWR | os.O_NOCTTY)
    try:
        yield
    finally:
        os.close(port)


def test_ctrl_c_lets_the_move_under_way_end(tmp_path: Path) -> None:
    with slow_turn(tmp_path) as turn:
        turn.process.send_signal(signal.SIGINT)
        said = turn.end()
        assert "Ctrl-C again stops it at once" in said
        assert turn.microsteps == QUARTER_TURN_MICROSTEPS
        assert not turn.world.motors_on()
        assert turn.world.pin(LIGHT_PIN) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_twice_stops_the_table_at_once(tmp_path: Path, number: signal.Signals) -> None:
    with slow_turn(tmp_path) as turn:
        turn.process.send_signal(number)
        turn.world.clock.sleep(0.3)
        turn.process.send_signal(number)
        turn.end()
        assert turn.microsteps < QUARTER_TURN_MICROSTEPS / 2
        assert turn.stays_still()
        assert not turn.world.motors_on()
        assert turn.world.pin(LIGHT_PIN) == 0


def test_rig_stop_stops_what_another_process_runs(tmp_path: Path) -> None:
    with slow_turn(tmp_path) as turn:
        stopped = turn.shell.run("stop")
        assert stopped.returncode == 0
        assert f"Stopped: rig doctor --motion (process {turn.process.pid})." in stopped.stderr
        turn.end()
        assert turn.microsteps < QUARTER_TURN_MICROSTEPS * 0.9
        assert turn.stays_still()
        assert not turn.world.motors_on()
        assert turn.world.pin(LIGHT_PIN) == 0


def test_an_emergency_kills_the_board(tmp_path: Path) -> None:
    with slow_turn(tmp_path) as turn:
        stopped = turn.shell.json("stop", "--emergency")
        assert [owner["pid"] for owner in stopped["stopped"]] == [turn.process.pid]
        assert "is halted" in turn.end()
        turn.world.clock.sleep(1.6)
        assert turn.stays_still()
        assert not turn.world.motors_on()


def test_an_emergency_that_the_board_does_not_confirm_is_no_success(tmp_path: Path) -> None:
    deaf = Fault(FaultKind.DROP, Direction.TO_BOARD, b"M112")
    with slow_turn(tmp_path, deaf) as turn:
        stopped = turn.shell.run("stop", "--emergency")
        assert stopped.returncode == 1
        assert "did not confirm the emergency stop" in stopped.stderr
        assert "cut the motor power" in stopped.stderr
        assert "Stopped" not in stopped.stderr
        assert "did not confirm the emergency stop" in turn.end()


def test_a_busy_rig_says_how_to_stop_it(tmp_path: Path) -> None:
    with slow_turn(tmp_path) as turn:
        busy = turn.shell.run("doctor", "--motion")
        assert busy.returncode == 1
        assert f"in use by: rig doctor --motion (process {turn.process.pid})" in busy.stdout
        assert "rig stop" in busy.stdout
        turn.shell.run("stop")
        turn.end()


@pytest.mark.parametrize("options", [(), ("--emergency",)])
def test_a_board_that_nobody_runs_is_stopped_too(tmp_path: Path, options: tuple[str, ...]) -> None:
    """As after a kill -9: the table turns on, and nobody is there to be told."""
    with slow_turn(tmp_path) as turn, port_kept_open(turn):
        turn.process.kill()
        turn.process.communicate(timeout=10)
        stopped = turn.shell.run("stop", *options)
        assert stopped.returncode == 0, stopped.stderr
        assert "No other program runs the rig" in stopped.stderr
        assert turn.microsteps < QUARTER_TURN_MICROSTEPS * 0.9
        turn.world.clock.sleep(1.6)
        assert turn.stays_still()
        assert not turn.world.motors_on()
        # A halted board switches nothing any more.
        assert turn.world.pin(LIGHT_PIN) == (255 if options else 0)


def test_nothing_to_stop_in_a_folder_without_a_rig(tmp_path: Path) -> None:
    stopped = Shell(tmp_path).run("stop")
    assert stopped.returncode == 0
    assert "Nothing runs the simulated rig in this folder." in stopped.stderr


def test_a_rig_without_a_port_cannot_be_stopped(tmp_path: Path) -> None:
    (tmp_path / "rig.toml").write_text("[turntable]\nspeed_deg_s = 90\n", encoding="utf-8")
    assert "serial.port is empty" in Shell(tmp_path).fails("stop")
