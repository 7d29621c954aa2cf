"""Building blocks of part geometry: outlines, sheets of triangles between them, and walls swept along them.

Lengths are millimetres. An outline is an (n, 2) array of corners, counter-clockwise; a sheet is an (m, 3, 2)
array of counter-clockwise triangles. Both become part of a mesh by being laid on a plane in space.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rig.sim.plastics import OWN_COLOUR

Floats = NDArray[np.float64]

CIRCLE_SIDES = 24


@dataclass(frozen=True)
class Mesh:
    """Triangles, counter-clockwise seen from outside.

    Attributes:
        corners: (n, 3, 3) positions in mm: triangle, corner, axis.
        normals: (n, 3, 3) unit normals at the corners, for smooth shading.
        colours: (n,) LDraw colour codes; `OWN_COLOUR` where a triangle takes that of the part.
    """

    corners: Floats
    normals: Floats
    colours: NDArray[np.int64]

    @classmethod
    def in_own_colour(cls, corners: Floats, normals: Floats) -> "Mesh":
        """A mesh that takes the colour of the part all over."""
        return cls(corners, normals, np.full(len(corners), OWN_COLOUR))

    def inside_out(self) -> "Mesh":
        """The same surface seen from the other side: a solid becomes a cavity."""
        return Mesh(self.corners[:, ::-1], -self.normals[:, ::-1], self.colours)

    def moved(self, offset_mm: ArrayLike) -> "Mesh":
        """The mesh shifted by x, y and z."""
        return Mesh(self.corners + np.asarray(offset_mm, dtype=float), self.normals, self.colours)

    def part_of(self, triangles: NDArray[np.bool_]) -> "Mesh":
        """Some of its triangles, by a mask (n,)."""
        return Mesh(self.corners[triangles], self.normals[triangles], self.colours[triangles])

    def turned(self, rotation: Floats) -> "Mesh":
        """The mesh turned by a (3, 3) rotation matrix about the origin."""
        return Mesh(self.corners @ rotation.T, self.normals @ rotation.T, self.colours)


@dataclass(frozen=True)
class Plane:
    """A plane in space: `origin` plus multiples of the unit vectors `right` and `up`."""

    origin: tuple[float, float, float]
    right: tuple[float, float, float]
    up: tuple[float, float, float]

    @property
    def normal(self) -> Floats:
        """The unit vector that the plane faces."""
        return np.cross(self.right, self.up)

    def place(self, points: ArrayLike) -> Floats:
        """Points (..., 2) of the plane as points (..., 3) of space."""
        offset = np.asarray(points, dtype=float) @ np.array([self.right, self.up])
        return np.asarray(np.array(self.origin) + offset)


def level(z: float) -> Plane:
    """The horizontal plane at height `z`, facing up."""
    return Plane((0, 0, z), (1, 0, 0), (0, 1, 0))


def level_facing_down(z: float) -> Plane:
    """The horizontal plane at height `z`, facing down: its second axis is negative y."""
    return Plane((0, 0, z), (1, 0, 0), (0, -1, 0))


def facing_y(y: float) -> Plane:
    """The upright plane at `y`, facing back along negative y, with x to the right and z up."""
    return Plane((0, y, 0), (1, 0, 0), (0, 0, 1))


def facing_x(x: float) -> Plane:
    """The upright plane at `x`, facing along positive x, with y to the right and z up."""
    return Plane((x, 0, 0), (0, 1, 0), (0, 0, 1))


def merge(*meshes: Mesh) -> Mesh:
    """One mesh of several."""
    return Mesh(
        np.concatenate([mesh.corners for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.colours for mesh in meshes]),
    )


def axes_along(forward: ArrayLike) -> Floats:
    """A (3, 3) rotation whose rows are right, down and forward, for a viewer who looks along `forward`."""
    ahead = np.asarray(forward, dtype=float)
    aside = np.array([0.0, 0.0, 1.0] if abs(ahead[2]) < 0.99 else [0.0, 1.0, 0.0])
    right = np.cross(ahead, aside)
    right /= np.linalg.norm(right)
    return np.array([right, np.cross(ahead, right), ahead])


# Outlines.


def rectangle(x0: float, y0: float, x1: float, y1: float) -> Floats:
    """The outline of a rectangle from its lower left to its upper right corner."""
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], dtype=float)


def circle(centre: tuple[float, float], radius: float) -> Floats:
    """The outline of a circle."""
    angle = np.arange(CIRCLE_SIDES) * (2 * np.pi / CIRCLE_SIDES)
    return np.array(centre) + radius * np.column_stack([np.cos(angle), np.sin(angle)])


def cross(centre: tuple[float, float], reach: float, width: float) -> Floats:
    """The outline of an upright cross: arms of `width` that reach `reach` from the centre."""
    half = width / 2
    arm = np.array([(reach, -half), (reach, half), (half, half)])
    quarter_turn = np.array([(0, 1), (-1, 0)])
    arms = [arm @ np.linalg.matrix_power(quarter_turn, quarter) for quarter in range(4)]
    return np.asarray(np.array(centre) + np.concatenate(arms))


def arch(centre: tuple[float, float], radius: float, top: float) -> Floats:
    """The outline of a half circle below `centre`, with upright sides to `top`; the top edge comes last."""
    below = np.pi + np.arange(CIRCLE_SIDES // 2 + 1) * (2 * np.pi / CIRCLE_SIDES)
    half_circle = np.array(centre) + radius * np.column_stack([np.cos(below), np.sin(below)])
    return np.vstack([(centre[0] - radius, top), half_circle, (centre[0] + radius, top)])


# Sheets.


def fan(outline: ArrayLike) -> Floats:
    """The inside of a convex outline."""
    points = np.asarray(outline, dtype=float)
    return np.stack([np.broadcast_to(points[0], points[2:].shape), points[1:-1], points[2:]], axis=1)


def ring(outer: ArrayLike, inner: ArrayLike, centre: tuple[float, float]) -> Floats:
    """What lies between two outlines, which may touch; from `centre` both must be seen whole."""
    outlines = [np.asarray(outline, dtype=float) - centre for outline in (outer, inner)]
    corners = np.concatenate(outlines)
    # Corners of the two outlines that lie in one direction must not open a sliver between them.
    angles = np.unique(np.round(np.arctan2(corners[:, 1], corners[:, 0]), 6))
    rays = np.column_stack([np.cos(angles), np.sin(angles)])
    far, near = (_where_rays_cross(rays, outline) + centre for outline in outlines)
    far_next, near_next = np.roll(far, -1, axis=0), np.roll(near, -1, axis=0)
    return _without_slivers(
        np.concatenate([np.stack([near, far, far_next], 1), np.stack([near, far_next, near_next], 1)])
    )


def _without_slivers(sheet: Floats) -> Floats:
    right, up = sheet[:, 1] - sheet[:, 0], sheet[:, 2] - sheet[:, 0]
    return sheet[right[:, 0] * up[:, 1] - right[:, 1] * up[:, 0] > 1e-4]


def _where_rays_cross(rays: Floats, outline: Floats) -> Floats:
    """Where rays (n, 2) from the origin cross an outline around it, (n, 2)."""
    start = outline
    edge = np.roll(outline, -1, axis=0) - outline
    # Solve t * ray = start + s * edge for each pair of ray and edge.
    determinant = rays[:, None, 0] * edge[None, :, 1] - rays[:, None, 1] * edge[None, :, 0]
    parallel = np.abs(determinant) < 1e-9
    safe = np.where(parallel, 1.0, determinant)
    t = (start[:, 0] * edge[:, 1] - start[:, 1] * edge[:, 0])[None] / safe
    s = (start[None, :, 0] * rays[:, None, 1] - start[None, :, 1] * rays[:, None, 0]) / safe
    crosses = ~parallel & (t > 0) & (s > -1e-6) & (s < 1 + 1e-6)
    distance = np.where(crosses, t, np.inf).min(axis=1)
    return np.asarray(rays * distance[:, None])


# Meshes.


def lay(sheet: Floats, plane: Plane) -> Mesh:
    """A sheet laid on a plane, facing as the plane does."""
    corners = plane.place(sheet)
    return Mesh.in_own_colour(corners, np.broadcast_to(plane.normal, corners.shape).copy())


def sweep(
    outline: ArrayLike, plane: Plane, length: ArrayLike, *, smooth: bool = False, closed: bool = True
) -> Mesh:
    """The wall around an outline that is swept from its plane along the plane's normal, seen from outside.

    Args:
        outline: of the wall, on `plane`.
        plane: where the wall starts.
        length: how far it goes; one number, or one for each corner of the outline.
        smooth: shade the wall as a curved one, for circles.
        closed: False leaves the wall from the last corner to the first one out.
    """
    points = np.asarray(outline, dtype=float)
    edge = np.roll(points, -1, axis=0) - points
    side = np.column_stack([edge[:, 1], -edge[:, 0]])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    here, there = side, side
    if smooth:
        here = side + np.roll(side, 1, axis=0)
        here /= np.linalg.norm(here, axis=1, keepdims=True)
        there = np.roll(here, -1, axis=0)
    foot = plane.place(points)
    top = foot + plane.normal * np.broadcast_to(length, len(points))[:, None]
    foot_next, top_next = np.roll(foot, -1, axis=0), np.roll(top, -1, axis=0)
    axes = np.array([plane.right, plane.up])
    n_here, n_there = here @ axes, there @ axes
    walls = slice(None) if closed else slice(-1)
    corners = (np.stack([foot, foot_next, top_next], 1), np.stack([foot, top_next, top], 1))
    normals = (np.stack([n_here, n_there, n_there], 1), np.stack([n_here, n_there, n_here], 1))
    return Mesh.in_own_colour(
        np.concatenate([triangles[walls] for triangles in corners]),
        np.concatenate([triangles[walls] for triangles in normals]),
    )


def cylinder(centre: tuple[float, float], radius: float, z0: float, z1: float) -> Mesh:
    """The upright wall of a round solid, without its ends."""
    return sweep(circle(centre, radius), level(z0), z1 - z0, smooth=True)
