"""What lays the next part on the empty table: chance, a person who is asked, or a device on the board."""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Protocol

from rig.clock import Clock
from rig.devices.operator import Operator
from rig.feeder_config import (
    AskedFeederConfig,
    FeederConfig,
    GcodeFeederConfig,
    HandFeederConfig,
    NoFeederConfig,
    PinFeederConfig,
)
from rig.marlin.controller import Marlin


class Feeding(Enum):
    """What an empty table means to a feeder."""

    UNKNOWN = "unknown"
    """Nobody can say whether a part will come."""
    COMING = "coming"
    """It was asked for a part, which may still come."""
    EMPTY = "empty"
    """It was asked for one as often as it may be, and none came."""


class Feeder(Protocol):
    """Told what the camera sees of the table; lays one part at a time on it."""

    def table_is_empty(self) -> Feeding:
        """Nothing lies on the table: have the next part come, if that is due.

        Raises:
            DeviceError: the board failed.
        """
        ...

    def part_came(self) -> None:
        """A part lies on the table; the next empty table asks for another."""
        ...

    def rest(self) -> None:
        """Go to rest, from wherever an error or an interrupt has left it."""
        ...


def feeder_for(config: FeederConfig, marlin: Marlin, operator: Operator, clock: Clock) -> Feeder:
    """The feeder that `[feeder]` describes; lines of G-code in it have been checked."""
    match config:
        case NoFeederConfig():
            return Unasked()
        case HandFeederConfig():
            return Asked(config, clock, release=operator.feed, rest=lambda: None)
        case GcodeFeederConfig():
            lines = _Lines(marlin, config)
            return Asked(config, clock, release=lines.release, rest=lines.rest)
        case PinFeederConfig():
            return Asked(
                config,
                clock,
                release=lambda: marlin.pulse_pin(config.pin, config.pulse_s),
                rest=lambda: marlin.write_pin(config.pin, 0),
            )


class Unasked:
    """Parts come by themselves."""

    def table_is_empty(self) -> Feeding:
        return Feeding.UNKNOWN

    def part_came(self) -> None:
        """Nothing changes by that."""

    def rest(self) -> None:
        """There is nothing to bring to rest."""


class Asked:
    """A feeder that is asked for each part, and asked again where none came in time.

    Args:
        release: has the next part come.
        rest: brings the feeder to rest.
    """

    def __init__(
        self,
        config: AskedFeederConfig,
        clock: Clock,
        *,
        release: Callable[[], None],
        rest: Callable[[], None],
    ) -> None:
        self._config = config
        self._clock = clock
        self._release = release
        self._rest = rest
        self._tries = 0
        self._released_s = 0.0

    def table_is_empty(self) -> Feeding:
        if self._tries and self._clock.monotonic() < self._released_s + self._config.retry_s:
            return Feeding.COMING
        if self._tries == self._config.most_tries:
            # Whoever fills it and goes on finds it asked anew.
            self._tries = 0
            return Feeding.EMPTY
        self._release()
        self._tries += 1
        # A person takes as long as it takes; the part is late from here on.
        self._released_s = self._clock.monotonic()
        return Feeding.COMING

    def part_came(self) -> None:
        self._tries = 0

    def rest(self) -> None:
        self._rest()


class _Lines:
    """A feeder that only its builder knows. At rest its pins are off, and its lines for rest carried out."""

    def __init__(self, marlin: Marlin, config: GcodeFeederConfig) -> None:
        self._marlin = marlin
        self._config = config

    def release(self) -> None:
        self._run(self._config.release)

    def rest(self) -> None:
        for pin in self._config.pins:
            self._marlin.write_pin(pin, 0)
        self._run(self._config.rest)

    def _run(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._marlin.run(line)
        self._marlin.wait_for_motion()
