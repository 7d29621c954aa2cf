"""Which classes are each other's mirror image."""

import pytest

from training.choices.mirrors import mirrored_pairs
from training.choices.recipe import Recipe


@pytest.mark.parametrize(
    ("labels", "pairs"),
    [
        (["3001", "3004"], []),
        (["41747", "3001"], []),
        (["41748", "3001", "41747"], [("41747", "41748")]),
        (["43722b", "43723"], [("43722b", "43723")]),
        (["41747pr0001", "41747", "41748"], [("41747", "41748"), ("41747pr0001", "41748")]),
        (["left", "right"], []),
        ([], []),
    ],
)
def test_pairs(labels: list[str], pairs: list[tuple[str, str]]) -> None:
    assert list(mirrored_pairs(labels)) == pairs


def test_it_is_said_of_a_model_that_nothing_was_mirrored() -> None:
    assert Recipe().in_words(("3001", "41747"))["augmentation"] == "usual"
    assert Recipe().in_words(("41747", "41748"))["augmentation"] == "usual, not mirrored"
