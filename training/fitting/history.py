"""What the epochs so far say: whether the last was the best, whether to go on, whether anything is learnt.

All of it is read from the epochs alone, so that a run that goes on after a kill decides as if nothing had
happened.
"""

from collections.abc import Sequence
from itertools import takewhile

from training.choices.recipe import Recipe
from training.events import EpochDone


def is_best(epochs: Sequence[EpochDone], validation_loss: float | None) -> bool:
    """Whether the epoch after these, with this validation loss, is better than all whose weights were kept.

    Without a loss to go by the latest is taken for the best.
    """
    losses = [epoch.validation_loss for epoch in epochs if epoch.kept and epoch.validation_loss is not None]
    return validation_loss is None or validation_loss < min(losses, default=float("inf"))


def is_out_of_patience(epochs: Sequence[EpochDone], patience: int | None) -> bool:
    """Whether as many epochs as patience lasts have gone by since the best one."""
    if patience is None or not any(epoch.kept for epoch in epochs):
        return False
    return _streak([not epoch.kept for epoch in epochs]) >= patience


def has_collapsed(epochs: Sequence[EpochDone], recipe: Recipe) -> bool:
    """Whether only one class was named in the last `collapse_epochs`, none of them of the warm-up."""
    judged = epochs[recipe.warm_up_epochs :]
    return _streak([epoch.one_class for epoch in judged]) >= collapse_epochs(recipe)


def collapse_epochs(recipe: Recipe) -> int:
    """For how many epochs a network may name one class only: three, or a tenth of all where that is more."""
    return max(3, -(-recipe.epochs // 10))


def _streak(facts: Sequence[bool]) -> int:
    """Of how many of the latest epochs it has been true without a break."""
    return len(list(takewhile(bool, reversed(facts))))
