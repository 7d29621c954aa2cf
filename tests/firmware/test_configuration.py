"""What the firmware is built with agrees with what the rig needs, is configured for, and simulates."""

import re
from itertools import combinations

import pytest

from rig.config import SerialConfig, ServoGateConfig, StepperChuteConfig, TurntableConfig
from rig.devices.axis import MIN_SEGMENT
from rig.marlin import codec
from rig.marlin.requirements import REQUIREMENTS, Requirement, requirement, steps_per_unit
from rig.sim import firmware_commands, firmware_motion, motion, wiring
from rig.sim.build import Build
from tests.firmware.ini import BASE, GEARED, VARIANTS, choices, numbers, options, rig, stated_gear_ratio
from tests.sim.boards import Console

X, Y = 0, 1
# Capabilities of M115 that an option alone decides.
DECIDED_BY = {
    "EMERGENCY_PARSER": "EMERGENCY_PARSER",
    "HOST_ACTION_COMMANDS": "HOST_ACTION_COMMANDS",
    "AUTOREPORT_POS": "AUTO_REPORT_POSITION",
    "EEPROM": "EEPROM_SETTINGS",
    "SDCARD": "SDSUPPORT",
    "ARCS": "ARC_SUPPORT",
}


def simulated_capabilities() -> dict[str, bool]:
    lines = "\n".join(Console().ask("M115"))
    return {name: bit == "1" for name, bit in re.findall(r"^Cap:(\w+):([01])$", lines, re.MULTILINE)}


@pytest.mark.parametrize("wanted", REQUIREMENTS, ids=lambda wanted: wanted.option)
@pytest.mark.parametrize("variant", [None, *VARIANTS])
def test_every_requirement_is_met(wanted: Requirement, variant: str | None) -> None:
    built = rig(variant) if variant else rig()
    assert built[wanted.option] == wanted.value


def test_requirements_are_found_by_name() -> None:
    assert {requirement(wanted.option) for wanted in REQUIREMENTS} == set(REQUIREMENTS)
    with pytest.raises(KeyError):
        requirement("EXTRUDERS")


def test_the_simulated_board_of_a_rig_has_the_buffers_of_its_firmware() -> None:
    built = rig()
    assert (built["BUFSIZE"], built["RX_BUFFER_SIZE"]) == (str(wiring.COMMAND_QUEUE), str(wiring.RX_BUFFER))


@pytest.mark.parametrize("name", [BASE, *VARIANTS])
def test_no_value_holds_a_comment(name: str) -> None:
    assert not [value for value in options(name).values() if re.search(r"[;#]|//", value)]


def test_config_ini_offers_every_variant_on_top_of_the_base() -> None:
    offered = choices()
    assert offered[0] == [BASE]
    assert all(files[0] == BASE and set(files[1:]) <= set(VARIANTS) for files in offered)
    assert {name for files in offered for name in files[1:]} == set(VARIANTS)


def test_config_ini_sets_nothing_but_its_choice() -> None:
    assert list(options("config.ini")) == ["INI_USE_CONFIG"]


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_says_only_what_differs(name: str) -> None:
    base = rig()
    assert not [option for option, value in options(name).items() if base.get(option) == value]


@pytest.mark.parametrize(("one", "other"), list(combinations(VARIANTS, 2)))
def test_variants_can_be_joined_in_any_order(one: str, other: str) -> None:
    if {one, other} != set(GEARED):
        assert not options(one).keys() & options(other).keys()


@pytest.mark.parametrize("name", [BASE, *GEARED])
def test_the_table_makes_the_microsteps_that_its_gears_need(name: str) -> None:
    turntable = TurntableConfig(gear_ratio=stated_gear_ratio(name))
    assert numbers(rig(name)["DEFAULT_AXIS_STEPS_PER_UNIT"])[X] == steps_per_unit(
        turntable.microsteps_per_turn
    )


def test_the_gear_ratios_are_those_in_the_names() -> None:
    assert [stated_gear_ratio(name) for name in (BASE, *GEARED)] == [1.0, 3.0, 9.0]


@pytest.mark.parametrize("table", [BASE, *GEARED])
def test_the_chute_makes_the_microsteps_of_a_chute_without_gears(table: str) -> None:
    built = rig(table, "rig-chute.ini")
    chute = StepperChuteConfig()
    assert numbers(built["DEFAULT_AXIS_STEPS_PER_UNIT"])[Y] == steps_per_unit(chute.microsteps_per_turn)
    assert float(numbers(built["DEFAULT_MAX_FEEDRATE"])[Y]) >= chute.speed_deg_s


@pytest.mark.parametrize("name", [BASE, *VARIANTS])
def test_lists_have_a_number_for_each_of_three_axes(name: str) -> None:
    built = rig(name)
    of_axes = [
        "DEFAULT_AXIS_STEPS_PER_UNIT",
        "DEFAULT_MAX_FEEDRATE",
        "DEFAULT_MAX_ACCELERATION",
        "AXIS_RELATIVE_MODES",
        "HOMING_FEEDRATE_MM_M",
        "HOMING_BUMP_MM",
        "HOMING_BUMP_DIVISOR",
    ]
    assert built["EXTRUDERS"] == "0"
    assert {len(numbers(built[option])) for option in of_axes if option in built} == {3}


@pytest.mark.parametrize("name", [BASE, *GEARED])
def test_the_table_may_turn_as_fast_as_it_does_unless_told_otherwise(name: str) -> None:
    assert float(numbers(rig(name)["DEFAULT_MAX_FEEDRATE"])[X]) >= TurntableConfig().speed_deg_s


def test_there_is_a_servo_for_every_index() -> None:
    built = rig()
    count = int(built["NUM_SERVOS"])
    gate = ServoGateConfig()
    assert max(gate.chute_servo, gate.sweeper_servo) < count
    # The last that rig.toml lets anyone name.
    assert StepperChuteConfig(sweeper_servo=count - 1).sweeper_servo == 3
    assert count == Build().servos
    delays_s = {int(delay_ms) / 1000 for delay_ms in numbers(built["SERVO_DELAY"])}
    assert delays_s == {firmware_commands.SERVO_DELAY_S}
    assert len(numbers(built["SERVO_DELAY"])) == count


def test_air_jets_leave_no_servo_to_detach() -> None:
    built = rig("rig-air-jets.ini")
    assert (built["NUM_SERVOS"], built["SERVO_DETACH_GCODE"]) == ("0", "off")


def test_baud_rate_is_the_one_that_the_port_is_opened_with() -> None:
    assert int(rig()["BAUDRATE"]) == SerialConfig().baud


def test_the_longest_line_fits() -> None:
    longest = int(rig()["MAX_CMD_SIZE"]) - 1
    assert longest == codec.MAX_LINE_LENGTH
    assert int(rig()["RX_BUFFER_SIZE"]) > longest


def test_the_simulated_firmware_moves_as_the_real_one_is_built_to() -> None:
    built = rig()
    for axis in (X, Y):
        assert float(numbers(built["DEFAULT_MAX_FEEDRATE"])[axis]) == Build().max_speed_deg_s
        limit = float(numbers(built["DEFAULT_MAX_ACCELERATION"])[axis])
        assert limit >= firmware_motion.ACCELERATION_DEG_S2
    for option in ("DEFAULT_ACCELERATION", "DEFAULT_TRAVEL_ACCELERATION"):
        assert float(built[option]) == firmware_motion.ACCELERATION_DEG_S2
    assert int(built["BLOCK_BUFFER_SIZE"]) == motion.PLANNER_SIZE
    shortest = int(built["MIN_STEPS_PER_SEGMENT"])
    assert shortest == firmware_motion.MIN_STEPS_PER_SEGMENT == MIN_SEGMENT


def test_homing_is_as_fast_as_simulated_and_reaches_a_full_turn() -> None:
    built = rig("rig-home-switch.ini", "rig-chute.ini")
    for axis, size in ((X, "X_BED_SIZE"), (Y, "Y_BED_SIZE")):
        feed = re.fullmatch(r"\((\d+)\*60\)", numbers(built["HOMING_FEEDRATE_MM_M"])[axis])
        assert feed is not None
        assert float(feed[1]) == firmware_motion.HOMING_SPEED_DEG_S
        assert int(built[size]) >= 360


@pytest.mark.parametrize(("capability", "option"), list(DECIDED_BY.items()))
def test_the_simulated_firmware_can_do_what_the_real_one_can(capability: str, option: str) -> None:
    assert simulated_capabilities()[capability] == (rig()[option] == "on")
