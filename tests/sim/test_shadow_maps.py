"""Where lamps reach a part: what their depth maps say of its skin, against rays that ask the part itself."""

from dataclasses import dataclass

import numpy as np
import pytest

from rig.catalog import PartNumber
from rig.sim.bake import BakedPart, bake, light_maps
from rig.sim.geometry import Floats, fan, lay, level, merge, rectangle, sweep
from rig.sim.part_library import EMBEDDED
from rig.sim.part_view import lit_share
from rig.sim.parts import PARTS
from rig.sim.quality import FAST
from rig.sim.raster import Floats32

_PLACES = 150
# A lamp that is lower above a face gives it so little that its shadows are not seen.
_LEAST_FACING = 0.05
# A texel of FAST's maps is 0.25 to 0.4 mm; they look at two of them to each side, aslant.
_AROUND_MM = 1.2
# What hides a place from as near as this may be taken for the skin itself.
_NEAR_MM = 1.0


@dataclass(frozen=True)
class Skin:
    """Places on a part's skin that face a lamp.

    Attributes:
        places, normals: (3, k) float32.
        hidden_mm: (k, 9), how far towards the lamp something hides a place, or one of those in its plane that
            the lamp sees around it; infinite where nothing does.
    """

    places: Floats32
    normals: Floats32
    hidden_mm: Floats


def skin(part: BakedPart, lamp: Floats) -> Skin:
    """Places drawn at random from the skin, by area."""
    corners = part.silhouette.astype(float)
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(crossed, axis=1)
    facing = crossed @ lamp / areas > _LEAST_FACING
    rng = np.random.default_rng(0)
    drawn = rng.choice(len(corners), _PLACES, p=areas * facing / (areas * facing).sum())
    places = (rng.dirichlet(np.ones(3), _PLACES)[..., None] * corners[drawn]).sum(axis=1)
    normals = (crossed / areas[:, None])[drawn]
    right, down = np.linalg.svd(lamp[None])[2][1:]
    turns = np.linspace(0, 2 * np.pi, 8, endpoint=False)[:, None]
    circle = _AROUND_MM * np.concatenate([[np.zeros(3)], np.cos(turns) * right + np.sin(turns) * down])
    in_plane = circle - (normals @ circle.T / (normals @ lamp)[:, None])[..., None] * lamp
    starts = (places + 1e-3 * normals)[:, None] + in_plane
    hidden_mm = np.array([first_hit(corners, start, lamp) for start in starts.reshape(-1, 3)])
    return Skin(places.T.astype(np.float32), normals.T.astype(np.float32), hidden_mm.reshape(_PLACES, -1))


def first_hit(corners: Floats, start: Floats, direction: Floats) -> float:
    """How far a ray goes to the first of the triangles (n, 3, 3); after Möller and Trumbore (1997)."""
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    offset = start - corners[:, 0]
    across, turned = np.cross(direction, edge2), np.cross(offset, edge1)
    determinant = (edge1 * across).sum(axis=1)
    determinant[np.abs(determinant) < 1e-9] = np.nan
    u, v = (offset * across).sum(axis=1) / determinant, turned @ direction / determinant
    away = (edge2 * turned).sum(axis=1) / determinant
    return float(away[(u >= 0) & (v >= 0) & (u + v <= 1) & (away > 0)].min(initial=np.inf))


def lamp_from(azimuth_deg: float, zenith_deg: float) -> Floats:
    azimuth, zenith = np.radians(azimuth_deg), np.radians(zenith_deg)
    return np.array([np.sin(zenith) * np.cos(azimuth), np.sin(zenith) * np.sin(azimuth), np.cos(zenith)])


@pytest.mark.parametrize("part", sorted(PARTS))
def test_a_skin_throws_no_shadow_on_itself_and_keeps_those_that_others_throw_on_it(part: str) -> None:
    """FAST has the coarsest maps."""
    number = sorted(PARTS).index(PartNumber(part))
    lying = EMBEDDED.baked(PartNumber(part), number % 3)
    lamp = lamp_from(37.0 * number, (12.0, 20.0, 28.0)[number % 3])
    map_px = round(lying.light_map_px * FAST.shadow_map_scale)
    (shadow_map,) = light_maps(lying.silhouette, [lamp.astype(np.float32)], map_px)
    seen = skin(lying, lamp)
    lit = lit_share(shadow_map, seen.places, seen.normals)
    in_the_open = np.isinf(seen.hidden_mm).all(axis=1)
    in_the_shade = (np.isfinite(seen.hidden_mm) & (seen.hidden_mm > _NEAR_MM)).all(axis=1)
    assert in_the_open.sum() > _PLACES / 4
    assert (lit[in_the_open] == 1).all()
    assert (lit[in_the_shade] == 0).all()


def test_a_stud_throws_its_shadow_from_its_foot_on() -> None:
    block = sweep(rectangle(-15, -15, 15, 15), level(0.0), 5.0)
    top = fan(rectangle(-15, -15, 15, 15))
    stud = sweep(rectangle(-2.5, -2.5, 2.5, 2.5), level(5.0), 1.7)
    roof = lay(fan(rectangle(-2.5, -2.5, 2.5, 2.5)), level(6.7))
    lying = bake(merge(block, lay(top, level(5.0)), stud, roof))
    lamp = lamp_from(0.0, 28.0).astype(np.float32)
    (shadow_map,) = light_maps(lying.silhouette, [lamp], round(lying.light_map_px * FAST.shadow_map_scale))
    away_mm = np.arange(0.05, 3, 0.1, dtype=np.float32)
    places = np.stack([-2.5 - away_mm, np.zeros_like(away_mm), np.full_like(away_mm, 5.0)])
    lit = lit_share(shadow_map, places, np.zeros_like(places) + np.array([[0], [0], [1]], np.float32))
    assert lit[0] == 0
    assert (1 - lit).sum() * 0.1 == pytest.approx(1.7 * np.tan(np.radians(28.0)), abs=0.3)
