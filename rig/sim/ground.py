"""Light on the table around a part: soft shadows, occlusion, and the bright lines at the part's foot."""

import cv2
import numpy as np

from rig.sim.bake import BakedPart
from rig.sim.quality import Quality
from rig.sim.raster import Floats32, coverage
from rig.sim.shading import Lamp, Lighting, Material, schlick

# Walls whose normal rises less than this count as upright: only they throw light on the table beside them.
_UPRIGHT = 0.3
_SHEEN = 0.15
# Light that a wall mirrors from further up than this lands out of focus.
_FOOT_MM = 2.5


def light_on_ground(
    part: BakedPart, material: Material, light: Lighting, quality: Quality, *, caustic: float
) -> Floats32:
    """Radiance (texels, texels, 3) of the table in the part's frame; rows are y, columns x.

    Args:
        part, material, light: what lies there.
        quality: how many texels there are across the square of table around the part, and more.
        caustic: strength of what walls mirror onto the table, 0 to 1.
    """
    texels = quality.ground_texels
    openness = cv2.resize(part.ground_openness, (texels, texels))
    hidden = 1 - openness
    shares = []
    for lamp in light.lamps:
        share = _tinted(1 - _shadow(part, lamp, quality), material)
        if caustic > 0:
            share += np.float32(caustic) * _caustic(part, lamp, texels)[..., None]
        shares.append(share * lamp.direction[2])
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


def _shadow(part: BakedPart, lamp: Lamp, quality: Quality) -> Floats32:
    """The share of a lamp that the part hides from each texel.

    The part is cut at some heights. What lies below a height throws a shadow with a half-shadow no wider
    than that height implies; the darkest of them is the shadow, sharp at the foot and soft far from it.
    """
    tops, texels = part.corners[..., 2].max(axis=1), quality.ground_texels
    texels_per_mm = texels / (2 * part.ground_half_mm)
    shadow = np.zeros((texels, texels), np.float32)
    for slice_ in quality.shadow_slices:
        top_mm = slice_ * float(tops.max())
        # The whole part needs no small triangles.
        faces = part.corners[tops <= top_mm] if slice_ < 1 else part.silhouette
        if len(faces) == 0:
            continue
        cast = _cast(part, faces, lamp.direction, np.ones(len(faces), np.float32), texels)
        covered = (cast > 0.5).astype(np.float32)
        np.maximum(shadow, _soften(covered, lamp, 0.6 * top_mm, texels_per_mm), out=shadow)
    return shadow


def _caustic(part: BakedPart, lamp: Lamp, texels: int) -> Floats32:
    """A lamp's light that upright walls mirror onto the table, as a share of the direct light."""
    toward = part.facings @ lamp.direction
    walls = np.flatnonzero((toward > 0.02) & (np.abs(part.facings[:, 2]) < _UPRIGHT))
    mirrored = lamp.direction - 2 * toward[walls, None] * part.facings[walls]
    going_down = mirrored[:, 2] > 0.2
    walls, mirrored = walls[going_down], mirrored[going_down]
    texels_per_mm = texels / (2 * part.ground_half_mm)
    glow = np.zeros((texels, texels), np.float32)
    heights = part.corners[walls, :, 2].mean(axis=1)
    for near, height_mm in ((heights <= _FOOT_MM, _FOOT_MM / 2), (heights > _FOOT_MM, 4 * _FOOT_MM)):
        cast = _cast(part, part.corners[walls[near]], mirrored[near], schlick(toward[walls[near]]), texels)
        glow += _soften(cast, lamp, height_mm, texels_per_mm)
    return glow


def _soften(image: Floats32, lamp: Lamp, height_mm: float, texels_per_mm: float) -> Floats32:
    """Blur what comes from some height by the size of the lamp."""
    sigma_px = max(0.8, lamp.radius * height_mm * 0.5 * texels_per_mm)
    kernel_px = 2 * int(np.ceil(2.2 * sigma_px)) + 1
    return np.asarray(cv2.GaussianBlur(image, (kernel_px, kernel_px), sigma_px), dtype=np.float32)


def _cast(part: BakedPart, faces: Floats32, direction: Floats32, amounts: Floats32, texels: int) -> Floats32:
    """Project triangles (n, 3, 3) onto the table against `direction`, (3,) or (n, 3); sum by texel."""
    slope = np.broadcast_to(direction[..., :2] / direction[..., 2:], (len(faces), 2))
    landing = faces[..., :2] - faces[..., 2:] * slope[:, None]
    places = (landing / np.float32(part.ground_half_mm) + 1) * np.float32(texels / 2)
    return coverage(places, amounts, texels, texels)
