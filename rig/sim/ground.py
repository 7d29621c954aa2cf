"""Light on the table around a part: soft shadows, occlusion, and the bright lines at the part's foot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from rig.sim.bake import BakedPart, LightMap
from rig.sim.quality import Quality
from rig.sim.raster import Floats32, coverages
from rig.sim.shading import Lamp, Lighting, Material, schlick

# Walls whose normal rises less than this count as upright: only they throw light on the table beside them.
_UPRIGHT = 0.3
_SHEEN = 0.15
# Light that a wall mirrors from further up than this lands out of focus.
_FOOT_MM = 2.5
# From how high the light comes, on the whole, that walls mirror from below that height, and from above it.
_MIRRORED_FROM_MM = (_FOOT_MM / 2, 4 * _FOOT_MM)
# The half-shadow of what ends at a height is as wide as if it came from this share of it.
_HALF_SHADOW_FROM = 0.6


@dataclass(frozen=True)
class _Thrown:
    """Triangles that a lamp throws onto the table, as shadow or as light.

    Attributes:
        corners: (n, 3, 3) float32 in the part's frame.
        slopes: (n, 2) float32, by how much the light of each comes from the side, to its height.
        amounts: (n,) float32, what each adds where it lands.
    """

    corners: Floats32
    slopes: Floats32
    amounts: Floats32


def light_on_ground(
    part: BakedPart,
    material: Material,
    light: Lighting,
    shadow_maps: Sequence[LightMap],
    quality: Quality,
    *,
    caustic: float,
) -> Floats32:
    """Radiance (texels, texels, 3) of the table in the part's frame; rows are y, columns x.

    Args:
        part, material, light: what lies there.
        shadow_maps: what each of the lamps sees of the part.
        quality: how many texels there are across the square of table around the part, and more.
        caustic: strength of what walls mirror onto the table, 1 for clean glossy ones.
    """
    texels = quality.ground_texels
    tops_mm = [share * part.height_mm for share in quality.shadow_slices]
    thrown = [[*_lower_parts(part, lamp, tops_mm), *_mirrored(part, lamp)] for lamp in light.lamps]
    landed = np.split(_land(part, [one for of_lamp in thrown for one in of_lamp], texels), len(thrown))
    shares = []
    for lamp, shadow_map, layers in zip(light.lamps, shadow_maps, landed, strict=True):
        lower, mirrored = np.split(layers, [len(tops_mm)])
        whole = shadow_map.on_ground(part.ground_half_mm, texels)
        covered = [whole, *((layer > 0.5).astype(np.float32) for layer in lower)]
        share = _tinted(1 - _shadow(part, lamp, covered, [part.height_mm, *tops_mm]), material)
        for layer, from_mm in zip(mirrored, _MIRRORED_FROM_MM, strict=True):
            share += np.float32(caustic) * _soften(part, layer, lamp, from_mm)[..., None]
        shares.append(share * lamp.direction[2])
    openness = cv2.resize(part.ground_openness, (texels, texels))
    hidden = 1 - openness
    channels = []
    for channel in range(3):
        # What hides the sky from the table is lit plastic, not black, and it has a sheen.
        plastic = _SHEEN + 0.45 * float(material.diffuse[channel] + material.transmitted[channel])
        sent = light.ambient[channel] * (openness + np.float32(plastic) * hidden)
        for lamp, share in zip(light.lamps, shares, strict=True):
            sent += lamp.irradiance[channel] * share[..., min(channel, share.shape[2] - 1)]
        channels.append(sent * np.float32(light.table_albedo))
    return np.asarray(cv2.merge(channels), dtype=np.float32)


def _tinted(share: Floats32, material: Material) -> Floats32:
    """A lamp's share (..., 1) behind an opaque part; by channel (..., 3) behind a clear one, tinted."""
    if not material.is_clear:
        return share[..., None]
    # Light goes in and out through two walls.
    through = material.transmitted**2
    return np.asarray(share[..., None] + (1 - share[..., None]) * through, dtype=np.float32)


def _shadow(part: BakedPart, lamp: Lamp, covered: Sequence[Floats32], tops_mm: Sequence[float]) -> Floats32:
    """The share of a lamp that the part hides from each texel.

    What lies below a height throws a shadow with a half-shadow no wider than that height implies; the
    darkest of them is the shadow, sharp at the foot and soft far from it.
    """
    shadows = (
        _soften(part, sharp, lamp, _HALF_SHADOW_FROM * top_mm)
        for sharp, top_mm in zip(covered, tops_mm, strict=True)
    )
    darkest = next(shadows)
    for shadow in shadows:
        np.maximum(darkest, shadow, out=darkest)
    return darkest


def _lower_parts(part: BakedPart, lamp: Lamp, tops_mm: Sequence[float]) -> Iterator[_Thrown]:
    """What of the part lies below each of the heights, as shadow."""
    # Light that is held up goes into the part somewhere, through a face that is turned away from the lamp.
    away = np.flatnonzero(part.facings @ lamp.direction < 0)
    slope = lamp.direction[:2] / lamp.direction[2]
    for top_mm in tops_mm:
        lower = away[part.tops_mm.take(away) <= top_mm]
        yield _Thrown(
            part.corners[lower], np.broadcast_to(slope, (len(lower), 2)), np.ones(len(lower), np.float32)
        )


def _mirrored(part: BakedPart, lamp: Lamp) -> Iterator[_Thrown]:
    """A lamp's light that upright walls mirror onto the table, from their foot and from further up."""
    toward = part.facings @ lamp.direction
    # What studs and the inside of a part mirror lands on the part itself.
    upright = (np.abs(part.facings[:, 2]) < _UPRIGHT) & part.clear_below
    walls = np.flatnonzero((toward > 0.02) & upright)
    mirrored = lamp.direction - 2 * toward[walls, None] * part.facings[walls]
    going_down = mirrored[:, 2] > 0.2
    walls, mirrored = walls[going_down], mirrored[going_down]
    at_foot = part.middles_mm.take(walls) <= _FOOT_MM
    for these in (at_foot, ~at_foot):
        slopes = mirrored[these, :2] / mirrored[these, 2:]
        amounts = schlick(toward[walls[these]])
        yield _Thrown(part.corners[walls[these]], np.asarray(slopes, np.float32), amounts)


def _soften(part: BakedPart, image: Floats32, lamp: Lamp, height_mm: float) -> Floats32:
    """Blur what comes from some height by the size of the lamp."""
    texels_per_mm = len(image) / (2 * part.ground_half_mm)
    sigma_px = max(0.8, lamp.radius * height_mm * 0.5 * texels_per_mm)
    kernel_px = 2 * int(np.ceil(2.2 * sigma_px)) + 1
    return np.asarray(cv2.GaussianBlur(image, (kernel_px, kernel_px), sigma_px), dtype=np.float32)


def _land(part: BakedPart, thrown: Sequence[_Thrown], texels: int) -> Floats32:
    """What each of them adds up to on the table, (layers, texels, texels)."""
    corners = np.concatenate([one.corners for one in thrown])
    slopes = np.concatenate([one.slopes for one in thrown])
    amounts = np.concatenate([one.amounts for one in thrown])
    layer = np.repeat(np.arange(len(thrown)), [len(one.amounts) for one in thrown])
    landing = corners[..., :2] - corners[..., 2:] * slopes[:, None]
    places = (landing / np.float32(part.ground_half_mm) + 1) * np.float32(texels / 2)
    return coverages(places, amounts, layer, (len(thrown), texels, texels))
