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
        why: a clause.
        capability: its name in the `Cap:` lines of M115, None where M115 does not tell it.
    """

    option: str
    value: str
    why: str
    capability: str | None = None


REQUIREMENTS = (
    Requirement(
        "EMERGENCY_PARSER",
        "on",
        "a stop overtakes what is queued",
        capability="EMERGENCY_PARSER",
    ),
    Requirement("EXTENDED_CAPABILITIES_REPORT", "on", "M115 tells what the firmware can do"),
    Requirement("M114_REALTIME", "on", "`M114 R` tells where the table is while it turns"),
    Requirement("NO_WORKSPACE_OFFSETS", "on", "G92 sets the true position, so that numbers stay small"),
    Requirement("DIRECT_PIN_CONTROL", "on", "M42 switches the lamp and the air valves"),
    Requirement("HOST_KEEPALIVE_FEATURE", "on", "a busy board is told from a dead one"),
    Requirement("ADVANCED_OK", "on", "each ok names the line that it answers"),
    Requirement("NO_TIMEOUTS", "off", "an idle board is silent"),
    Requirement("DEFAULT_STEPPER_TIMEOUT_SEC", "0", "an idle motor is held, and with it the table's angle"),
    Requirement("MIN_SOFTWARE_ENDSTOPS", "off", "the table turns backward for ever"),
    Requirement("MAX_SOFTWARE_ENDSTOPS", "off", "the table turns forward for ever"),
    Requirement("ENDSTOPS_ALWAYS_ON_DEFAULT", "off", "a switch that is passed does not end a move"),
    Requirement("MIN_STEPS_PER_SEGMENT", "6", "the rig knows which moves are too short to be made"),
)


def requirement(option: str) -> Requirement:
    """The requirement that an option must meet; KeyError where there is none."""
    return {wanted.option: wanted for wanted in REQUIREMENTS}[option]


def steps_per_unit(microsteps_per_turn: int) -> str:
    """One number of DEFAULT_AXIS_STEPS_PER_UNIT for an axis in degrees, e.g. `8.888889` for 3200."""
    return f"{microsteps_per_turn / 360.0:.6f}"
