"""Means are weighed as they should be from the first value on."""

import pytest

from training.smoothing import smoothed


def test_smoothing_is_not_drawn_to_zero_at_its_beginning() -> None:
    assert smoothed([2.0, 2.0, 2.0], 0.6) == pytest.approx([2.0, 2.0, 2.0])
    assert smoothed([0.0, 1.0], 0.6) == pytest.approx([0.0, 0.4 / 0.64])
