"""What brings a part from the table into a bin: a chute and a sweeper, air jets, or lines of G-code."""

from collections.abc import Sequence
from typing import Protocol

from rig.bin_config import BinConfig
from rig.clock import Clock
from rig.config import (
    ActuatorConfig,
    AirJetsConfig,
    GcodeConfig,
    ServoGateConfig,
    StepperChuteConfig,
    SweeperConfig,
)
from rig.devices.axis import SteppedAxis
from rig.marlin.codec import Axis
from rig.marlin.controller import Marlin


class Actuator(Protocol):
    """Brings the part that lies on the table into a bin; the table stands still before anything moves."""

    def prepare(self) -> None:
        """Find out where it stands, where that has to be known, and go to rest."""
        ...

    def drop(self, target: BinConfig) -> None:
        """Bring the part into a bin, and leave the table clear to be looked at.

        Raises:
            PositionUnknown: it has to be prepared again.
        """
        ...

    def rest(self) -> None:
        """Return to the rest position, from wherever an error or an interrupt has left it."""
        ...


def actuator_for(config: ActuatorConfig, bins: Sequence[BinConfig], marlin: Marlin, clock: Clock) -> Actuator:
    """The actuator that `[actuator]` describes; lines of G-code in it have been checked."""
    match config:
        case ServoGateConfig():
            return ServoGate(marlin, config, clock)
        case StepperChuteConfig():
            return StepperChute(marlin, config, clock)
        case AirJetsConfig():
            return AirJets(marlin, config, bins, clock)
        case GcodeConfig():
            return GcodeLines(marlin, config)


class Sweeper:
    """A servo that sweeps the part off the table. At rest it is drawn back."""

    def __init__(self, marlin: Marlin, config: SweeperConfig, clock: Clock) -> None:
        self._marlin = marlin
        self._config = config
        self._clock = clock

    def sweep(self) -> None:
        """Push, and draw back."""
        self.turn(self._config.sweeper_servo, self._config.sweeper_push_deg)
        self.rest()

    def rest(self) -> None:
        """Draw back."""
        self.turn(self._config.sweeper_servo, self._config.sweeper_rest_deg)

    def turn(self, servo: int, angle_deg: float) -> None:
        """Turn a servo and wait until it is there."""
        self._marlin.turn_servo(servo, angle_deg)
        self._clock.sleep(self._config.travel_s)


class ServoGate:
    """One servo aims the chute at a bin, another sweeps. At rest the chute points to `chute_rest_deg`."""

    def __init__(self, marlin: Marlin, config: ServoGateConfig, clock: Clock) -> None:
        self._marlin = marlin
        self._sweeper = Sweeper(marlin, config, clock)
        self._chute_servo = config.chute_servo
        self._chute_rest_deg = config.chute_rest_deg

    def prepare(self) -> None:
        self.rest()

    def drop(self, target: BinConfig) -> None:
        assert target.chute_deg is not None, "the configuration was checked"
        self._marlin.wait_for_motion()
        self._sweeper.turn(self._chute_servo, target.chute_deg)
        self._sweeper.sweep()

    def rest(self) -> None:
        self._sweeper.rest()
        self._sweeper.turn(self._chute_servo, self._chute_rest_deg)


class StepperChute:
    """A chute on Marlin's Y axis, and a servo that sweeps. At rest the chute points to `rest_deg`.

    After a drop it points where it did, since the next look does not wait for it. A chute whose position is
    unknown stays where it is: it has to be prepared again.
    """

    def __init__(self, marlin: Marlin, config: StepperChuteConfig, clock: Clock) -> None:
        self._marlin = marlin
        self._axis = SteppedAxis(marlin, Axis.Y, config, "chute")
        self._sweeper = Sweeper(marlin, config, clock)
        self._rest_deg = config.rest_deg

    def prepare(self) -> None:
        self._sweeper.rest()
        self._axis.find_zero()
        self.rest()

    def drop(self, target: BinConfig) -> None:
        assert target.chute_deg is not None, "the configuration was checked"
        self._marlin.wait_for_motion()
        self._axis.go_to(self._axis.nearest(target.chute_deg))
        self._sweeper.sweep()

    def rest(self) -> None:
        self._sweeper.rest()
        if self._axis.recall():
            self._axis.go_to(self._axis.nearest(self._rest_deg))


class AirJets:
    """A valve for each bin, which blows the part into it. At rest all valves are closed."""

    def __init__(
        self, marlin: Marlin, config: AirJetsConfig, bins: Sequence[BinConfig], clock: Clock
    ) -> None:
        self._marlin = marlin
        self._config = config
        self._pins = sorted(bin_.jet_pin for bin_ in bins if bin_.jet_pin is not None)
        self._clock = clock

    def prepare(self) -> None:
        self.rest()

    def drop(self, target: BinConfig) -> None:
        assert target.jet_pin is not None, "the configuration was checked"
        self._marlin.wait_for_motion()
        self._marlin.pulse_pin(target.jet_pin, self._config.pulse_s)
        self._clock.sleep(self._config.fall_s)

    def rest(self) -> None:
        for pin in self._pins:
            self._marlin.write_pin(pin, 0)


class GcodeLines:
    """A machine that only its builder knows: lines of G-code for each bin, and lines that end in rest.

    At rest its pins are off, and its lines for rest have been carried out.
    """

    def __init__(self, marlin: Marlin, config: GcodeConfig) -> None:
        self._marlin = marlin
        self._rest_lines = config.rest
        self._pins = config.pins

    def prepare(self) -> None:
        self.rest()

    def drop(self, target: BinConfig) -> None:
        self._marlin.wait_for_motion()
        self._run(target.gcode)
        self.rest()

    def rest(self) -> None:
        for pin in self._pins:
            self._marlin.write_pin(pin, 0)
        self._run(self._rest_lines)

    def _run(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._marlin.run(line)
        self._marlin.wait_for_motion()
