"""Which classes are each other's mirror image."""

import pytest

from training.choices.mirrors import mirrored_pairs


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
