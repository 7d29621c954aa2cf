"""What rig.toml makes of the simulated desk: the world, and the board that drives it."""

import re
from collections.abc import Callable, Iterable

from rig.clock import Clock
from rig.config import (
    AirJetsConfig,
    AxisConfig,
    Config,
    GcodeConfig,
    ServoGateConfig,
    StepperChuteConfig,
)
from rig.feeder_config import FeederConfig, GcodeFeederConfig, HandFeederConfig, PinFeederConfig
from rig.sim import servo
from rig.sim.build import Build
from rig.sim.faults import FaultyBoard, Strike
from rig.sim.firmware import Firmware
from rig.sim.scenario import load_scenario
from rig.sim.ways import (
    Chute,
    Exit,
    HandRelease,
    PinExit,
    PinRelease,
    Release,
    ServoChute,
    ServoExit,
    ServoRelease,
    StepperChute,
)
from rig.sim.world import World

# Where the endstops are, as a share of a turn before the place at power-on. Any place would do.
_SWITCH_BEFORE_TURN = 1 / 8
# BUFSIZE and RX_BUFFER_SIZE of firmware/rig.ini.
COMMAND_QUEUE = 8
RX_BUFFER = 256
_SERVO_COMMAND = re.compile(r"\s*M280\s+P(\d+)\s+S(\d+(?:\.\d*)?)\s*(?:;.*)?")


def build_world(config: Config, clock: Clock) -> World:
    """The desk that `config` describes, with a table that swings on after a stop."""
    actuator = config.actuator
    chute: Chute | None = None
    exits: list[Exit] = []
    match actuator:
        case ServoGateConfig():
            chute = ServoChute(actuator.chute_servo)
            exits = [ServoExit(actuator.sweeper_servo, actuator.sweeper_push_deg)]
        case StepperChuteConfig():
            chute = StepperChute(actuator.microsteps_per_turn)
            exits = [ServoExit(actuator.sweeper_servo, actuator.sweeper_push_deg)]
        case AirJetsConfig():
            exits = [PinExit(bin_.jet_pin) for bin_ in config.bins if bin_.jet_pin is not None]
        case GcodeConfig():
            lines = [line for bin_ in config.bins for line in bin_.gcode]
            exits = [*(PinExit(pin) for pin in actuator.pins), *(ServoExit(*way) for way in _pushes(lines))]
    return World(
        clock,
        microsteps_per_turn=_true_microsteps_per_turn(config),
        exits=exits,
        chute=chute,
        light_pin=config.light.pin,
        feed_gap_s=config.sim.feed_gap_s,
        backlash_deg=config.sim.backlash_deg,
        rings=True,
        releases=_releases(config.feeder),
    )


def build_firmware(config: Config, world: World) -> Firmware:
    """The board that was flashed for `config`, whatever the driver on it really does."""
    actuator = config.actuator
    y_axis = actuator if isinstance(actuator, StepperChuteConfig) else None
    build = Build(
        command_queue=COMMAND_QUEUE,
        rx_buffer=RX_BUFFER,
        x_steps_per_deg=_steps_per_deg(config.turntable),
        y_steps_per_deg=None if y_axis is None else _steps_per_deg(y_axis),
        home_switch=_switch(config.turntable),
        chute_switch=None if y_axis is None else _switch(y_axis),
    )
    return Firmware(world, build)


def build_board(
    config: Config, world: World, *, on_strike: Callable[[Strike], None] | None = None
) -> FaultyBoard:
    """The board of `build_firmware`, with all the faults that `config` names.

    Args:
        on_strike: called with each fault that strikes, by the thread that runs the board.

    Raises:
        ConfigError: there is no such fault scenario.
    """
    scenario = load_scenario(config.sim.faults)
    firmware = build_firmware(config, world)
    return FaultyBoard(firmware, scenario.faults, clock=world.clock, seed=scenario.seed, on_strike=on_strike)


def _true_microsteps_per_turn(config: Config) -> float:
    table = config.turntable
    true_microsteps = config.sim.driver_microsteps_per_step or table.microsteps_per_step
    return table.microsteps_per_turn * true_microsteps / table.microsteps_per_step


def _steps_per_deg(axis: AxisConfig) -> float:
    return round(axis.microsteps_per_turn / 360.0, 6)


def _switch(axis: AxisConfig) -> int | None:
    return -round(axis.microsteps_per_turn * _SWITCH_BEFORE_TURN) if axis.home == "endstop" else None


def _releases(feeder: FeederConfig) -> list[Release]:
    match feeder:
        case HandFeederConfig():
            return [HandRelease()]
        case PinFeederConfig():
            return [PinRelease(feeder.pin)]
        case GcodeFeederConfig():
            servos = (ServoRelease(*way) for way in _pushes(feeder.release))
            return [*(PinRelease(pin) for pin in feeder.pins), *servos]
    return []


def _pushes(lines: Iterable[str]) -> list[tuple[int, float]]:
    """Which servos such lines move, each with the angle to which they move it furthest: there it pushes."""
    furthest_deg: dict[int, float] = {}
    for line in lines:
        if command := _SERVO_COMMAND.fullmatch(line):
            index, angle_deg = int(command[1]), servo.angle_deg(float(command[2]))
            furthest_deg[index] = max(furthest_deg.get(index, 0.0), angle_deg)
    return list(furthest_deg.items())
