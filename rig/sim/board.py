"""What stands at the far end of a serial cable, seen from the cable."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Wake:
    """When a board has something to do again, on the world's clock.

    Attributes:
        at_s: infinite when it only waits for bytes.
        working: it carries out a command meanwhile, rather than waiting for one.
    """

    at_s: float
    working: bool


class Board(Protocol):
    """Anything that stands at the far end of a serial cable."""

    def reset(self) -> None:
        """The port was opened (DTR), or the button pressed."""
        ...

    def receive(self, data: bytes) -> None:
        """Bytes have come in."""
        ...

    def run(self) -> Wake:
        """Do all that can be done now."""
        ...

    def take_output(self) -> bytes:
        """What has been said since the last call."""
        ...
