"""Light and actuator against the simulated board."""

from contextlib import closing

import pytest

from rig.catalog import ColourCode, PartNumber
from rig.config import ActuatorConfig, LightConfig
from rig.devices.actuators import ServoGate
from rig.devices.light import Light
from rig.errors import LineRefused
from rig.sim.world import LyingPart
from tests.sim.boards import desk


def test_light_goes_on_at_its_brightness_and_off() -> None:
    with desk() as board, closing(board.marlin()) as marlin:
        light = Light(marlin, LightConfig(brightness=51))
        light.on()
        assert board.world.lamp_level() == pytest.approx(0.2)
        light.off()
        assert board.world.lamp_level() == 0.0


def test_light_without_a_pin_sends_nothing() -> None:
    with desk() as board, closing(board.marlin()) as marlin:
        light = Light(marlin, LightConfig(pin=None))
        light.on()
        light.off()
        assert board.world.pin(8) == 0


def test_a_pin_that_is_not_allowed_is_never_written() -> None:
    with desk() as board, closing(board.marlin()) as marlin:
        for pin in (9, 10, 999, -1):
            with pytest.raises(LineRefused, match="not configured"):
                marlin.write_pin(pin, 255)
        assert board.world.pin(10) == 0
        assert marlin.position().x_deg == 0.0


def test_gate_drops_the_part_where_the_chute_points_after_the_table_has_stopped() -> None:
    with desk() as board, closing(board.marlin()) as marlin:
        clock = board.world.clock
        board.world.lay(LyingPart(PartNumber("3001"), ColourCode(4), 0, (0.0, 0.0), 0.0))
        gate = ServoGate(marlin, ActuatorConfig(travel_s=0.4), clock)
        marlin.move_x(90.0, speed_deg_s=60.0)
        start_s = clock.monotonic()
        gate.drop(32.0)
        (fallen,) = board.world.fallen()
        assert fallen.chute_deg == 32.0
        assert board.world.table_microsteps(fallen.at_s) == 800
        assert fallen.at_s - start_s > 1.5 + 0.3 + 0.4 + 0.3
        assert board.world.servo_deg(1) == ActuatorConfig().sweeper_rest_deg
        assert clock.monotonic() - fallen.at_s > 0.4 + 0.3 + 0.4


def test_gate_rests_with_the_sweeper_drawn_back() -> None:
    with desk() as board, closing(board.marlin()) as marlin:
        ServoGate(marlin, ActuatorConfig(sweeper_rest_deg=12.5), board.world.clock).rest()
        assert board.world.servo_deg(1) == 12.5
        assert board.world.servo_deg(0) is None
