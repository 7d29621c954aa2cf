"""What a sheet asks for: levels, light, gains."""

import numpy as np
import pytest

from rig.calibration.light import Shutter, balanced, linear, see_sheet, target_level
from rig.camera.frame import Reach, Span

REACH = Reach(Span(30, 200_000), Span(1.12, 16), Span(0.1, 16), None, None)
NO_GAIN = Reach(Span(100, 33_000), None, None, Span(2800, 6500), None)
MAINS_50 = Shutter(33_000, 10_000)


@pytest.mark.parametrize(
    ("light_us", "exposure_us", "gain"),
    [
        (500, 446, 1.12),  # too bright for a whole period of the lamp
        (9_000, 8_036, 1.12),
        (14_000, 10_000, 1.4),  # one period, and the rest by gain
        (25_000, 20_000, 1.25),
        (60_000, 30_000, 2.0),
        (1_000_000, 30_000, 8.0),  # all there is
        (1, 30, 1.12),  # the shortest
    ],
)
def test_light_is_made_of_whole_periods_of_the_lamp_and_little_gain(
    light_us: float, exposure_us: int, gain: float
) -> None:
    assert MAINS_50.share_out(light_us, REACH, 1.0) == (exposure_us, gain)


def test_a_sweep_s_short_exposure_is_made_up_by_gain() -> None:
    assert Shutter(3_000, None).share_out(15_000, REACH, 1.0) == (3_000, 5.0)


def test_sixty_hertz_flickers_with_another_period() -> None:
    exposure_us, gain = Shutter(33_000, 1e6 / 120).share_out(30_000, REACH, 1.0)
    assert exposure_us == 25_000
    assert gain == pytest.approx(1.2)


def test_rounding_never_asks_for_less_gain_than_there_is() -> None:
    reach = Reach(Span(30, 200_000), Span(1.1222, 16), None, None, None)
    assert MAINS_50.share_out(5_000, reach, 1.0)[1] == 1.123


def test_a_gain_of_unknown_unit_stays_as_it_is() -> None:
    assert MAINS_50.share_out(14_000 * 30.0, NO_GAIN, 30.0) == (14_000, 30.0)


def test_grey_of_18_percent_is_as_bright_as_white_paper_asks() -> None:
    assert target_level("white") == pytest.approx(215)
    assert linear(target_level("white")) / linear(target_level("grey")) == pytest.approx(0.9 / 0.18)


def test_a_sheet_is_looked_at_in_the_middle() -> None:
    image = np.zeros((120, 160, 3), np.uint8)
    image[35:85, 50:110] = (180, 200, 220)
    sheet = see_sheet(image)
    assert (sheet.blue, sheet.green, sheet.red) == (180, 200, 220)
    assert sheet.level == 220
    assert (sheet.burnt, sheet.is_plain) == (0, True)


def test_what_is_burnt_or_not_plain_is_noticed() -> None:
    image = np.full((120, 160, 3), 200, np.uint8)
    image[50:60, 60:70] = 255
    assert see_sheet(image).burnt == pytest.approx(100 / (40 * 54), rel=0.05)
    image[55:90, 60:100] = 40
    assert not see_sheet(image).is_plain


def test_balanced_gains_bring_all_channels_to_green() -> None:
    pink = see_sheet(np.full((90, 90, 3), (180, 150, 200), np.uint8))
    red, blue = balanced((2.0, 1.5), pink, Span(0.1, 16))
    assert linear(200) * red / 2.0 == pytest.approx(linear(150), rel=0.01)
    assert linear(180) * blue / 1.5 == pytest.approx(linear(150), rel=0.01)
    assert balanced((2.0, 1.5), pink, Span(1.9, 16)) == (1.9, 1.9)
