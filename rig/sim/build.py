"""How a simulated Marlin was configured when it was compiled."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Build:
    """Options of the firmware, and the switches that are wired to the board.

    Attributes:
        command_queue: BUFSIZE, lines.
        rx_buffer: RX_BUFFER_SIZE, bytes; what finds it full is lost.
        advanced_ok: each ok says number, planner and queue space (ADVANCED_OK).
        ok_after_resend: stored versions of Marlin differ in this.
        x_steps_per_deg, y_steps_per_deg: DEFAULT_AXIS_STEPS_PER_UNIT; None for what motor and gears imply.
        m114_realtime: M114_REALTIME; without it, `M114 R` answers like M114.
        direct_pin_control: DIRECT_PIN_CONTROL; without it, M42 is an unknown command.
        emergency_parser: EMERGENCY_PARSER; without it, M410 and M112 wait their turn like any other command.
        workspace_offsets: no NO_WORKSPACE_OFFSETS; G92 shifts the coordinates and leaves `Count` as it is.
            Written from Marlin's documentation, not measured.
        servos: NUM_SERVOS.
        stepper_timeout_s: DEFAULT_STEPPER_TIMEOUT_SEC; idle motors are released after so long. 0 for never.
        max_speed_deg_s: DEFAULT_MAX_FEEDRATE of X and Y.
        home_switch, chute_switch: where the switches of X and Y are, in microsteps since power-on; None where
            there is none.
    """

    command_queue: int = 4
    rx_buffer: int = 128
    advanced_ok: bool = True
    ok_after_resend: bool = True
    x_steps_per_deg: float | None = None
    y_steps_per_deg: float | None = None
    m114_realtime: bool = True
    direct_pin_control: bool = True
    emergency_parser: bool = True
    workspace_offsets: bool = False
    servos: int = 4
    stepper_timeout_s: float = 0.0
    max_speed_deg_s: float = 360.0
    home_switch: int | None = None
    chute_switch: int | None = None
