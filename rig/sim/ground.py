"""Light on the table around a part: the soft shadow, the occlusion, and what the part's walls throw back."""

import cv2
import numpy as np

from rig.sim.bake import GROUND_TEXELS, BakedPart
from rig.sim.geometry import axes_along
from rig.sim.raster import Floats32, coverage
from rig.sim.shading import Lighting, schlick

_KEY_SAMPLES = 5
# Walls whose normal rises less than this count as upright: only they throw light on the table beside them.
_UPRIGHT = 0.3
# Where less of the sky is open than this says, mirrored light is in focus: next to the wall it comes from.
_CAUSTIC_REACH = 4.0


def light_on_ground(part: BakedPart, albedo: Floats32, light: Lighting) -> Floats32:
    """Radiance (GROUND_TEXELS, GROUND_TEXELS, 3) of the table in the part's frame; rows are y, columns x."""
    key = (_key_share(part, light) + _caustic(part, light)) * light.key_direction[2]
    openness = part.ground_openness
    # What hides the sky from the table is lit plastic, not black.
    hidden = np.float32(0.45) * (1 - openness)
    channels = [
        (light.key[channel] * key + light.ambient[channel] * (openness + albedo[channel] * hidden))
        * np.float32(light.table_albedo)
        for channel in range(3)
    ]
    return np.asarray(cv2.merge(channels), dtype=np.float32)


def _key_share(part: BakedPart, light: Lighting) -> Floats32:
    """The share of the key light that reaches each texel: shadows from several points of it, averaged."""
    faces, facings = part.silhouette, part.silhouette_facings
    right, down, _ = axes_along(-light.key_direction).astype(np.float32)
    place = np.arange(_KEY_SAMPLES) + 0.5
    radius = np.sqrt(place / _KEY_SAMPLES) * light.key_spread
    turn = place * np.pi * (3 - np.sqrt(5))
    shadows = np.zeros((GROUND_TEXELS, GROUND_TEXELS), np.float32)
    for along, across in zip(radius * np.cos(turn), radius * np.sin(turn), strict=True):
        direction = light.key_direction + right * np.float32(along) + down * np.float32(across)
        lit = faces[facings @ direction > 0.01]
        shadow = _cast(part, lit, direction, np.ones(len(lit), np.float32))
        shadows += shadow > 0.5
    return np.asarray(1 - cv2.GaussianBlur(shadows / _KEY_SAMPLES, (5, 5), 0.8), dtype=np.float32)


def _caustic(part: BakedPart, light: Lighting) -> Floats32:
    """Key light that upright walls mirror onto the table at their foot, as a share of the direct light."""
    faces, facings = part.silhouette, part.silhouette_facings
    toward = facings @ light.key_direction
    walls = np.flatnonzero((toward > 0.02) & (np.abs(facings[:, 2]) < _UPRIGHT))
    mirrored = light.key_direction - 2 * toward[walls, None] * facings[walls]
    going_down = mirrored[:, 2] > 0.2
    walls, mirrored = walls[going_down], mirrored[going_down]
    glow = _cast(part, faces[walls], mirrored, schlick(toward[walls]))
    # Light from high up a wall lands far from it and out of focus: closed surroundings mark what is near.
    near = np.clip((1 - part.ground_openness) * _CAUSTIC_REACH, 0, 1)
    return np.asarray(cv2.GaussianBlur(glow, (5, 5), 0.9) * near, dtype=np.float32)


def _cast(part: BakedPart, faces: Floats32, direction: Floats32, amounts: Floats32) -> Floats32:
    """Project triangles (n, 3, 3) onto the table against `direction`, (3,) or (n, 3); sum by texel."""
    slope = np.broadcast_to(direction[..., :2] / direction[..., 2:], (len(faces), 2))
    landing = faces[..., :2] - faces[..., 2:] * slope[:, None]
    texels = (landing + np.float32(part.ground_half_mm)) * np.float32(part.texels_per_mm)
    return coverage(texels, amounts, GROUND_TEXELS, GROUND_TEXELS)
