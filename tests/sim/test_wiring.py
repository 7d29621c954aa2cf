"""From rig.toml to the simulated desk."""

from typing import Any

import pytest

from rig.clock import LeapingClock
from rig.config import Config
from rig.sim.faults import FaultyBoard
from rig.sim.wiring import build_board, build_world
from rig.sim.world import World
from tests.sim.desk import brick


class Rig:
    """The desk that a configuration describes, talked to without a port."""

    def __init__(self, **sections: Any) -> None:
        config = Config.model_validate({"light": {"pin": 8}, **sections})
        self.clock = LeapingClock()
        self.world: World = build_world(config, self.clock)
        self.board: FaultyBoard = build_board(config, self.world)
        self.board.reset()
        self.listen()

    def listen(self) -> str:
        heard = b""
        while True:
            wake = self.board.run()
            heard += self.board.take_output()
            if not wake.working:
                return heard.decode("latin-1")
            self.clock.sleep_until(wake.at_s)

    def ask(self, *lines: str) -> str:
        self.board.receive("".join(f"{line}\n" for line in lines).encode())
        return self.listen()

    def fallen(self, *lines: str) -> list[tuple[float | None, int | None]]:
        """What falls, and where, when a brick lies on the table for each line."""
        before = len(self.world.fallen())
        for line in lines:
            self.world.lay(brick("3001"))
            self.ask(line)
        return [(fallen.chute_deg, fallen.jet_pin) for fallen in self.world.fallen()[before:]]


def bins(**reached: Any) -> list[dict[str, Any]]:
    return [{"name": "reject", **reached}]


def test_servo_gate() -> None:
    rig = Rig(actuator={"chute_servo": 2, "sweeper_servo": 3, "sweeper_push_deg": 80})
    assert rig.fallen("M280 P2 S90", "M280 P3 S79", "M280 P3 S80") == [(90.0, None)]


def test_stepper_chute() -> None:
    rig = Rig(
        actuator={"kind": "stepper_chute", "gear_ratio": 3, "home": "endstop"},
        bins=bins(chute_deg=-90),
    )
    assert rig.ask("M92").startswith("echo:  M92 X8.89 Y26.67 ")
    assert "ok" in rig.ask("G28 Y", "G1 Y-90 F3600", "M400")
    # It was homed an eighth of a turn before where it stood at power-on.
    assert rig.fallen("M280 P1 S110") == [(-135.0, None)]


def test_air_jets() -> None:
    rig = Rig(actuator={"kind": "air_jets"}, bins=[*bins(jet_pin=10), {"name": "a", "jet_pin": 4}])
    assert rig.fallen("M280 P1 S180", "M42 P8 S255", "M42 P4 S255") == [(None, 4)]


def test_gcode() -> None:
    lines = ("M280 P0 S30", "M280 P0 S120 ; push", "M280 P1 S", "M42 P4 S255", "T0")
    rig = Rig(actuator={"kind": "gcode", "pins": [4], "rest": ["M280 P3 S90"]}, bins=bins(gcode=lines))
    assert rig.fallen("M280 P0 S30", "M280 P1 S180", "M280 P3 S90", "M42 P10 S255") == []
    assert rig.fallen("M280 P0 S120", "M42 P4 S255") == [(None, None), (None, 4)]


def test_gcode_in_microseconds() -> None:
    rig = Rig(actuator={"kind": "gcode"}, bins=bins(gcode=["M280 P0 S1475"]))
    assert rig.fallen("M280 P0 S80", "M280 P0 S90") == [(None, None)]


def test_a_counterfeit_driver_turns_the_table_too_far() -> None:
    rig = Rig(sim={"driver_microsteps_per_step": 8})
    rig.ask("G1 X90 F3600", "M400")
    rig.clock.sleep(0.5)
    assert "X:90.00 " in rig.ask("M114 R")
    assert rig.world.table_angle_deg(rig.clock.monotonic()) == pytest.approx(180.0, abs=0.01)


def test_play_and_swinging() -> None:
    rig = Rig(sim={"backlash_deg": 2.25})
    rig.ask("G1 X90 F3600", "M400", "G1 X45", "M400")
    stopped_s = rig.clock.monotonic()
    assert rig.world.table_angle_deg(stopped_s + 0.5) == pytest.approx(47.25, abs=0.01)
    assert abs(rig.world.table_angle_deg(stopped_s + 0.02) - 47.25) > 0.02


def test_home_by_endstop() -> None:
    assert "ok" in Rig(turntable={"home": "endstop"}).ask("G28 X")
    assert "Homing Failed" in Rig().ask("G28 X")


def test_faults_strike() -> None:
    rig = Rig(turntable={"home": "endstop"}, sim={"faults": "endstop-open"})
    assert "Homing Failed" in rig.ask("G28 X")
    assert len(rig.board.strikes) == 1
