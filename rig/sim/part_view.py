"""A part as a pinhole camera sees it: its skin, its rounded edges, and what shines through it."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.sim.bake import BakedPart, light_map
from rig.sim.pinhole import Pinhole
from rig.sim.quality import Quality
from rig.sim.raster import Floats32, Fragments, coverage, facing_area, rasterize
from rig.sim.shading import Lighting, Material, Surface, shade, unit

_SHADOW_TAPS_PX = ((-0.8, -0.8), (0.8, -0.8), (-0.8, 0.8), (0.8, 0.8))
_SHADOW_LIFT_MM = 0.3
# Each sample at the part's outline counts its subpixels in both directions.
_SUBPIXELS = 2
# What lies nearer than its surroundings by more than the first share of the bevel's radius is an edge that
# sticks out; by more than the second, what surrounds it is another surface behind.
_EDGE_STICKS_OUT = 0.1
_SURFACE_BEHIND = 1.5


@dataclass(frozen=True)
class Skin:
    """What a part is made of.

    Attributes:
        materials: those that it has; the first is its own, in which it throws its shadow.
        places: (n,) which of them each triangle has.
    """

    materials: tuple[Material, ...]
    places: NDArray[np.intp]


@dataclass(frozen=True)
class PartView:
    """A part in the rectangle of the picture that it covers.

    Attributes:
        top, left: of the rectangle in the picture.
        share: (height, width) float32, how much of each pixel the part covers, 0 to 1.
        radiance: (height, width, 3) float32 of the part, times `share`.
        behind: (height, width, 3) float32, by how much what lies behind the part counts.
        nearness: (height, width) float32, 1 over the distance in mm; 0 where the part does not reach.
    """

    top: int
    left: int
    share: Floats32
    radiance: Floats32
    behind: Floats32
    nearness: Floats32


def view_part(
    part: BakedPart,
    skin: Skin,
    light: Lighting,
    camera: Pinhole,
    size: tuple[int, int],
    quality: Quality,
    *,
    bevel_mm: float,
) -> PartView | None:
    """The part as it is seen in a picture of `size`, (width, height); None where it is out of view."""
    points, nearness = camera.project(part.corners)
    low = np.clip(np.floor(points.min(axis=(0, 1))) - 1, 0, size).astype(np.int32)
    high = np.clip(np.ceil(points.max(axis=(0, 1))) + 1, 0, size).astype(np.int32)
    if (high <= low).any():
        return None
    corner, samples = low.astype(np.float32), quality.samples
    width, height = (int(extent) * samples for extent in high - low)
    fragments = rasterize((points - corner) * samples, nearness, width, height)
    sigma_px = 0.5 * bevel_mm * samples * camera.focal_px * float(nearness.mean())
    weights = _surface_weights(fragments, nearness)
    normals = unit(_blend(part.normals, fragments.triangle, weights))
    normals = _bevelled(normals, fragments, bevel_mm, sigma_px)
    surface = _surface(part, fragments, weights, normals, light, camera.eye, quality)
    radiance = np.zeros((height, width, 3), np.float32)
    passed = np.zeros((height, width, 3), np.float32)
    made_of = skin.places[fragments.triangle]
    for place, material in enumerate(skin.materials):
        own = slice(None) if len(skin.materials) == 1 else np.flatnonzero(made_of == place)
        y, x = fragments.y[own], fragments.x[own]
        radiance[y, x] = shade(surface.some(own), material, light)
        if material.is_clear:
            passed[y, x] = material.transmitted

    outline = (camera.project(part.silhouette)[0] - corner) * samples
    share = _share_of_pixels(outline, width, height)
    behind = np.repeat(1 - share[..., None], 3, axis=2)
    if any(material.is_clear for material in skin.materials):
        # Each wall has a front and a back.
        walls = coverage(outline, np.full(len(outline), 0.5, np.float32), width, height)
        behind += share[..., None] * passed ** np.maximum(1, walls)[..., None]
    seen = np.where(np.isfinite(fragments.depth_buffer), fragments.depth_buffer, 0)
    layers = (share, share[..., None] * _bleed(radiance, fragments), behind)
    share, radiance, behind = (_shrunk(layer, samples) for layer in layers)
    return PartView(int(low[1]), int(low[0]), share, radiance, behind, seen[::samples, ::samples])


def _surface(
    part: BakedPart,
    fragments: Fragments,
    weights: Floats32,
    normals: Floats32,
    light: Lighting,
    eye: Floats32,
    quality: Quality,
) -> Surface:
    points = _blend(part.corners, fragments.triangle, weights)
    openness: Floats32 = np.einsum("kc,kc->k", part.openness[fragments.triangle], weights)
    lifted = points + np.float32(_SHADOW_LIFT_MM) * normals
    map_px = round(part.light_map_px * quality.shadow_map_scale)
    lit = tuple(
        light_map(part.silhouette, lamp.direction, map_px).reaches(lifted, _SHADOW_TAPS_PX)
        for lamp in light.lamps
    )
    return Surface(normals, unit(eye - points), openness, lit)


def _surface_weights(fragments: Fragments, nearness: Floats32) -> Floats32:
    """Weights are linear on the screen; multiplied by the nearness they are linear on the surface."""
    weights = fragments.weights * nearness[fragments.triangle]
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def _blend(values: Floats32, triangle: NDArray[np.int32], weights: Floats32) -> Floats32:
    """Values (n, 3, 3) of corners blended at points (k,) of triangles, (k, 3)."""
    blended: Floats32 = np.einsum("kc,kca->ka", weights, values[triangle])
    return blended


def _bevelled(normals: Floats32, fragments: Fragments, bevel_mm: float, sigma_px: float) -> Floats32:
    """Normals (k, 3) that turn gradually where two faces meet in an edge that sticks out.

    Works on the picture, so that it asks nothing of the mesh: normals are blurred by the bevel's size where
    the skin is nearer than what surrounds it.
    """
    if bevel_mm == 0:
        return normals
    depth = fragments.depth_buffer
    hit = np.isfinite(depth)
    shape = (*depth.shape, 3)
    picture = np.zeros(shape, np.float32)
    picture[fragments.y, fragments.x] = normals
    distance = np.where(hit, 1 / np.where(hit, depth, 1), 0).astype(np.float32)
    kernel_px = 2 * int(np.ceil(2 * sigma_px)) + 1
    blurred, around, counted = (
        cv2.GaussianBlur(layer, (kernel_px, kernel_px), max(sigma_px, 0.5))
        for layer in (picture, distance, hit.astype(np.float32))
    )
    place = fragments.y, fragments.x
    sticks_out = around[place] / counted[place] - distance[place]
    share = np.clip(sticks_out / np.float32(_EDGE_STICKS_OUT * bevel_mm), 0, 1)
    share *= np.clip(2 - sticks_out / np.float32(_SURFACE_BEHIND * bevel_mm), 0, 1)
    # Where front and back of a thin wall cancel, the face's own normal counts.
    turned = normals + share[:, None] * (blurred[place] - normals) + np.float32(1e-3) * normals
    return unit(turned)


def _share_of_pixels(points: Floats32, width: int, height: int) -> Floats32:
    """How much of each pixel the front-facing triangles (n, 3, 2) cover, 0 to 1, (height, width)."""
    front = points[facing_area(points) > 0]
    fine = coverage(
        front * _SUBPIXELS, np.ones(len(front), np.float32), width * _SUBPIXELS, height * _SUBPIXELS
    )
    return _shrunk((fine > 0.5).astype(np.float32), _SUBPIXELS)


def _bleed(radiance: Floats32, fragments: Fragments) -> Floats32:
    """Give pixels that the part covers only beside their centre the colour of their neighbours."""
    hit = np.isfinite(fragments.depth_buffer).astype(np.float32)
    neighbours = cv2.blur(radiance, (3, 3)) / np.maximum(cv2.blur(hit, (3, 3)), 1e-3)[..., None]
    return np.where(hit[..., None] > 0, radiance, neighbours)


def _shrunk(image: Floats32, by: int) -> Floats32:
    if by == 1:
        return image
    size = (image.shape[1] // by, image.shape[0] // by)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
