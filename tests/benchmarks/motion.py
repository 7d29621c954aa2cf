"""The host against the simulated board in real time: commands a second, and what a turn in 72 steps loses."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np
import serial

from rig.clock import SystemClock
from rig.config import TurntableConfig
from rig.devices.turntable import Turntable
from rig.marlin.codec import Axis, encode
from rig.marlin.controller import Marlin
from rig.marlin.ports import open_port
from tests.benchmarks.figure import Figure
from tests.sim.boards import SERIAL, Desk, desk

_PATIENT = SERIAL.model_copy(update={"reply_timeout_s": 2.5})
_COMMANDS = 1000
_ROUNDS = 3
_STEPS = 72
_STEP_DEG = 360.0 / _STEPS
_SPEED_DEG_S = 60.0


def commands_a_second() -> Iterator[Figure]:
    """Numbered and checked by the host; bare lines over pyserial, one at a time, are the peer."""
    with desk(clock=SystemClock()) as board:
        host, bare = [], []
        for _ in range(_ROUNDS):
            with closing(board.marlin(_PATIENT)) as marlin:
                host.append(_rate(partial(marlin.run, "M105")))
            with closing(open_port(board.url, 115200)) as port:
                port.timeout = 5.0
                while port.readline() != b"echo:Hardcoded Default Settings Loaded\n":
                    pass
                bare.append(_rate(partial(_ping, port)))
    yield Figure(
        "commands a second (M105)",
        f"{median(host):.0f}",
        f"{median(bare):.0f}: bare lines over pyserial, unchecked",
        median(host) / median(bare),
    )


def turn_in_72_steps() -> Iterator[Figure]:
    """The share of the turn in which the table stands still, in three pieces a move and in one."""
    with desk(clock=SystemClock()) as board, closing(board.marlin(_PATIENT)) as marlin:
        table = Turntable(marlin, TurntableConfig(speed_deg_s=_SPEED_DEG_S), board.world.clock)
        table.zero()
        pieces = _turn(board, table.move_to)
    with desk(clock=SystemClock()) as board, closing(board.marlin(_PATIENT)) as marlin:
        marlin.motors_on()
        lines = _turn(board, lambda angle_deg: _move_in_one_line(marlin, angle_deg))
    yield Figure(
        f"a turn in {_STEPS} steps at {_SPEED_DEG_S:g} degrees/s",
        pieces.described,
        f"{lines.described}: one G1 a move",
        lines.took_s / pieces.took_s,
    )


@dataclass(frozen=True)
class _Turn:
    took_s: float
    moving_s: float

    @property
    def described(self) -> str:
        return f"{self.took_s:.1f} s, {1 - self.moving_s / self.took_s:.0%} of it not motion"


def _turn(board: Desk, move_to: Callable[[float], object]) -> _Turn:
    took_s = moving_s = 0.0
    clock = board.world.clock
    for step in range(1, _STEPS + 1):
        started_s = clock.monotonic()
        move_to(_STEP_DEG * step)
        ended_s = clock.monotonic()
        took_s += ended_s - started_s
        moving_s += _moving_s(board, started_s, ended_s)
    return _Turn(took_s, moving_s)


def _move_in_one_line(marlin: Marlin, angle_deg: float) -> None:
    marlin.move(Axis.X, angle_deg, speed_deg_s=_SPEED_DEG_S, interruptions=marlin.interruptions)
    marlin.wait_for_motion()


def _moving_s(board: Desk, from_s: float, until_s: float) -> float:
    """From the first microstep to the last, as the simulator knows them."""
    times_s = np.arange(from_s, until_s, 0.0005)
    at = np.array([board.world.table_microsteps(time_s) for time_s in times_s])
    steps_s = times_s[1:][np.diff(at) != 0]
    return float(steps_s[-1] - steps_s[0])


def _ping(port: serial.Serial) -> None:
    port.write(encode("M105"))
    while not port.readline().startswith(b"ok"):
        pass


def _rate(command: Callable[[], object]) -> float:
    command()
    started_s = time.perf_counter()
    for _ in range(_COMMANDS):
        command()
    return _COMMANDS / (time.perf_counter() - started_s)
