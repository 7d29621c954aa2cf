"""A world with nobody in it, and lamps and tables for tests to turn."""

from dataclasses import dataclass

from rig.catalog import ColourCode, PartNumber
from rig.clock import LeapingClock
from rig.sim.drivetrain import Standstill
from rig.sim.passages import LyingPart
from rig.sim.ways import ServoChute, ServoExit
from rig.sim.world import World

MICROSTEPS_PER_TURN = 3600
LAMP_PIN = 8


def dark_world() -> World:
    """An empty table of 10 microsteps a degree under a lamp that is off."""
    return World(
        LeapingClock(),
        microsteps_per_turn=MICROSTEPS_PER_TURN,
        exits=[ServoExit(servo=1, push_deg=110)],
        chute=ServoChute(0),
        light_pin=LAMP_PIN,
        feed_gap_s=0.5,
    )


def lit_world() -> World:
    """An empty table under a lamp that is on."""
    world = dark_world()
    world.write_pin(LAMP_PIN, 255)
    return world


@dataclass(frozen=True)
class SteadyTurn(Standstill):
    """A table that turns at a constant speed from a start in time, and stops after a while."""

    from_s: float
    speed_deg_s: float
    duration_s: float = 1e9

    def position(self, at_s: float) -> float:
        moving_s = min(max(0.0, at_s - self.from_s), self.duration_s)
        return moving_s * self.speed_deg_s * MICROSTEPS_PER_TURN / 360


def brick(part: str, *, colour: int = 4, pose: int = 0, yaw_deg: float = 30.0) -> LyingPart:
    """A part in the middle of the table."""
    return LyingPart(PartNumber(part), ColourCode(colour), pose, (0.0, 0.0), yaw_deg)
