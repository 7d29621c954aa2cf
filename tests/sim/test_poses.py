import numpy as np
import pytest

from rig.catalog import PartNumber
from rig.sim.geometry import fan, lay, level, merge, rectangle, sweep
from rig.sim.hull import convex_hull
from rig.sim.part_library import EMBEDDED
from rig.sim.parts import PARTS
from rig.sim.poses import laid, poses_of

ALL_PARTS = sorted(PARTS)
STUDS_UP = (0.0, 0.0, -1.0)
STUDS_DOWN = (0.0, 0.0, 1.0)


def chance_of(part: str, down: tuple[float, float, float]) -> float:
    poses = EMBEDDED.poses(PartNumber(part))
    return sum(pose.probability for pose in poses if np.allclose(pose.down, down, atol=0.02))


def test_hull_of_a_cube_with_points_inside_it_is_the_cube() -> None:
    corners = np.array([(x, y, z) for x in (0, 2) for y in (0, 2) for z in (0, 2)], dtype=float)
    inside = np.random.default_rng(0).uniform(0.2, 1.8, (50, 3))
    hull = convex_hull(np.concatenate([inside, corners]))
    assert len(hull.faces) == 12
    assert set(hull.faces.ravel()) == set(range(50, 58))


def test_nothing_lies_outside_a_hull() -> None:
    points = np.random.default_rng(0).normal(size=(300, 3))
    hull = convex_hull(points)
    heights = np.einsum("fpi,fi->fp", points[None] - hull.points[hull.faces[:, 0]][:, None], hull.normals)
    assert heights.max() < 0.01
    # Euler: a closed surface of triangles has twice as many faces as corners, less four.
    assert len(hull.faces) == 2 * len(np.unique(hull.faces)) - 4


def test_points_in_a_plane_have_no_hull() -> None:
    with pytest.raises(ValueError, match="plane"):
        convex_hull(np.array([(x, y, 0.0) for x in range(4) for y in range(4)]))


@pytest.mark.parametrize("part", ALL_PARTS)
def test_probabilities_sum_to_one_likeliest_first(part: PartNumber) -> None:
    chances = [pose.probability for pose in EMBEDDED.poses(part)]
    assert sum(chances) == pytest.approx(1)
    assert chances == sorted(chances, reverse=True)
    assert len(chances) >= 4


@pytest.mark.parametrize("part", ALL_PARTS)
def test_a_lying_part_touches_the_table_and_stands_over_what_it_touches(part: PartNumber) -> None:
    for pose in EMBEDDED.poses(part):
        corners = laid(EMBEDDED.mesh(part), pose).corners.reshape(-1, 3)
        assert corners[:, 2].min() == pytest.approx(0, abs=1e-9)
        touching = corners[corners[:, 2] < 0.02]
        # It does not balance on a point or an edge: what it touches spans an area.
        assert np.linalg.svd(touching[:, :2] - touching[:, :2].mean(axis=0))[1].min() > 1.0


@pytest.mark.parametrize("part", ["2456", "3001", "3002", "3003", "3004", "3010", "32064", "3701"])
def test_a_brick_rests_on_its_studs_its_rim_and_evenly_on_both_long_sides(part: str) -> None:
    assert chance_of(part, STUDS_UP) > 0.1
    assert chance_of(part, STUDS_DOWN) > 0.05
    assert chance_of(part, (0, 1, 0)) > 0.08
    assert chance_of(part, (0, 1, 0)) == pytest.approx(chance_of(part, (0, -1, 0)), abs=0.02)


def test_a_flat_brick_rarely_lies_on_its_side_and_a_narrow_one_mostly_does() -> None:
    assert chance_of("3001", STUDS_UP) > chance_of("3001", (0, 1, 0))
    assert chance_of("3010", (0, 1, 0)) > chance_of("3010", STUDS_UP)


@pytest.mark.parametrize(("part", "down"), [("3039", (0, -1, 1)), ("3660", (0, -1, -1))])
def test_slopes_often_rest_on_their_slope(part: str, down: tuple[float, float, float]) -> None:
    assert chance_of(part, tuple(np.array(down) / np.sqrt(2))) > 0.15


def test_a_box_lands_on_a_side_as_often_as_its_middle_sees_it() -> None:
    half = np.array([4.0, 3.0, 2.0])
    x, y, z = half
    outline = rectangle(-x, -y, x, y)
    box = merge(
        sweep(outline, level(-z), 2 * z),
        lay(fan(outline), level(z)),
        lay(fan(outline), level(-z)).inside_out(),
    )
    poses = poses_of(box)
    assert len(poses) == 6
    for pose in poses:
        axis = int(np.abs(pose.down).argmax())
        a, b = np.delete(half, axis)
        distance = half[axis]
        # The solid angle of a rectangle seen from above its middle.
        angle = 4 * np.arcsin(a * b / np.sqrt((a**2 + distance**2) * (b**2 + distance**2)))
        assert np.abs(pose.down)[axis] == pytest.approx(1)
        assert pose.probability == pytest.approx(angle / (4 * np.pi), abs=1e-3)


def test_a_finely_rounded_part_rests_on_some_of_its_many_sides() -> None:
    angle = np.arange(96) * 2 * np.pi / 96
    outline = 10 * np.column_stack([np.cos(angle), np.sin(angle)])
    rod = merge(
        sweep(outline, level(0), 40), lay(fan(outline), level(40)), lay(fan(outline), level(0)).inside_out()
    )
    poses = poses_of(rod)
    assert 8 <= len(poses) <= 40
    assert sum(pose.probability for pose in poses if abs(pose.down[2]) < 0.01) > 0.85
    downs = np.array([pose.down for pose in poses])
    nearest = np.sort(downs @ downs.T, axis=1)[:, -2]
    assert np.degrees(np.arccos(nearest)).min() > 9


def test_a_hull_of_many_points_in_planes_is_that_of_their_corners() -> None:
    grid = np.stack(np.meshgrid(np.arange(60), np.arange(60), [0, 3]), axis=-1).reshape(-1, 3).astype(float)
    hull = convex_hull(grid)
    volume = np.einsum(
        "ij,ij->", hull.points[hull.faces[:, 0]], np.cross(*hull.points[hull.faces[:, 1:]].transpose(1, 0, 2))
    )
    assert volume / 6 == pytest.approx(59 * 59 * 3, rel=1e-3)
