"""The peak of a focus curve."""

import numpy as np
import pytest

from rig.calibration.focus import FocusPoint, contrast, sharpest


def _curve(peak: float, positions: list[float], base: float = 1.0) -> list[FocusPoint]:
    return [FocusPoint(at, base + 4.0 / (1 + (at - peak) ** 2)) for at in positions]


def test_the_peak_is_found_between_the_positions() -> None:
    assert sharpest(_curve(8.63, [0, 3, 6, 9, 12, 15, 8.0, 8.5, 9.0, 9.5])) == pytest.approx(8.63, abs=0.06)


def test_the_end_of_the_lens_s_way_may_be_the_peak() -> None:
    assert sharpest(_curve(16.0, [0, 5, 10, 15])) == 15


def test_positions_seen_twice_count_once() -> None:
    assert sharpest(_curve(9.0, [6, 7.5, 9, 9, 9, 10.5, 12])) == pytest.approx(9.0)


def test_a_flat_curve_has_no_peak() -> None:
    assert sharpest(_curve(9.0, [0, 3, 6, 9, 12], base=30.0)) is None


def test_noise_is_no_contrast() -> None:
    rng = np.random.default_rng(1)
    plain = np.clip(rng.normal(150, 2, (100, 100, 3)), 0, 255).astype(np.uint8)
    edge = plain.copy()
    edge[30:70, 30:70] //= 2
    assert contrast(edge, None) > 5 * contrast(plain, None)
