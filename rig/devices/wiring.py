"""What hangs on the board, as rig.toml says."""

from rig.config import Config, ServoGateConfig, StepperChuteConfig, SweeperConfig
from rig.marlin.codec import Axis
from rig.marlin.handshake import Wiring


def wiring_of(config: Config) -> Wiring:
    """What hangs on the board."""
    actuator = config.actuator
    axes = {Axis.X: config.turntable.microsteps_per_turn}
    servos: set[int] = set()
    if isinstance(actuator, StepperChuteConfig):
        axes[Axis.Y] = actuator.microsteps_per_turn
    if isinstance(actuator, SweeperConfig):
        servos.add(actuator.sweeper_servo)
    if isinstance(actuator, ServoGateConfig):
        servos.add(actuator.chute_servo)
    return Wiring(axes, config.output_pins, frozenset(servos))
