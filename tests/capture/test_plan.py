"""Plans: where the table stops, what cannot be planned, and what a resumed session finds."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.capture.plan import CapturePlan, close_plan, latest_open_plan, new_plan, save_plan
from rig.catalog import ColourCode
from rig.errors import BadInput, DatasetError


def _plan(steps: int = 72, part: str = "3001") -> CapturePlan:
    return _plan_for(3200, steps, part)


def _plan_for(microsteps_per_turn: int, steps: int = 72, part: str = "3001") -> CapturePlan:
    return new_plan(
        part, steps=steps, poses=1, microsteps_per_turn=microsteps_per_turn, source="simulated", seed=7
    )


@given(steps=st.integers(1, 3200), microsteps_per_turn=st.integers(3200, 100_000))
def test_views_are_distinct_even_and_within_half_a_microstep(steps: int, microsteps_per_turn: int) -> None:
    views = _plan_for(microsteps_per_turn, steps).views()
    positions = [view.microsteps for view in views]
    assert len(set(positions)) == steps
    assert positions[0] == 0
    assert positions[-1] < microsteps_per_turn
    for index, position in enumerate(positions):
        assert abs(position - index * microsteps_per_turn / steps) <= 0.5


@pytest.mark.parametrize("steps", [0, -1, 3201])
def test_steps_that_the_table_cannot_make_are_refused(steps: int) -> None:
    with pytest.raises(BadInput, match=f"steps: {steps} is out of range"):
        _plan(steps)


@pytest.mark.parametrize("part", ["", "../x", "a/b", ".", "..", "a\\b", "3001 ", "-x", "a\0b", "x" * 65, "ä"])
def test_part_numbers_that_could_mean_a_path_are_refused(part: str) -> None:
    with pytest.raises(BadInput, match="part number"):
        _plan(part=part)


def test_the_latest_open_session_is_resumed_until_it_is_closed(tmp_path: Path) -> None:
    plan = _plan()
    save_plan(plan, tmp_path)
    assert latest_open_plan(tmp_path) == plan
    close_plan(plan, tmp_path)
    with pytest.raises(BadInput, match="no unfinished session"):
        latest_open_plan(tmp_path)


def test_a_plan_of_before_there_were_sweeps_is_one_without(tmp_path: Path) -> None:
    path = save_plan(_plan(), tmp_path)
    path.write_text(path.read_text().replace(',\n  "sweep": false', ""))
    assert "sweep" not in path.read_text()
    assert not latest_open_plan(tmp_path).sweep
    path.write_text(path.read_text().replace('"seed": 7', '"seed": 7, "sweep": true'))
    assert latest_open_plan(tmp_path).sweep


@pytest.mark.parametrize(
    ("good", "bad"),
    [("{", "["), ('"3001"', '"../../x"'), ('"steps": 72', '"steps": "72"'), ('"seed"', '"sed"')],
)
def test_a_damaged_plan_is_named(tmp_path: Path, good: str, bad: str) -> None:
    path = save_plan(_plan(), tmp_path)
    path.write_text(path.read_text().replace(good, bad, 1))
    with pytest.raises(DatasetError, match=r"session\.json is damaged"):
        latest_open_plan(tmp_path)


def test_a_plan_under_another_name_is_refused(tmp_path: Path) -> None:
    path = save_plan(_plan(), tmp_path)
    path.rename(tmp_path / ".other.session.json")
    with pytest.raises(DatasetError, match="another session"):
        latest_open_plan(tmp_path)


def test_a_plan_from_before_colours_and_names_of_poses_is_resumed(tmp_path: Path) -> None:
    plan = _plan()
    path = save_plan(plan, tmp_path)
    old = json.loads(path.read_text())
    for added in ("colour", "pose_names", "physical_part"):
        del old[added]
    path.write_text(json.dumps(old))
    assert latest_open_plan(tmp_path) == plan
    assert latest_open_plan(tmp_path).subject.pose_name(0) is None


def test_what_the_user_said_is_in_the_plan(tmp_path: Path) -> None:
    plan = replace(_plan(), colour=ColourCode(4), pose_names=("upright",), physical_part="red-1", poses=2)
    save_plan(plan, tmp_path)
    assert latest_open_plan(tmp_path) == plan
    assert (plan.subject.pose_name(0), plan.subject.pose_name(1)) == ("upright", None)
