"""The lamp over the table, on a MOSFET output of the board."""

from rig.config import LightConfig
from rig.marlin.controller import Marlin


class Light:
    """A lamp; where `[light]` names no pin it is always on and switching it does nothing.

    At rest it is off.
    """

    def __init__(self, marlin: Marlin, config: LightConfig) -> None:
        self._marlin = marlin
        self._config = config

    def on(self) -> None:
        """Light the table at the configured brightness."""
        self._write(self._config.brightness)

    def off(self) -> None:
        """Go to rest."""
        self._write(0)

    def _write(self, value: int) -> None:
        if self._config.pin is not None:
            self._marlin.write_pin(self._config.pin, value)
