"""What the epochs so far decide: which was the best, when to end, when nothing is learnt."""

from collections.abc import Sequence

import pytest

from training.choices.recipe import Phase, Recipe
from training.events import EpochDone
from training.fitting.history import has_collapsed, is_best, is_out_of_patience


def _epochs(losses: Sequence[float | None], *, kept: str = "", one_class: str = "") -> tuple[EpochDone, ...]:
    """So many epochs; those whose number, from 1, is in a string were kept, or named one class only."""
    return tuple(
        EpochDone(
            stage="final",
            epoch=number,
            epochs=len(losses),
            size_px=32,
            loss=1.0,
            top1=0.5,
            validation_loss=loss,
            validation_top1=None if loss is None else 0.5,
            kept=str(number) in kept,
            learning_rate=1e-3,
            one_class=str(number) in one_class,
        )
        for number, loss in enumerate(losses, start=1)
    )


def test_the_best_is_the_lowest_validation_loss_of_those_that_were_kept() -> None:
    assert is_best((), 5.0)
    epochs = _epochs([0.1, 0.9, 1.2], kept="2")  # the first was at a small size
    assert is_best(epochs, 0.8)
    assert not is_best(epochs, 0.9)


def test_without_validation_the_latest_is_the_best() -> None:
    assert is_best(_epochs([None, None], kept="2"), None)


@pytest.mark.parametrize(("kept", "over"), [("3", True), ("4", False), ("", False), ("12345", False)])
def test_patience_counts_the_epochs_since_the_best(kept: str, over: bool) -> None:
    epochs = _epochs([1.0] * 5, kept=kept)
    assert is_out_of_patience(epochs, 2) == over
    assert not is_out_of_patience(epochs, None)


@pytest.mark.parametrize(
    ("total", "one_class", "collapsed"),
    [
        (8, "345", True),
        (8, "2345", True),
        (8, "1245", False),  # not in a row
        (8, "1234", False),  # over again
        (8, "45", False),
        (40, "2345", False),  # the warm-up, and too few for so long a run
    ],
)
def test_collapse_is_one_class_in_a_row_after_the_warm_up(
    total: int, one_class: str, collapsed: bool
) -> None:
    recipe = Recipe(phases=(Phase(32, total),))
    assert has_collapsed(_epochs([1.0] * 5, one_class=one_class), recipe) == collapsed


def test_the_warm_up_is_never_a_collapse() -> None:
    epochs = _epochs([1.0] * 3, one_class="123")
    assert not has_collapsed(epochs, Recipe(phases=(Phase(32, 3),)))
