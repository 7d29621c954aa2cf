"""How plastics and the table answer to the light."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from rig.sim.plastics import Finish, Plastic
from rig.sim.raster import Floats32, Indices

# The darkest pigment still scatters a little.
_DARKEST_ALBEDO = 0.006
# Dielectrics mirror this share of what falls on them squarely: ABS has a refractive index of 1.54.
_NORMAL_REFLECTANCE = 0.045


@dataclass(frozen=True)
class Lamp:
    """A far lamp of some size. Colours are linear, blue-green-red.

    Attributes:
        direction: (3,) towards it, length 1.
        radius: as it is seen from the table, in radians.
        irradiance: (3,) on a surface that faces it.
    """

    direction: Floats32
    radius: float
    irradiance: Floats32


@dataclass(frozen=True)
class Lighting:
    """Light of a scene in the frame of the part. Colours are linear, blue-green-red.

    Attributes:
        lamps: each throws a shadow of its own.
        ambient: (3,) irradiance from the sky on an open level surface.
        table_albedo: reflectance of the table.
    """

    lamps: tuple[Lamp, ...]
    ambient: Floats32
    table_albedo: float

    @property
    def open_table(self) -> Floats32:
        """Radiance (3,) of the table far from any part."""
        direct = sum((lamp.irradiance * lamp.direction[2] for lamp in self.lamps), np.zeros(3, np.float32))
        table: Floats32 = (direct + self.ambient) * np.float32(self.table_albedo)
        return table


@dataclass(frozen=True)
class Material:
    """What a plastic does with light. Colours are linear, blue-green-red.

    Attributes:
        diffuse: (3,) share that comes back from within, scattered.
        mirrored: (3,) share that the skin mirrors of what falls on it squarely.
        roughness: of the skin, 0 for a mirror to 1.
        transmitted: (3,) share that passes one wall; nothing for opaque plastics.
        clarity: of what the skin mirrors, from 0, where table and sky run into each other, to 1 for a mirror.
    """

    diffuse: Floats32
    mirrored: Floats32
    roughness: float
    transmitted: Floats32
    clarity: float = 0.0

    @property
    def is_clear(self) -> bool:
        """Whether one sees through it."""
        return bool(self.transmitted.any())


# In a mirror, table beside the part is a little darker than open table, and most of the room is in the dark.
_MIRRORED_TABLE = np.float32(0.95)
_DARK_ROOM = np.float32(0.7)
# At a round wall's outline a rough skin mirrors no more than at this cosine to the eye.
_LEAST_FACING = 0.15
_OPAQUE = np.zeros(3, np.float32)
_SKIN = np.full(3, _NORMAL_REFLECTANCE, np.float32)


@cache
def material_of(plastic: Plastic) -> Material:
    """How light meets a plastic."""
    colour = albedo_of(plastic.rgb)
    solid = Material(colour, _SKIN, 0.25, _OPAQUE)
    match plastic.finish:
        case Finish.TRANSPARENT:
            return _clear(replace(solid, roughness=0.15), plastic)
        case Finish.RUBBER:
            rubber = replace(solid, mirrored=_SKIN * np.float32(0.5), roughness=0.6)
            return _clear(rubber, plastic) if plastic.alpha < 1 else rubber
        case Finish.CHROME:
            return Material(_OPAQUE, 0.35 + 0.6 * colour, 0.1, _OPAQUE, clarity=1.0)
        case Finish.METAL:
            return Material(0.35 * colour, 0.1 + 0.5 * colour, 0.35, _OPAQUE, clarity=0.6)
        case Finish.PEARL:
            return Material(0.75 * colour, 0.06 + 0.25 * colour, 0.4, _OPAQUE)
        case Finish.SOLID:
            return solid


def _clear(material: Material, plastic: Plastic) -> Material:
    """Two walls of a part let through what LDraw's alpha says of its colour."""
    scattered = np.float32(0.35 * plastic.alpha)
    wall = (0.08 + 0.9 * albedo_of(plastic.rgb)) ** np.float32(plastic.alpha)
    return replace(material, diffuse=material.diffuse * scattered, transmitted=wall)


def albedo_of(rgb: tuple[int, int, int]) -> Floats32:
    """Linear BGR reflectance (3,) of a plastic from its sRGB colour."""
    encoded = np.array(rgb[::-1]) / 255
    linear = np.where(encoded < 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return (linear * 0.85 + _DARKEST_ALBEDO).astype(np.float32)


@dataclass(frozen=True)
class Surface:
    """Points on the skin of a part, (..., k).

    Attributes:
        normals, to_eye: (3, k) unit vectors.
        openness: (k,) share of sky that a point sees.
        lit: for each lamp (k,), the share of its light that reaches a point.
    """

    normals: Floats32
    to_eye: Floats32
    openness: Floats32
    lit: tuple[Floats32, ...]

    def some(self, points: Indices) -> "Surface":
        """Some of the points."""
        return Surface(
            self.normals[:, points],
            self.to_eye[:, points],
            self.openness[points],
            tuple(lit[points] for lit in self.lit),
        )


def shade(surface: Surface, material: Material, light: Lighting) -> Floats32:
    """Radiance (3, k) of points on a part.

    A diffuse body under a glossy skin: a GGX lobe for each lamp, widened by the lamp's size, and the sky and
    the table mirrored, more so at grazing angles, after Schlick (1994).
    """
    normals, openness = surface.normals, surface.openness
    facing_eye = np.clip(dot(normals, surface.to_eye), _LEAST_FACING, 1)
    mirrored_z = 2 * facing_eye * normals[2] - surface.to_eye[2]
    grazing = _fifth_power(1 - facing_eye) * np.float32(1 - material.roughness)
    clarity = np.float32(material.clarity)
    sees_sky = np.clip((mirrored_z + 0.1) / (0.8 - 0.6 * clarity), 0, 1)
    # Openness counts the upper sky only; what looks down sees the lit table instead.
    sees_table = np.clip(0.5 - 0.5 * normals[2], 0, 1) * np.clip(openness * 1.4 + 0.1, 0, 1)
    # A mirror shows the lit table as it is, and that the room above is dark but for its lamps.
    sky = sees_sky * np.minimum(openness + 0.2, 1) * (1 - _DARK_ROOM * clarity)
    in_table = np.minimum(openness + 0.3, 1) * np.float32(0.6)
    table = (1 - sees_sky) * (in_table + clarity * (_MIRRORED_TABLE - in_table))

    body, squarely = material.diffuse, material.mirrored
    # Radiance is a sum of these, each with the colour (3,) that it has where it is 1.
    terms = [
        (sees_table, body * light.open_table),
        (sky, squarely * light.ambient),
        (table, squarely * light.open_table),
        (sky * grazing, (1 - squarely) * light.ambient),
        (table * grazing, (1 - squarely) * light.open_table),
    ]
    for lamp, lit in zip(light.lamps, surface.lit, strict=True):
        facing = np.maximum(lamp.direction @ normals, 0) * lit
        terms.append((facing, body * lamp.irradiance))
        terms.append((_lobe(surface, lamp, material.roughness) * facing, squarely * lamp.irradiance))
    amounts, colours = zip(*terms, strict=True)
    radiance: Floats32 = np.stack(colours, axis=1) @ np.stack(amounts)
    for channel, albedo in enumerate(body):
        radiance[channel] += albedo * light.ambient[channel] * _many_bounces(openness, float(albedo))
    return radiance


def dot(a: Floats32, b: Floats32) -> Floats32:
    """Scalar products (k,) of vectors (3, k)."""
    return np.asarray(np.einsum("ij,ij->j", a, b))


def unit(vectors: Floats32) -> Floats32:
    """The vectors (3, k) at length 1."""
    return np.asarray(vectors / np.sqrt(dot(vectors, vectors)))


def schlick(cosine: Floats32) -> Floats32:
    """Share of light that plastic mirrors at an angle of incidence, after Schlick (1994)."""
    return np.float32(_NORMAL_REFLECTANCE) + np.float32(1 - _NORMAL_REFLECTANCE) * _fifth_power(1 - cosine)


def _fifth_power(values: Floats32) -> Floats32:
    squared = values * values
    return squared * squared * values


def _lobe(surface: Surface, lamp: Lamp, roughness: float) -> Floats32:
    """How a skin that mirrors everything would throw a lamp's light to the eye (GGX)."""
    half = unit(surface.to_eye + lamp.direction[:, None])
    cosine = np.maximum(dot(surface.normals, half), 0)
    # A lamp of some size widens the lobe and lowers its peak (Karis 2013).
    wide = min(1.0, roughness**2 + lamp.radius / 3)
    squared = np.float32(wide * wide)
    spread = cosine * cosine * (squared - 1) + 1
    lobe = squared / (np.float32(4 * np.pi) * spread * spread)
    return np.asarray(lobe, dtype=np.float32)


def _many_bounces(openness: Floats32, albedo: float) -> Floats32:
    """Ambient light that reaches a point, also by way of its own plastic, after Jimenez et al. (2016)."""
    a, b, c = 2.0404 * albedo - 0.3324, -4.7951 * albedo + 0.6417, 2.7552 * albedo + 0.6903
    bounced = ((openness * np.float32(a) + np.float32(b)) * openness + np.float32(c)) * openness
    return np.asarray(np.maximum(openness, bounced))
