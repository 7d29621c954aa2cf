import numpy as np
import pytest

from rig.catalog import PartNumber
from rig.sim.geometry import Mesh
from rig.sim.part_library import EMBEDDED
from rig.sim.parts import PARTS
from tests.sim.rays import height_of, hits, is_open_from_front_to_back, underside_of

STUD_TOP = 11.3
TOP = 9.6
# Studs along x and y.
FOOTPRINTS = {
    "2456": (6, 2),
    "3001": (4, 2),
    "3002": (3, 2),
    "3003": (2, 2),
    "3004": (2, 1),
    "3010": (4, 1),
    "3039": (2, 2),
    "32064": (2, 1),
    "3660": (2, 2),
    "3701": (4, 1),
}


def mesh_of(part: str) -> Mesh:
    return EMBEDDED.mesh(PartNumber(part))


def test_there_are_the_ten_parts() -> None:
    assert set(PARTS) == set(FOOTPRINTS)


@pytest.mark.parametrize("part", FOOTPRINTS)
def test_size_is_that_of_the_system(part: str) -> None:
    columns, rows = FOOTPRINTS[part]
    low, high = mesh_of(part).corners.min(axis=(0, 1)), mesh_of(part).corners.max(axis=(0, 1))
    assert high - low == pytest.approx([8 * columns - 0.2, 8 * rows - 0.2, STUD_TOP], abs=1e-6)
    assert low == pytest.approx(-high * [1, 1, 0], abs=1e-6)


@pytest.mark.parametrize("part", FOOTPRINTS)
def test_no_ray_meets_the_inside_of_the_plastic_first(part: str) -> None:
    mesh = mesh_of(part)
    rng = np.random.default_rng(1)
    met = 0
    for _ in range(250):
        direction = rng.normal(size=3)
        direction /= np.linalg.norm(direction)
        target = rng.uniform((-20, -8, 0), (20, 8, STUD_TOP))
        crossings = hits(mesh, target - 100 * direction, direction)
        if crossings:
            met += 1
            assert crossings[0][1], "the ray passed through a gap into the plastic"
            assert not crossings[-1][1], "the ray ended in the plastic"
    assert met > 30


@pytest.mark.parametrize("part", FOOTPRINTS)
def test_shading_normals_agree_with_the_triangles(part: str) -> None:
    corners, normals = mesh_of(part).corners, mesh_of(part).normals
    facings = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facings /= np.linalg.norm(facings, axis=1, keepdims=True)
    assert np.linalg.norm(normals, axis=2) == pytest.approx(1.0)
    assert (normals * facings[:, None]).sum(axis=2).min() > 0.98


@pytest.mark.parametrize("part", ["2456", "3001", "3002", "3003", "3004", "3010"])
def test_a_brick_has_solid_studs_on_a_pitch_of_8_mm(part: str) -> None:
    columns, rows = FOOTPRINTS[part]
    for column in range(columns):
        for row in range(rows):
            x, y = (column + 0.5) * 8 - columns * 4, (row + 0.5) * 8 - rows * 4
            assert height_of(mesh_of(part), x, y) == pytest.approx(STUD_TOP)
            assert height_of(mesh_of(part), x + 3.5, y + 0.1) == pytest.approx(TOP)


def test_a_brick_is_open_below_with_tubes_between_its_studs() -> None:
    assert underside_of(mesh_of("3001"), 11.9, 0.1) == pytest.approx(TOP - 1.0)
    for x in (-8, 0, 8):
        assert underside_of(mesh_of("3001"), x + 2.8, 0.1) == pytest.approx(0)
        assert underside_of(mesh_of("3001"), x + 0.1, 0.1) == pytest.approx(TOP - 1.0)


def test_a_brick_of_one_row_has_a_pin_between_its_studs() -> None:
    assert underside_of(mesh_of("3004"), 0.1, 0.1) == pytest.approx(0)
    assert underside_of(mesh_of("3004"), 4.1, 0.1) == pytest.approx(TOP - 1.0)


def test_3039_slopes_at_45_degrees_in_front_and_has_studs_behind() -> None:
    slope = mesh_of("3039")
    for y in (-7.0, -4.0, -1.0):
        assert height_of(slope, 0.3, y) == pytest.approx(TOP + y, abs=0.01)
    assert height_of(slope, 4.1, 4.1) == pytest.approx(STUD_TOP)
    assert height_of(slope, 0.1, 4.1) == pytest.approx(TOP)


def test_3660_slopes_below_in_front_and_has_hollow_studs_in_a_pocket() -> None:
    inverted = mesh_of("3660")
    for y in (-7.0, -4.0, -1.0):
        assert underside_of(inverted, 0.3, y) == pytest.approx(-y, abs=0.01)
    # Between the front studs one looks into the pocket, whose floor runs along the slope.
    assert height_of(inverted, 0.1, -1.5) == pytest.approx(3.1, abs=0.01)
    assert height_of(inverted, 4.1, -4.1) == pytest.approx(8.0)
    assert height_of(inverted, 4.0 + 2.0, -4.1) == pytest.approx(STUD_TOP)
    assert height_of(inverted, 4.1, 4.1) == pytest.approx(STUD_TOP)


def test_3701_has_three_counterbored_holes_and_hollow_studs() -> None:
    brick = mesh_of("3701")
    for x in (-8, 0, 8):
        for along, up in ((0, 0), (2.2, 0.1), (-2.2, 0.1), (0.1, 2.2), (0.1, -2.2)):
            assert is_open_from_front_to_back(brick, x + along, 5.6 + up)
        assert not is_open_from_front_to_back(brick, x + 2.7, 5.6)
        into_counterbore = hits(brick, np.array([x + 2.7, -100.0, 5.6]), np.array([0.0, 1.0, 0.0]))
        assert into_counterbore[0][0] == pytest.approx(100 - 3.9 + 0.8)
    assert not is_open_from_front_to_back(brick, 4, 5.6)
    assert height_of(brick, 4.1, 0.1) == pytest.approx(TOP)
    assert height_of(brick, 4 + 2.0, 0.1) == pytest.approx(STUD_TOP)


def test_32064_has_one_hole_for_an_axle() -> None:
    brick = mesh_of("32064")
    for along, up in ((0, 0), (2.2, 0), (-2.2, 0), (0, 2.2), (0, -2.2)):
        assert is_open_from_front_to_back(brick, along, 5.6 + up)
    for along, up in ((1.5, 1.5), (-1.5, 1.5), (1.5, -1.5), (-1.5, -1.5), (4, 0), (-4, 0)):
        assert not is_open_from_front_to_back(brick, along, 5.6 + up)
