from collections import Counter

import numpy as np
import pytest

from rig.catalog import COLOURS, ColourCode, PartNumber
from rig.devices.operator import Placement, Subject
from rig.errors import BadInput
from rig.sim.hand import SimulatedHand
from rig.sim.part_library import EMBEDDED
from rig.sim.passages import LyingPart
from rig.sim.world import World
from tests.sim.desk import lit_world

BRICK = PartNumber("3001")


def hand_and_world() -> tuple[SimulatedHand, World]:
    world = lit_world()
    return SimulatedHand(world, np.random.default_rng(0)), world


def lying(world: World) -> LyingPart:
    part = world.part_on_table()
    assert part is not None
    return part


def test_the_same_brick_on_another_side_in_each_pose() -> None:
    hand, world = hand_and_world()
    bricks, sides = [], []
    for pose in range(4):
        bricks.append(hand.place(Subject(BRICK), pose=pose))
        assert (lying(world).part, lying(world).colour) == (BRICK, bricks[-1].colour)
        sides.append(lying(world).pose)
    assert len(set(bricks)) == 1
    assert len(set(sides)) == 4
    assert hand.place(Subject(BRICK, seed=1), pose=0).physical_part != bricks[0].physical_part


def test_an_interrupted_session_goes_on_with_the_same_brick_on_the_same_side() -> None:
    """Whatever the hand did before, or another hand did."""
    hand, world = hand_and_world()
    laid = [(hand.place(Subject(BRICK, seed=5), pose=pose), lying(world)) for pose in range(4)]
    hand.place(Subject(PartNumber("3039")), pose=0)
    other, there = hand_and_world()
    for pose in (2, 0, 3):
        assert (hand.place(Subject(BRICK, seed=5), pose=pose), lying(world)) == laid[pose]
        assert (other.place(Subject(BRICK, seed=5), pose=pose), lying(there)) == laid[pose]


def test_a_physical_part_is_named_after_part_and_colour() -> None:
    hand, _ = hand_and_world()
    placed = hand.place(Subject(BRICK), pose=0)
    assert placed.colour in COLOURS
    assert placed.physical_part is not None
    assert placed.physical_part.startswith(f"3001-c{placed.colour}-")


def test_what_the_user_says_is_what_is_laid() -> None:
    hand, world = hand_and_world()
    for seed in range(8):
        subject = Subject(BRICK, ColourCode(14), "my-brick", ("upside-down", "upright", "on-its-side"), seed)
        ups = []
        for pose in range(3):
            assert hand.place(subject, pose=pose) == Placement(BRICK, ColourCode(14), "my-brick")
            assert lying(world).colour == 14
            ups.append(-EMBEDDED.poses(BRICK)[lying(world).pose].down[2])
        assert ups == pytest.approx([-1.0, 1.0, 0.0], abs=1e-6)


def test_a_brick_with_an_id_has_the_same_colour_in_each_session() -> None:
    hand, _ = hand_and_world()
    colours = {
        name: {hand.place(Subject(BRICK, physical_part=name, seed=seed), pose=0).colour for seed in range(6)}
        for name in ("a", "b", "c", "d", "e")
    }
    assert all(len(own) == 1 for own in colours.values())
    assert len(set.union(*colours.values())) > 1


def test_after_all_sides_it_begins_again() -> None:
    hand, world = hand_and_world()
    sides = []
    for pose in range(2 * len(EMBEDDED.poses(BRICK))):
        hand.place(Subject(BRICK), pose=pose)
        sides.append(lying(world).pose)
    assert {sides.count(side) for side in sides} == {2}


def test_bricks_come_to_rest_as_often_as_their_poses_say() -> None:
    hand, world = hand_and_world()
    drops: Counter[int] = Counter()
    for seed in range(800):
        hand.place(Subject(BRICK, seed=seed), pose=0)
        assert np.abs(lying(world).offset_mm).max() <= 7
        drops[lying(world).pose] += 1
    for index, pose in enumerate(EMBEDDED.poses(BRICK)):
        assert drops[index] / 800 == pytest.approx(pose.probability, abs=0.06)


def test_a_pile_comes_part_by_part_with_a_gap_and_does_not_end() -> None:
    world = lit_world()
    hand = SimulatedHand(world, np.random.default_rng(0))
    parts = [BRICK, PartNumber("3039")]
    hand.pour(parts)
    seen: Counter[str] = Counter()
    for _ in range(200):
        assert hand.truth() is None
        world.clock.sleep(0.51)
        truth = hand.truth()
        assert truth is not None
        assert truth == hand.truth()
        assert truth.kind == "sound"
        seen[truth.part] += 1
        world.turn_servo(1, 110)
    assert set(seen) == set(parts)
    assert min(seen.values()) > 60


def test_a_part_unknown_to_the_simulator_is_refused_with_the_known_ones() -> None:
    hand, _ = hand_and_world()
    unknown = PartNumber("3005")
    for attempt in (lambda: hand.place(Subject(unknown), pose=0), lambda: hand.pour([unknown])):
        with pytest.raises(BadInput, match="3005") as refused:
            attempt()
        assert "3001" in refused.value.hint
        assert "32064" in refused.value.hint


@pytest.mark.parametrize(
    ("subject", "what", "hint"),
    [
        (Subject(BRICK, ColourCode(511)), "has no colour 511", "4 Red"),
        (Subject(BRICK, pose_names=("upright", "standing")), "lay a 3001 'standing'", "upside-down"),
        # It would roll over onto its slope.
        (Subject(PartNumber("3039"), pose_names=("upside-down",)), "lay a 3039", "comes to rest"),
    ],
)
def test_what_the_simulator_does_not_have_is_refused_and_not_replaced(
    subject: Subject, what: str, hint: str
) -> None:
    hand, world = hand_and_world()
    with pytest.raises(BadInput, match=what) as refused:
        hand.place(subject, pose=0)
    assert hint in refused.value.hint
    assert world.part_on_table() is None


def test_an_empty_pile_is_refused() -> None:
    with pytest.raises(BadInput):
        SimulatedHand(lit_world(), np.random.default_rng(0)).pour([])
