"""How glossy ABS plastic and the white table answer to the light."""

from dataclasses import dataclass

import numpy as np

from rig.sim.raster import Floats32

# ABS: reflectance at normal incidence for a refractive index of 1.54, and roughness of moulded faces.
_NORMAL_REFLECTANCE = 0.045
_ROUGHNESS = 0.25
# The darkest pigment still scatters a little.
_DARKEST_ALBEDO = 0.006


@dataclass(frozen=True)
class Lighting:
    """Light of a scene in the frame of the part. Colours are linear, blue-green-red.

    Attributes:
        key_direction: (3,) towards the key light, length 1.
        key_spread: radius of the key light in radians.
        key: (3,) irradiance on a surface that faces the key light.
        ambient: (3,) irradiance from the sky on an open level surface.
        table_albedo: reflectance of the table.
    """

    key_direction: Floats32
    key_spread: float
    key: Floats32
    ambient: Floats32
    table_albedo: float

    @property
    def open_table(self) -> Floats32:
        """Radiance (3,) of the table far from any part."""
        table: Floats32 = (self.key * self.key_direction[2] + self.ambient) * np.float32(self.table_albedo)
        return table


def albedo_of(rgb: tuple[int, int, int]) -> Floats32:
    """Linear BGR reflectance (3,) of a plastic from its sRGB colour."""
    encoded = np.array(rgb[::-1]) / 255
    linear = np.where(encoded < 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return (linear * 0.85 + _DARKEST_ALBEDO).astype(np.float32)


def shade_plastic(
    normals: Floats32,
    to_eye: Floats32,
    openness: Floats32,
    key_reaches: Floats32,
    albedo: Floats32,
    light: Lighting,
) -> Floats32:
    """Radiance (k, 3) of points on a part.

    Diffuse plastic under a thin glossy skin: a GGX lobe for the key light, widened by the light's size, and
    the sky and the table mirrored at grazing angles after Schlick.

    Args:
        normals, to_eye: (k, 3) unit vectors.
        openness: (k,) share of sky that a point sees.
        key_reaches: (k,) share of the key light that reaches a point.
        albedo: (k, 3) of the plastic at each point.
        light: of the scene.
    """
    facing_key = np.maximum(normals @ light.key_direction, 0) * key_reaches
    facing_eye = np.clip(np.einsum("ij,ij->i", normals, to_eye), 0.01, 1)
    mirrored_z = 2 * facing_eye * normals[:, 2] - to_eye[:, 2]
    fresnel = schlick(facing_eye) * (1 - np.float32(_ROUGHNESS) * (1 - facing_eye))
    sees_sky = np.clip((mirrored_z + 0.1) / 0.8, 0, 1)
    # Openness counts the upper sky only; what looks down sees the lit table instead.
    sees_table = np.clip(0.5 - 0.5 * normals[:, 2], 0, 1) * np.clip(openness * 1.4 + 0.1, 0, 1)

    key_gloss = _key_gloss(normals, to_eye, light) * facing_key
    sky_gloss = fresnel * sees_sky * np.minimum(openness + 0.2, 1)
    table_gloss = fresnel * (1 - sees_sky) * np.minimum(openness + 0.3, 1) * np.float32(0.6)
    by_channel = [
        albedo[:, channel]
        * (
            light.key[channel] * facing_key
            + light.ambient[channel] * _many_bounces(openness, albedo[:, channel])
            + light.open_table[channel] * sees_table
        )
        + light.key[channel] * key_gloss
        + light.ambient[channel] * sky_gloss
        + light.open_table[channel] * table_gloss
        for channel in range(3)
    ]
    return np.stack(by_channel, axis=1)


def unit(vectors: Floats32) -> Floats32:
    """The vectors (k, 3) at length 1."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return np.asarray(vectors / lengths[:, None], dtype=np.float32)


def schlick(cosine: Floats32) -> Floats32:
    """Share of light that plastic mirrors at an angle of incidence, after Schlick (1994)."""
    away = 1 - cosine
    return (
        np.float32(_NORMAL_REFLECTANCE)
        + np.float32(1 - _NORMAL_REFLECTANCE) * away * away * away * away * away
    )


def _key_gloss(normals: Floats32, to_eye: Floats32, light: Lighting) -> Floats32:
    half = unit(to_eye + light.key_direction)
    cosine = np.maximum(np.einsum("ij,ij->i", normals, half), 0)
    alpha = _ROUGHNESS**2
    # A light of some size widens the lobe and lowers its peak (Karis 2013).
    wide = min(1.0, alpha + light.key_spread / 3)
    squared = np.float32(wide * wide)
    lobe = squared / (np.pi * (cosine * cosine * (squared - 1) + 1) ** 2)
    gloss: Floats32 = (lobe * np.float32(_NORMAL_REFLECTANCE / 4)).astype(np.float32)
    return gloss


def _many_bounces(openness: Floats32, albedo: Floats32) -> Floats32:
    """Ambient light that reaches a point, also by way of its own plastic, after Jimenez et al. (2016)."""
    a, b, c = 2.0404 * albedo - 0.3324, -4.7951 * albedo + 0.6417, 2.7552 * albedo + 0.6903
    bounced = ((openness * a + b) * openness + c) * openness
    return np.asarray(np.maximum(openness, bounced))
