"""Where a part that left the simulated table came to lie."""

from collections.abc import Sequence

from rig.bin_config import BinConfig
from rig.devices.operator import Fate, Outcome, Truth
from rig.sim.passages import FallenPart, Passage

# Half the width of a bin, as seen from the chute's axis: bins stand 16 degrees apart by default.
_HALF_BIN_DEG = 8.0


def fate_of(number: int, passage: Passage, truth: Truth, bins: Sequence[BinConfig]) -> Fate:
    """The fate of the `number`-th part (from 0) that the feeder has laid on the table.

    Args:
        bins: found by where the chute pointed, in degrees from where it stood at power-on, or by the jet that
            opened.
    """
    fallen = passage.fallen
    bin_name = None if fallen is None else _bin_below(fallen, bins)
    outcome: Outcome
    if fallen is None:
        outcome = "stayed"
    elif bin_name is None:
        outcome = "missed"
    else:
        outcome = "bounced" if passage.feed.bounces else "in_bin"
    left_s = None if fallen is None else fallen.at_s
    colour = passage.feed.lying.colour
    return Fate(number, truth, colour, passage.laid_s, passage.pushes, left_s, outcome, bin_name)


def _bin_below(fallen: FallenPart, bins: Sequence[BinConfig]) -> str | None:
    if fallen.jet_pin is not None:
        return next((bin_.name for bin_ in bins if bin_.jet_pin == fallen.jet_pin), None)
    if fallen.chute_deg is None:
        return None
    off_deg = {
        bin_.name: abs(bin_.chute_deg - fallen.chute_deg) for bin_ in bins if bin_.chute_deg is not None
    }
    nearest = min(off_deg, key=off_deg.__getitem__, default=None)
    return nearest if nearest is not None and off_deg[nearest] < _HALF_BIN_DEG else None
