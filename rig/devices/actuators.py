"""What brings a part from the table into a bin."""

from typing import Protocol

from rig.clock import Clock
from rig.config import ActuatorConfig
from rig.marlin.controller import Marlin


class Actuator(Protocol):
    """Brings the part that lies on the table into a bin."""

    def drop(self, chute_deg: float) -> None:
        """Bring the part into the bin at this angle of the chute, and return to rest."""
        ...

    def rest(self) -> None:
        """Return to the rest position."""
        ...


class ServoGate:
    """One servo aims the chute at a bin, another sweeps the part off the table.

    At rest the sweeper is drawn back; the chute stays where it is.
    """

    def __init__(self, marlin: Marlin, config: ActuatorConfig, clock: Clock) -> None:
        self._marlin = marlin
        self._config = config
        self._clock = clock

    def drop(self, chute_deg: float) -> None:
        """Aim, sweep, draw back. The table stands still before the chute turns."""
        self._marlin.wait_for_motion()
        self._turn(self._config.chute_servo, chute_deg)
        self._turn(self._config.sweeper_servo, self._config.sweeper_push_deg)
        self.rest()

    def rest(self) -> None:
        """Draw the sweeper back."""
        self._turn(self._config.sweeper_servo, self._config.sweeper_rest_deg)

    def _turn(self, servo: int, angle_deg: float) -> None:
        self._marlin.turn_servo(servo, angle_deg)
        self._clock.sleep(self._config.travel_s)
