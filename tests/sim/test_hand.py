from collections import Counter

import numpy as np
import pytest

from rig.catalog import COLOURS, PartNumber
from rig.errors import BadInput
from rig.sim.hand import SimulatedHand
from rig.sim.poses import resting_poses
from tests.sim.desk import lit_world

BRICK = PartNumber("3001")


def test_a_fresh_brick_for_pose_0_and_the_same_one_on_other_sides_after() -> None:
    world = lit_world()
    hand = SimulatedHand(world, np.random.default_rng(0))
    bricks, sides = [], []
    for pose in range(4):
        bricks.append(hand.place(BRICK, pose=pose))
        lying = world.part_on_table()
        assert lying is not None
        assert (lying.part, lying.colour) == (BRICK, bricks[-1].colour)
        sides.append(lying.pose)
    assert len(set(bricks)) == 1
    assert len(set(sides)) == 4
    assert hand.place(BRICK, pose=0).physical_part != bricks[0].physical_part


def test_a_physical_part_is_named_after_part_and_colour() -> None:
    placed = SimulatedHand(lit_world(), np.random.default_rng(0)).place(BRICK, pose=0)
    assert placed.colour in COLOURS
    assert placed.physical_part is not None
    assert placed.physical_part.startswith(f"3001-c{placed.colour}-")


def test_after_all_sides_it_begins_again() -> None:
    world = lit_world()
    hand = SimulatedHand(world, np.random.default_rng(0))
    count = len(resting_poses(BRICK))
    for pose in range(2 * count):
        hand.place(BRICK, pose=pose)
    assert world.part_on_table() is not None


def test_bricks_come_to_rest_as_often_as_their_poses_say() -> None:
    world = lit_world()
    hand = SimulatedHand(world, np.random.default_rng(5))
    drops = Counter()
    for _ in range(800):
        hand.place(BRICK, pose=0)
        lying = world.part_on_table()
        assert lying is not None
        assert np.abs(lying.offset_mm).max() <= 7
        drops[lying.pose] += 1
    for index, pose in enumerate(resting_poses(BRICK)):
        assert drops[index] / 800 == pytest.approx(pose.probability, abs=0.06)


def test_same_seed_same_bricks() -> None:
    def bricks(seed: int) -> list[object]:
        world = lit_world()
        hand = SimulatedHand(world, np.random.default_rng(seed))
        return [(hand.place(BRICK, pose=0), world.part_on_table()) for _ in range(5)]

    assert bricks(1) == bricks(1)
    assert bricks(1) != bricks(2)


def test_a_pile_comes_part_by_part_with_a_gap_and_does_not_end() -> None:
    world = lit_world()
    hand = SimulatedHand(world, np.random.default_rng(0))
    parts = [BRICK, PartNumber("3039")]
    hand.pour(parts)
    seen = Counter()
    for _ in range(200):
        assert hand.true_part() is None
        world.clock.sleep(0.51)
        truth = hand.true_part()
        assert truth is not None
        assert truth == hand.true_part()
        seen[truth] += 1
        world.turn_servo(1, 110)
    assert set(seen) == set(parts)
    assert min(seen.values()) > 60


def test_a_part_unknown_to_the_simulator_is_refused_with_the_known_ones() -> None:
    hand = SimulatedHand(lit_world(), np.random.default_rng(0))
    for attempt in (lambda: hand.place(PartNumber("3005"), pose=0), lambda: hand.pour([PartNumber("3005")])):
        with pytest.raises(BadInput, match="3005") as refused:
            attempt()
        assert "3001" in refused.value.hint
        assert "32064" in refused.value.hint


def test_an_empty_pile_is_refused() -> None:
    with pytest.raises(BadInput):
        SimulatedHand(lit_world(), np.random.default_rng(0)).pour([])
