"""When a picture has come to rest, told from frames of a table that swings after a stop."""

import math
from collections.abc import Callable

import pytest

from rig.calibration.settle import AT_REST_DEG, MoveSettled, Nudge, WatchedFrame, propose, settled
from rig.errors import DeviceError
from tests.calibration.tables import DrawnTable, marker

FRAME_S = 1 / 30
Swing = Callable[[float], float]


def watch(drawn: DrawnTable, swing_deg: Swing, size_deg: float = 45.0, nudge_deg: float = 1.0) -> MoveSettled:
    """Turn a table by `size_deg` and watch it swing: degrees by seconds since the end of motion."""
    times_s = [0.01 + place * FRAME_S for place in range(31)]
    frames = [WatchedFrame(at_s, drawn.picture(size_deg + swing_deg(at_s))) for at_s in times_s]
    ahead, behind = (
        [drawn.picture(size_deg + turn_deg) for _ in range(4)] for turn_deg in (nudge_deg, -nudge_deg)
    )
    return settled(size_deg, drawn.picture(0.0), frames, Nudge(2.0, ahead, behind))


@pytest.fixture
def drawn() -> DrawnTable:
    """A marker off the middle of the table."""
    return DrawnTable(marker(1), middle=(0.1, 0.05))


@pytest.mark.parametrize("size_deg", [5.0, 90.0])
@pytest.mark.parametrize("decay_s", [0.02, 0.045, 0.1])
def test_it_is_at_rest_once_the_swing_is_too_small_to_be_seen(
    drawn: DrawnTable, decay_s: float, size_deg: float
) -> None:
    move = watch(drawn, lambda at_s: 2.0 * math.exp(-at_s / decay_s), size_deg)
    assert move.moving_until_s is not None
    assert move.still_from_s == pytest.approx(move.moving_until_s + FRAME_S)
    # How far the table is from rest is told to a fifth.
    latest_s = decay_s * math.log(2.0 / (0.8 * AT_REST_DEG))
    earliest_s = decay_s * math.log(2.0 / (1.2 * AT_REST_DEG)) - FRAME_S
    assert earliest_s <= move.moving_until_s <= latest_s


@pytest.mark.parametrize("size_deg", [5.0, 45.0, 90.0])
def test_a_swing_is_measured_in_degrees(drawn: DrawnTable, size_deg: float) -> None:
    """As a load on a springy shaft swings: by a few hundredths of a pixel at the mark."""

    def swing_deg(at_s: float) -> float:
        return 0.3 * math.exp(-at_s / 0.045) * math.sin(85 * at_s)

    move = watch(drawn, swing_deg, size_deg)
    assert move.away_deg == pytest.approx([swing_deg(at_s) for at_s in move.after_s], abs=0.03)


def test_a_table_that_stops_dead_is_at_rest_from_the_first_frame(drawn: DrawnTable) -> None:
    move = watch(drawn, lambda at_s: 0.0)
    assert move.moving_until_s is None
    assert move.still_from_s == 0.01
    assert max(map(abs, move.away_deg)) < AT_REST_DEG


def test_a_short_rest_between_two_swings_is_not_the_end(drawn: DrawnTable) -> None:
    move = watch(drawn, lambda at_s: 1.0 if 0.4 < at_s < 0.42 else 0.0)
    assert move.moving_until_s == pytest.approx(0.41)


def test_a_table_that_does_not_come_to_rest_is_an_error(drawn: DrawnTable) -> None:
    with pytest.raises(DeviceError, match="still moves"):
        watch(drawn, lambda at_s: math.sin(40 * at_s))


def test_a_move_that_changes_nothing_is_an_error(drawn: DrawnTable) -> None:
    with pytest.raises(DeviceError, match="does not change when the table turns by 5 degrees") as error:
        watch(drawn, lambda at_s: -5.0, size_deg=5.0)
    assert "lay a part" in error.value.hint


def test_a_table_that_makes_no_small_turn_is_an_error(drawn: DrawnTable) -> None:
    with pytest.raises(DeviceError, match="does not change when the table turns by 2 degrees"):
        watch(drawn, lambda at_s: 0.0, nudge_deg=0.0)


def test_noise_that_hides_what_a_small_turn_does_is_an_error_and_no_guess() -> None:
    hidden = DrawnTable(marker(1), cell_share=0.01, middle=(0.1, 0.05), noise=6.0)
    with pytest.raises(DeviceError, match="still moves") as error:
        watch(hidden, lambda at_s: 0.0)
    assert "stands out more" in error.value.hint


def _move(still_from_s: float) -> MoveSettled:
    return MoveSettled(5.0, (0.0, still_from_s), (0.1, 0.0), 0.0, still_from_s)


@pytest.mark.parametrize(
    ("still_from_s", "frame_s", "settle_s"),
    [([0.03, 0.121], 0.033, 0.15), ([0.15], 0.033, 0.15), ([0.151], 0.033, 0.2), ([0.001], 0.12, 0.15)],
)
def test_the_proposal_covers_the_slowest_move_and_at_least_a_frame(
    still_from_s: list[float], frame_s: float, settle_s: float
) -> None:
    assert propose([_move(at_s) for at_s in still_from_s], frame_s) == settle_s
