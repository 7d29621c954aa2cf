"""Ambient occlusion of a lying part: how much sky its skin and the table around it see, baked once a pose."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.catalog import ColourCode
from rig.sim.geometry import Mesh, axes_along
from rig.sim.plastics import OWN_COLOUR
from rig.sim.raster import Edges, Floats32, Indices, depth_buffers, edges_of

# The square of table around the part on which light is computed: the texels of its occlusion, the least that
# it reaches from its middle, and how far it reaches beyond a large part.
_GROUND_TEXELS = 96
_LEAST_GROUND_HALF_MM = 40.0
_GROUND_BEYOND_PART = 1.5

_SKY_DIRECTIONS = 40
# Maps of what a light sees are as fine for a large part as for a small one, as far as that can be computed.
_LIGHT_MAP_PX_PER_MM = 3.6
_LARGEST_LIGHT_MAP_PX = 576
# Occlusion is baked at corners, so that no triangle may be longer than what it varies over: 5 mm, on a part
# that is no longer than a hand.
_LONGEST_EDGE = 1 / 8
# Sky samples start this far off the surface, and a surface counts as hidden when it is this much farther.
_LIFT_MM = 0.35
_DEPTH_BIAS_MM = 0.25
# Far enough from a wall for what lies below not to be its own foot, on a map of any part.
_BESIDE_MM = 1.0


@dataclass(frozen=True)
class BakedPart:
    """A part on one of its sides, ready to be rendered, in a frame whose z rises from below its middle.

    Attributes:
        corners, normals: (n, 3, 3) float32, split into triangles of at most a few millimetres.
        colours: (n,) LDraw colour codes of the triangles; `OWN_COLOUR` where they take that of the part.
        openness: (n, 3) float32 at the corners, cosine-weighted share of the upper sky that is seen, relative
            to what a level surface in the open sees.
        silhouette: (m, 3, 3) float32 corners of the unsplit triangles, for outlines and shadows.
        facings: (n, 3) float32 unit normals of the split triangles themselves.
        ground_openness: (texels, texels) float32, the same for the table; x along columns, y along rows, from
            minus to plus `ground_half_mm`.
        ground_half_mm: half the side of that square of table.
    """

    corners: Floats32
    normals: Floats32
    colours: NDArray[np.int64]
    openness: Floats32
    silhouette: Floats32
    facings: Floats32
    ground_openness: Floats32
    ground_half_mm: float

    @cached_property
    def palette(self) -> tuple[tuple[ColourCode, ...], Indices]:
        """The colours that it has, `OWN_COLOUR` first, and which of them each split triangle has."""
        others = np.unique(self.colours[self.colours != OWN_COLOUR])
        codes = np.concatenate([[OWN_COLOUR], others])
        places = np.argmax(self.colours[:, None] == codes, axis=1)
        return tuple(ColourCode(int(code)) for code in codes), places

    @cached_property
    def skin(self) -> Floats32:
        """Normals and openness at the corners, (n, 3, 4) float32."""
        return np.concatenate([self.normals, self.openness[..., None]], axis=-1)

    @cached_property
    def edges(self) -> Edges:
        """Of the unsplit triangles."""
        return edges_of(self.silhouette)

    @cached_property
    def tops_mm(self) -> Floats32:
        """How high each of the split triangles reaches, (n,) float32."""
        return np.asarray(self.corners[..., 2].max(axis=1))

    @cached_property
    def middles_mm(self) -> Floats32:
        """How high the middle of each of the split triangles is, (n,) float32."""
        return np.asarray(self.corners[..., 2].mean(axis=1))

    @cached_property
    def clear_below(self) -> NDArray[np.bool_]:
        """Whether nothing of the part lies straight below what is just beside each split triangle, (n,)."""
        (from_below,) = light_maps(self.silhouette, [np.array([0, 0, -1], np.float32)], _LARGEST_LIGHT_MAP_PX)
        beside = self.corners.mean(axis=1) + _BESIDE_MM * self.facings
        return from_below.reaches(beside.T) > 0

    @cached_property
    def height_mm(self) -> float:
        """Of the part as it lies."""
        return float(self.tops_mm.max())

    @property
    def light_map_px(self) -> int:
        """The size of a map of what a light sees of the part."""
        return _light_map_px(self.ground_half_mm)


@dataclass(frozen=True)
class LightMap:
    """What a distant light sees of a part: an orthographic depth map along the light's direction.

    Attributes:
        depth_buffer: (size, size) float32, mm towards the light, -inf where the light reaches the table.
        axes: (3, 3) float32, rows are right, down and away from the light.
        middle: (3,) float32, the point in the middle of the map.
        px_per_mm: scale of the map.
    """

    depth_buffer: Floats32
    axes: Floats32
    middle: Floats32
    px_per_mm: float

    def reaches(self, points: Floats32, spread_px: float = 0.0) -> Floats32:
        """The share of light that reaches `points` (3, k), float32 (k,): 0 or 1.

        With a spread, the mean at four places of the map, so far to each side.
        """
        size = len(self.depth_buffer)
        seen = self.axes @ (points - self.middle[:, None])
        nearness = _DEPTH_BIAS_MM - seen[2]
        columns, rows = (
            np.clip(along * self.px_per_mm + size / 2, spread_px, size - 1 - spread_px) for along in seen[:2]
        )
        shifts_px = (-spread_px, spread_px) if spread_px else (0.0,)
        columns_there = [(columns + shift_px).astype(np.intp) for shift_px in shifts_px]
        nearest = self.depth_buffer.reshape(-1)
        reached = np.zeros(points.shape[1], np.uint8)
        for shift_px in shifts_px:
            first = (rows + shift_px).astype(np.intp) * size
            for column in columns_there:
                reached += nearness >= nearest.take(first + column)
        return reached * np.float32(1 / len(shifts_px) ** 2)

    def clearance_mm(self, normals: Floats32, spread_px: float) -> Floats32:
        """How far off surfaces with `normals` (3, k) points must lie not to be hidden by them, (k,).

        `reaches` looks up to half a texel and the spread to each side, where a surface may rise towards the
        light by the tangent of its slant. A step along the normal makes up for that if it is as long as the
        step aside, times the sine of the slant.
        """
        aside_mm = np.sqrt(np.float32(2)) * np.float32((spread_px + 0.5) / self.px_per_mm)
        facing = self.axes[2] @ normals
        return np.asarray(aside_mm * np.sqrt(np.maximum(1 - facing * facing, 0)))

    def on_ground(self, half_mm: float, texels: int) -> Floats32:
        """What the part hides from the light of a square of table, (texels, texels), 0 to 1; rows are y.

        The square reaches from minus to plus `half_mm`.
        """
        texel_mm = 2 * half_mm / texels
        first_mm = texel_mm / 2 - half_mm
        to_map = self.axes[:2, :2] * self.px_per_mm
        first = to_map @ (np.full(2, first_mm) - self.middle[:2]) + (len(self.depth_buffer) - 1) / 2
        first -= self.axes[:2, 2] * (self.middle[2] * self.px_per_mm)
        shadow = cv2.warpAffine(
            np.isfinite(self.depth_buffer).astype(np.float32),
            np.column_stack([to_map * texel_mm, first]),
            (texels, texels),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
        return np.asarray(shadow, dtype=np.float32)


def light_maps(corners: Floats32, directions: Sequence[Floats32], size_px: int) -> list[LightMap]:
    """Draw what distant lights in some `directions` (3,) see of the triangles `corners` (n, 3, 3)."""
    along_axes = corners.reshape(-1, 3).T
    # One axis after the other: along short axes NumPy takes ten times longer.
    middle = np.array([(along.min() + along.max()) / 2 for along in along_axes], np.float32)
    axes = [axes_along(-direction).astype(np.float32) for direction in directions]
    seen = [own @ (along_axes - middle[:, None]) for own in axes]
    px_per_mm = [size_px / (2.1 * float(np.abs(own[:2]).max())) for own in seen]
    points = [
        own[:2] * np.float32(scale) + np.float32(size_px / 2)
        for own, scale in zip(seen, px_per_mm, strict=True)
    ]
    buffers = depth_buffers(
        np.concatenate(points, axis=1).T.reshape(-1, 3, 2),
        -np.concatenate([own[2] for own in seen]).reshape(-1, 3),
        np.repeat(np.arange(len(axes)), len(corners)),
        (len(axes), size_px, size_px),
    )
    return [
        LightMap(buffer, own, middle, scale)
        for buffer, own, scale in zip(buffers, axes, px_per_mm, strict=True)
    ]


def bake(whole: Mesh) -> BakedPart:
    """The occlusion of a lying part; takes some tenths of a second."""
    reach_mm = float(np.linalg.norm(whole.corners[..., :2], axis=-1).max())
    ground_half_mm = max(_LEAST_GROUND_HALF_MM, _GROUND_BEYOND_PART * reach_mm)
    mesh = _split(whole, _LONGEST_EDGE * ground_half_mm)
    corners = mesh.corners.astype(np.float32)
    normals = mesh.normals.astype(np.float32)
    silhouette = whole.corners.astype(np.float32)
    starts = _just_off(corners)
    ground = _ground_points(_GROUND_TEXELS, ground_half_mm)

    skin_light = np.zeros(corners.shape[:2], np.float32).reshape(-1)
    ground_light = np.zeros(ground.shape[1], np.float32)
    sky = _sky_directions(_SKY_DIRECTIONS)
    for direction in sky:
        (seen_by_light,) = light_maps(silhouette, [direction], _light_map_px(ground_half_mm))
        cosine = np.maximum(normals.reshape(-1, 3) @ direction, 0)
        skin_light += cosine * seen_by_light.reaches(starts)
        ground_light += direction[2] * seen_by_light.reaches(ground)
    in_the_open = sky[:, 2].sum()
    baked_ground = (ground_light / in_the_open).reshape(_GROUND_TEXELS, _GROUND_TEXELS)
    return BakedPart(
        corners,
        normals,
        mesh.colours,
        (skin_light / in_the_open).reshape(corners.shape[:2]),
        silhouette,
        _facings(corners),
        baked_ground,
        ground_half_mm,
    )


def _just_off(corners: Floats32) -> Floats32:
    """Points (3, n * 3) near the corners, lifted and drawn into the triangle, so no edge hides itself."""
    inside = 0.96 * corners + 0.04 * corners.mean(axis=1, keepdims=True)
    lifted = inside + _LIFT_MM * _facings(corners)[:, None]
    return np.ascontiguousarray(lifted.reshape(-1, 3).T, dtype=np.float32)


def _facings(corners: Floats32) -> Floats32:
    facings = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facings /= np.linalg.norm(facings, axis=1, keepdims=True)
    return facings


def _sky_directions(count: int) -> Floats32:
    """Directions (count, 3) spread evenly over the upper hemisphere: a spiral by the golden angle."""
    place = np.arange(count) + 0.5
    z = 1 - 0.95 * place / count
    turn = place * np.pi * (3 - np.sqrt(5))
    radius = np.sqrt(1 - z * z)
    return np.column_stack([radius * np.cos(turn), radius * np.sin(turn), z]).astype(np.float32)


def _light_map_px(ground_half_mm: float) -> int:
    return min(round(_LIGHT_MAP_PX_PER_MM * ground_half_mm), _LARGEST_LIGHT_MAP_PX)


def _ground_points(texels: int, half_mm: float) -> Floats32:
    """The middles of the texels on the table, (3, texels squared) float32."""
    middles = (np.arange(texels) + 0.5) / texels * 2 * half_mm - half_mm
    x, y = np.meshgrid(middles, middles)
    return np.stack([x, y, np.full_like(x, 0.1)]).reshape(3, -1).astype(np.float32)


def _split(mesh: Mesh, longest_mm: float) -> Mesh:
    """Halve triangles at their longest edge until none is longer than `longest_mm`."""
    corners, normals, colours = mesh.corners, mesh.normals, mesh.colours
    while True:
        lengths = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)
        long = lengths.max(axis=1) > longest_mm
        if not long.any():
            return Mesh(corners, normals, colours)
        first = lengths[long].argmax(axis=1)
        order = (first[:, None] + np.arange(3)) % 3
        halves = []
        for values in (corners, normals):
            a, b, c = np.take_along_axis(values[long], order[..., None], axis=1).transpose(1, 0, 2)
            middle = (a + b) / 2
            halves.append(np.concatenate([np.stack([a, middle, c], 1), np.stack([middle, b, c], 1)]))
        corners = np.concatenate([corners[~long], halves[0]])
        normals = np.concatenate([normals[~long], halves[1]])
        colours = np.concatenate([colours[~long], colours[long], colours[long]])
