"""A part as a pinhole camera sees it: its skin, its rounded edges, and what shines through it."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from rig.sim.bake import BakedPart, LightMap
from rig.sim.pinhole import Pinhole
from rig.sim.raster import Floats32, Fragments, Indices, facing_area, rasterize
from rig.sim.shading import Lighting, Material, Surface, shade, unit

_SHADOW_SPREAD_PX = 0.8
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
    places: Indices


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
    shadow_maps: Sequence[LightMap],
    camera: Pinhole,
    size: tuple[int, int],
    samples: int,
    *,
    bevel_mm: float,
) -> PartView | None:
    """The part as it is seen in a picture of `size`, (width, height); None where it is out of view.

    Args:
        part, skin, light: what is seen, with `samples` in both directions in each pixel.
        shadow_maps: what each of the lamps sees.
        camera: that sees it.
        bevel_mm: radius of its edges.
    """
    points, nearness = camera.project(part.corners)
    low, high = np.array([(along.min(), along.max()) for along in (points[..., 0], points[..., 1])]).T
    low = np.clip(np.floor(low) - 1, 0, size).astype(np.int32)
    high = np.clip(np.ceil(high) + 1, 0, size).astype(np.int32)
    if (high <= low).any():
        return None
    corner = low.astype(np.float32)
    width, height = (int(extent) * samples for extent in high - low)
    fragments = rasterize((points - corner) * samples, nearness, width, height)
    sigma_px = 0.5 * bevel_mm * samples * camera.focal_px * float(nearness.mean())
    *facings, openness = fragments.blend(part.skin, nearness)
    normals = _bevelled(unit(np.stack(facings)), fragments, bevel_mm, sigma_px)
    rays = camera.rays((fragments.x + 0.5) / samples + corner[0], (fragments.y + 0.5) / samples + corner[1])
    places = np.asarray(camera.eye[:, None] + rays / fragments.nearness, dtype=np.float32)
    surface = Surface(
        normals,
        to_eye=unit(-rays),
        openness=openness,
        lit=tuple(lit_share(shadow_map, places, normals) for shadow_map in shadow_maps),
    )
    outline = (camera.project(part.silhouette)[0] - corner) * samples
    share = _share_of_pixels(part, outline, width, height)
    radiance, passed = _shaded(surface, fragments, skin, light)
    _bleed(radiance, fragments, share)
    cv2.multiply(radiance, cv2.merge([share] * 3), dst=radiance)
    behind = np.asarray(cv2.merge([1 - share] * 3), dtype=np.float32)
    if any(material.is_clear for material in skin.materials):
        # Each wall has a front and a back.
        walls = part.edges.coverage(outline, np.full(len(outline), 0.5, np.float32), width, height)
        behind += share[..., None] * passed ** np.maximum(1, walls)[..., None]
    seen = _pictured(fragments, fragments.nearness)
    share, radiance, behind = (_shrunk(layer, samples) for layer in (share, radiance, behind))
    return PartView(int(low[1]), int(low[0]), share, radiance, behind, seen[::samples, ::samples])


def lit_share(shadow_map: LightMap, places: Floats32, normals: Floats32) -> Floats32:
    """The share of a lamp's light that reaches `places` (3, k) of a skin with `normals` (3, k), (k,)."""
    clearance_mm = shadow_map.clearance_mm(normals, _SHADOW_SPREAD_PX)
    lift_mm = np.maximum(clearance_mm, np.float32(_SHADOW_LIFT_MM))
    lifted = np.asarray(places + lift_mm * normals, dtype=np.float32)
    return shadow_map.reaches(lifted, _SHADOW_SPREAD_PX)


def _shaded(surface: Surface, fragments: Fragments, skin: Skin, light: Lighting) -> tuple[Floats32, Floats32]:
    """Pictures (height, width, 3) of what the skin sends, and of what passes it."""
    if len(skin.materials) == 1:
        (material,) = skin.materials
        passed = np.broadcast_to(material.transmitted, (*fragments.depth_buffer.shape, 3))
        return _pictured_colours(fragments, shade(surface, material, light)), passed
    sent = np.empty_like(surface.normals)
    transmitted = np.empty_like(surface.normals)
    made_of = skin.places.take(fragments.triangle)
    for place, material in enumerate(skin.materials):
        own = np.flatnonzero(made_of == place)
        sent[:, own] = shade(surface.some(own), material, light)
        transmitted[:, own] = material.transmitted[:, None]
    return _pictured_colours(fragments, sent), _pictured_colours(fragments, transmitted)


def _pictured(fragments: Fragments, values: Floats32) -> Floats32:
    """A value (k,) of each fragment as a picture (height, width), 0 where there is none."""
    picture = np.zeros(fragments.depth_buffer.shape, np.float32)
    picture.reshape(-1)[fragments.pixel] = values
    return picture


def _pictured_colours(fragments: Fragments, values: Floats32) -> Floats32:
    """Colours (3, k) of fragments as a picture (height, width, 3)."""
    # Channel by channel: to scatter all three at once takes twice as long.
    return np.asarray(cv2.merge([_pictured(fragments, channel) for channel in values]), dtype=np.float32)


def _bevelled(normals: Floats32, fragments: Fragments, bevel_mm: float, sigma_px: float) -> Floats32:
    """Normals (3, k) that turn gradually where two faces meet in an edge that sticks out.

    Works on the picture, so that it asks nothing of the mesh: normals are blurred by the bevel's size where
    the skin is nearer than what surrounds it.
    """
    if bevel_mm == 0:
        return normals
    distance = 1 / fragments.nearness
    kernel_px = 2 * int(np.ceil(2 * sigma_px)) + 1
    around = np.stack(
        [
            cv2.GaussianBlur(_pictured(fragments, values), (kernel_px, kernel_px), max(sigma_px, 0.5)).take(
                fragments.pixel
            )
            for values in (*normals, distance, np.ones_like(distance))
        ]
    )
    sticks_out = around[3] / around[4] - distance
    share = np.clip(sticks_out / np.float32(_EDGE_STICKS_OUT * bevel_mm), 0, 1)
    share *= np.clip(2 - sticks_out / np.float32(_SURFACE_BEHIND * bevel_mm), 0, 1)
    # Where front and back of a thin wall cancel, the face's own normal counts.
    turned = normals + share * (around[:3] - normals) + np.float32(1e-3) * normals
    return unit(turned)


def _share_of_pixels(part: BakedPart, outline: Floats32, width: int, height: int) -> Floats32:
    """How much of each pixel the part covers, 0 to 1, (height, width)."""
    front = (facing_area(outline) > 0).astype(np.float32)
    fine = part.edges.coverage(outline * _SUBPIXELS, front, width * _SUBPIXELS, height * _SUBPIXELS)
    _, covered = cv2.threshold(fine, 0.5, 1, cv2.THRESH_BINARY)
    return _shrunk(np.asarray(covered, dtype=np.float32), _SUBPIXELS)


def _bleed(radiance: Floats32, fragments: Fragments, share: Floats32) -> None:
    """Give pixels that the part covers only beside their centre the colour of their neighbours."""
    hit = np.isfinite(fragments.depth_buffer)
    beside = np.flatnonzero(~hit & (share > 0))
    counted = np.maximum(cv2.blur(hit.astype(np.float32), (3, 3)).take(beside), 1e-3)
    neighbours = cv2.blur(radiance, (3, 3)).reshape(-1, 3)[beside]
    radiance.reshape(-1, 3)[beside] = neighbours / counted[:, None]


def _shrunk(image: Floats32, by: int) -> Floats32:
    if by == 1:
        return image
    size = (image.shape[1] // by, image.shape[0] // by)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
