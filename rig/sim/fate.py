"""What became of every part that the simulated feeder laid on the table: the truth, for tests and figures."""

from dataclasses import dataclass
from enum import Enum

from rig.catalog import ColourCode
from rig.config import BinConfig, Config
from rig.sim.pieces import Piece
from rig.sim.world import FallenPart, Passage, World

# Half the width of a bin, as seen from the chute's axis: bins stand 16 degrees apart by default.
_HALF_BIN_DEG = 8.0


class Outcome(Enum):
    """How a part's way ended."""

    IN_BIN = "in a bin"
    MISSED = "fell where no bin is"
    BOUNCED = "sprang out of the bin"
    STAYED = "lies on the table, or was taken away by hand"


@dataclass(frozen=True)
class Fate:
    """A part's way through the rig.

    Attributes:
        laid_s: when it came to lie on the table, on the world's clock.
        pushes: how many sweeps or puffs of air it met.
        left_s: when it left the table; None when it stayed.
        bin_name: the bin that it lies in, or sprang out of.
    """

    piece: Piece
    colour: ColourCode
    laid_s: float
    pushes: int
    left_s: float | None
    outcome: Outcome
    bin_name: str | None


def fates(world: World, config: Config) -> tuple[Fate, ...]:
    """The fate of everything that the feeder has laid on the table, in order.

    Bins are found by where the chute pointed, in degrees from where it stood at power-on, or by the jet that
    opened; lines of G-code tell neither, so that parts that such lines drop count as missed.
    """
    return tuple(_fate(passage, config) for passage in world.passages())


def _fate(passage: Passage, config: Config) -> Fate:
    lying, fallen = passage.feed.lying, passage.fallen
    bin_name = None if fallen is None else _bin_below(fallen, config.bins)
    if fallen is None:
        outcome = Outcome.STAYED
    elif bin_name is None:
        outcome = Outcome.MISSED
    else:
        outcome = Outcome.BOUNCED if passage.feed.bounces else Outcome.IN_BIN
    left_s = None if fallen is None else fallen.at_s
    return Fate(Piece.of(lying.part), lying.colour, passage.laid_s, passage.pushes, left_s, outcome, bin_name)


def _bin_below(fallen: FallenPart, bins: tuple[BinConfig, ...]) -> str | None:
    if fallen.jet_pin is not None:
        return next((bin_.name for bin_ in bins if bin_.jet_pin == fallen.jet_pin), None)
    if fallen.chute_deg is None:
        return None
    off_deg = {
        bin_.name: abs(bin_.chute_deg - fallen.chute_deg) for bin_ in bins if bin_.chute_deg is not None
    }
    nearest = min(off_deg, key=off_deg.__getitem__, default=None)
    return nearest if nearest is not None and off_deg[nearest] < _HALF_BIN_DEG else None
