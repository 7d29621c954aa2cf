"""What the rig needs of the firmware: options of Marlin's `Configuration.h` and `Configuration_adv.h`.

`firmware/rig.ini` sets them all; a test holds the two in agreement.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Requirement:
    """An option that must have a certain value.

    Attributes:
        option: the name after `#define`.
        value: `on`, `off` or what stands behind the name, as in Marlin's ini files.
    """

    option: str
    value: str


# Each with what would be missed.
REQUIREMENTS = (
    # A stop overtakes what is queued.
    Requirement("EMERGENCY_PARSER", "on"),
    # M115 tells what the firmware can do.
    Requirement("EXTENDED_CAPABILITIES_REPORT", "on"),
    # `M114 R` tells where the table is while it turns.
    Requirement("M114_REALTIME", "on"),
    # G92 sets the true position, so that numbers stay small.
    Requirement("NO_WORKSPACE_OFFSETS", "on"),
    # M42 switches the lamp and the air valves.
    Requirement("DIRECT_PIN_CONTROL", "on"),
    # A busy board is told from a dead one.
    Requirement("HOST_KEEPALIVE_FEATURE", "on"),
    # Each ok names the line that it answers.
    Requirement("ADVANCED_OK", "on"),
    # An idle board is silent.
    Requirement("NO_TIMEOUTS", "off"),
    # An idle motor is held, and with it the table's angle.
    Requirement("DEFAULT_STEPPER_TIMEOUT_SEC", "0"),
    # The table turns either way for ever.
    Requirement("MIN_SOFTWARE_ENDSTOPS", "off"),
    Requirement("MAX_SOFTWARE_ENDSTOPS", "off"),
    # A switch that is passed does not end a move.
    Requirement("ENDSTOPS_ALWAYS_ON_DEFAULT", "off"),
    # The rig knows which moves are too short to be made.
    Requirement("MIN_STEPS_PER_SEGMENT", "6"),
)


def requirement(option: str) -> Requirement:
    """The requirement that an option must meet; KeyError where there is none."""
    return {wanted.option: wanted for wanted in REQUIREMENTS}[option]


def steps_per_unit(microsteps_per_turn: int) -> str:
    """One number of DEFAULT_AXIS_STEPS_PER_UNIT for an axis in degrees, e.g. `8.888889` for 3200."""
    return f"{microsteps_per_turn / 360.0:.6f}"
