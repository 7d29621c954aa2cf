"""Deal groups to train, validation and test: whole physical parts and sessions, never single images."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from rig.dataset.layout import SPLITS
from rig.errors import BadInput

# With few groups, to learn comes first, to be tested next, and to choose among checkpoints last.
_FIRST_SERVED = ("train", "test", "validation")


@dataclass(frozen=True)
class Shares:
    """Shares of the images that each split shall get, 0 to 1; they add up to 1, and train gets some."""

    train: float
    validation: float
    test: float

    def __post_init__(self) -> None:
        shares = (self.train, self.validation, self.test)
        if not all(0 <= share <= 1 for share in shares) or not self.train or abs(sum(shares) - 1) > 1e-6:
            raise BadInput(
                f"{','.join(f'{share:g}' for share in shares)} are no shares of {', '.join(SPLITS)}",
                hint="three numbers that add up to 1, the first above 0, such as 0.7,0.15,0.15",
            )

    def of(self, split: str) -> float:
        """The share of a split by its name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[split]


def deal_splits(sizes: Mapping[str, int], shares: Shares, seed: int) -> dict[str, str]:
    """Deal the groups of one class.

    Every split first gets the group that comes nearest to its share, as long as there are some; then each
    next one goes where most is lacking. A single group trains: nothing honest could be tested. The order is
    drawn from the seed and the names of the groups alone: a class is dealt alike whatever else is exported.

    Args:
        sizes: images in each group, by its name.

    Returns:
        The split of each group.
    """
    served = [split for split in _FIRST_SERVED if shares.of(split) > 0]
    total = sum(sizes.values())
    dealt: dict[str, str] = {}
    filled = dict.fromkeys(served, 0)
    left = sorted(sizes, key=lambda group: _draw(seed, group))
    for split in served[: len(left)]:
        wanted = shares.of(split) * total
        group = min(left, key=lambda group: abs(sizes[group] - wanted))
        left.remove(group)
        dealt[group] = split
        filled[split] += sizes[group]
    for group in left:
        split = max(served, key=lambda split: shares.of(split) * total - filled[split])
        dealt[group] = split
        filled[split] += sizes[group]
    return dealt


def _draw(seed: int, group: str) -> bytes:
    return hashlib.sha256(f"{seed}/{group}".encode()).digest()
