"""What a measured turn is taken to mean."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rig.calibration.steps import MICROSTEPPINGS, explain, judge
from rig.config import AxisConfig

microsteppings = st.sampled_from(MICROSTEPPINGS)


@given(microsteppings, microsteppings, st.sampled_from([1.0, 3.0, 9.0]), st.floats(-0.0015, 0.0015))
def test_a_driver_that_steps_otherwise_is_recognised(
    configured: int, real: int, gear_ratio: float, error: float
) -> None:
    config = AxisConfig(microsteps_per_step=configured, gear_ratio=gear_ratio)
    verdict = judge(360 * real / configured * (1 + error), 0.1, config)
    assert verdict.meaning == ("right" if real == configured else "microstepping")
    assert (verdict.microsteps_per_step, verdict.gear_ratio) == (real, gear_ratio)
    assert float(verdict.steps_per_deg) == pytest.approx(200 * real * gear_ratio / 360, abs=1e-6)


@pytest.mark.parametrize(
    ("commanded_deg", "gear_ratio", "steps_per_deg"),
    [
        (1080.1, 3.0, "26.666667"),
        (3239.8, 9.0, "80.000000"),
        (900.2, 2.5, "22.222222"),
        (216, 0.6, "5.333333"),
    ],
)
def test_gears_that_were_forgotten_are_named_by_the_simplest_ratio(
    commanded_deg: float, gear_ratio: float, steps_per_deg: str
) -> None:
    verdict = judge(commanded_deg, 0.15, AxisConfig())
    assert (verdict.meaning, verdict.gear_ratio) == ("gear", gear_ratio)
    assert verdict.steps_per_deg == steps_per_deg


@given(st.floats(10, 3500))
def test_what_is_to_be_set_is_accepted_and_makes_the_table_turn_right(commanded_deg: float) -> None:
    verdict = judge(commanded_deg, 0.1, AxisConfig())
    assume(verdict.meaning != "right")
    mended = AxisConfig(microsteps_per_step=verdict.microsteps_per_step, gear_ratio=verdict.gear_ratio)
    microsteps_per_real_turn = commanded_deg * AxisConfig().microsteps_per_turn / 360
    tolerance = max(0.002 * mended.microsteps_per_turn, 4 * 0.1 * 3200 / 360, 0.5)
    assert mended.microsteps_per_turn == pytest.approx(microsteps_per_real_turn, abs=tolerance)


def test_a_small_error_is_not_explained_away() -> None:
    assert judge(361.5, 0.1, AxisConfig()).meaning == "gear"
    assert judge(360.2, 0.1, AxisConfig()).meaning == "right"


def test_the_words_name_what_to_set() -> None:
    config = AxisConfig()
    assert explain(judge(360.02, 0.1, config), config).endswith("the driver steps at 1/16, as rig.toml says.")
    counterfeit = explain(judge(180.0, 0.1, config), config)
    assert "720.00 ± 0.40 degrees for 360" in counterfeit
    assert "microsteps_per_step = 8" in counterfeit
    assert "4.444444 for X in DEFAULT_AXIS_STEPS_PER_UNIT" in counterfeit
    assert "gear_ratio = 3 in [turntable]" in explain(judge(1080.0, 0.1, config), config)
