"""What a firmware must have, and what is said about one that lacks it."""

from contextlib import closing

import pytest

from rig.errors import FirmwareMismatch
from rig.marlin.codec import Axis
from rig.marlin.controller import Marlin
from rig.marlin.handshake import Wiring
from rig.sim.build import Build
from rig.sim.faults import Direction, Fault, FaultKind
from tests.sim.boards import SERIAL, desk

TABLE = {Axis.X: 3200}


def connect(wiring: Wiring, build: Build | None = None, *faults: Fault) -> None:
    with (
        desk(*faults, build=build) as board,
        closing(Marlin.connect(board.url, SERIAL, wiring=wiring, clock=board.world.clock)),
    ):
        assert board.world.table_microsteps(board.world.clock.monotonic()) == 0
        assert not board.world.motors_on()


@pytest.mark.parametrize(
    ("build", "what", "change"),
    [
        (Build(emergency_parser=False), "cannot be stopped", "set EMERGENCY_PARSER on"),
        (Build(m114_realtime=False), "where the table is", "set M114_REALTIME on"),
        (Build(direct_pin_control=False), "does not switch pins", "set DIRECT_PIN_CONTROL on"),
        (Build(workspace_offsets=True), "set the position of X", "set NO_WORKSPACE_OFFSETS on"),
        (
            Build(x_steps_per_deg=4.444444),
            "X makes 4.44444. steps a degree, and rig.toml means 8.888889",
            "DEFAULT_AXIS_STEPS_PER_UNIT of X to 8.888889",
        ),
        (Build(x_steps_per_deg=8.89), "X makes 8.89000. steps", "8.888889"),
        (
            Build(y_steps_per_deg=80.0),
            "Y makes 80.0000.. steps a degree, and rig.toml means 26.666667",
            "of Y to 26.666667",
        ),
        (Build(servos=1), "no servo 1", "NUM_SERVOS to at least 2"),
    ],
)
def test_what_is_missing_is_named_with_what_to_change(build: Build, what: str, change: str) -> None:
    wiring = Wiring({Axis.X: 3200, Axis.Y: 9600}, frozenset({8}), frozenset({0, 1}))
    fitting_y = build.y_steps_per_deg or 26.666667
    with pytest.raises(FirmwareMismatch, match=what) as caught:
        connect(wiring, Build(**{**vars(build), "y_steps_per_deg": fitting_y}))
    assert change in caught.value.hint


def test_all_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(FirmwareMismatch) as caught:
        connect(Wiring({Axis.X: 1600}), Build(emergency_parser=False, m114_realtime=False))
    assert "stopped" in caught.value.what
    assert "steps a degree" in caught.value.what
    assert "M114_REALTIME" in caught.value.hint


def test_what_is_not_in_use_is_not_asked_for() -> None:
    connect(Wiring(TABLE), Build(servos=0, direct_pin_control=False, y_steps_per_deg=1.0))


def test_a_protected_pin_is_named() -> None:
    with pytest.raises(FirmwareMismatch, match="does not switch pin 9"):
        connect(Wiring(TABLE, frozenset({9})))


@pytest.mark.parametrize("microsteps_per_turn", [200, 3200, 9600, 28800, 51200 * 3])
def test_any_gearing_is_checked_without_moving(microsteps_per_turn: int) -> None:
    with desk(microsteps_per_turn=microsteps_per_turn) as board:
        wiring = Wiring({Axis.X: microsteps_per_turn})
        with closing(Marlin.connect(board.url, SERIAL, wiring=wiring, clock=board.world.clock)):
            assert board.world.table_microsteps(board.world.clock.monotonic()) == 0
        with pytest.raises(FirmwareMismatch):
            wiring = Wiring({Axis.X: microsteps_per_turn + 8})
            Marlin.connect(board.url, SERIAL, wiring=wiring, clock=board.world.clock)


def test_an_answer_that_noise_has_changed_is_asked_for_again() -> None:
    """`Count X:320000` reads otherwise, and still as a position."""
    changed = Fault(FaultKind.GARBLE_BYTES, Direction.TO_HOST, b"Count X:320000", at=1)
    connect(Wiring(TABLE), None, changed)
