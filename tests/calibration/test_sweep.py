"""Small turns between two sweeps of pictures, finer than a microstep."""

import numpy as np
import pytest

from rig.calibration.likeness import Likeness, rest
from rig.calibration.sweep import LEAST_CORRELATION, Sweep, match, sweep_of
from tests.calibration.tables import HEIGHT_PX, WIDTH_PX, DrawnTable, marker

NOISE = 1.5
STEP_DEG = 0.5
EVERYWHERE = np.ones((HEIGHT_PX, WIDTH_PX), np.bool_)


def sweep(drawn: DrawnTable, centre_deg: float, *, counted_from_deg: float = 0.0) -> Sweep:
    """Five pictures around an angle, which is commanded as if the table stood elsewhere."""
    alike = Likeness(rest([drawn.picture(0.0), drawn.picture(0.0)]), EVERYWHERE)
    angles_deg = [centre_deg + place * STEP_DEG for place in range(-2, 3)]
    pixels = [alike.pixels(drawn.picture(angle_deg)) for angle_deg in angles_deg]
    return sweep_of([angle_deg - counted_from_deg for angle_deg in angles_deg], pixels)


@pytest.mark.parametrize("offset_deg", [-0.5, -0.13, 0.0, 0.04, 0.27])
def test_the_turn_between_two_sweeps_is_found(offset_deg: float) -> None:
    drawn = DrawnTable(marker(7), middle=(0.1, 0.0), noise=NOISE)
    start = sweep(drawn, 0.0)
    # It says that it is at 400 degrees and stands a little beyond 360.
    found = match(start, sweep(drawn, 360 + offset_deg, counted_from_deg=-40.0), NOISE**2)
    assert found.angle_deg == pytest.approx(400, abs=0.03)
    assert found.correlation > 0.7
    assert found.unlike < 5.0
    assert found.scatter_deg < 0.2


def test_what_does_not_turn_alike_does_not_correlate() -> None:
    start = sweep(DrawnTable(marker(7), noise=NOISE), 0.0)
    found = match(start, sweep(DrawnTable(marker(8), noise=NOISE), 90.0), NOISE**2)
    assert found.correlation < LEAST_CORRELATION
    assert found.unlike > 100


def test_noise_alone_is_no_difference() -> None:
    drawn = DrawnTable(marker(7), noise=8.0)
    found = match(sweep(drawn, 0.0), sweep(drawn, 0.0), 8.0**2)
    assert found.unlike < 0.05 * 8.0**2
    assert found.angle_deg == pytest.approx(0.0, abs=0.02)
