"""Normals for smooth shading: the lines of LDraw files say where a surface is creased, and where it bends."""

import numpy as np
from numpy.typing import NDArray

from rig.sim.geometry import Floats
from rig.sim.ldraw.drawing import Faces

# Corners that are nearer than this, in LDraw units, are one.
_WELD = 0.02
# The grid that tells corners apart lies between the round numbers that files are written in.
_WELD_SHIFT = 0.137
_AXIS_BITS = 21
# Faces that meet at more than this are creased, unless a conditional line says that they bend; then it takes
# more. A circle of LDraw has 16 sides, 22.5 degrees apart, a coarse one has 8.
_PLAIN_BEND_COSINE = np.cos(np.radians(30))
_MARKED_BEND_COSINE = np.cos(np.radians(60))
# The sharp ends of slivers count a little, too.
_LEAST_ANGLE = 1e-3

Indices = NDArray[np.int64]


def smooth_normals(faces: Faces) -> Floats:
    """Unit normals at the corners of triangles that have an area, (n, 3, 3).

    Around a corner, the normals of faces are averaged that no crease parts, by area and angle: a wide flat
    face beside a narrow rounding stays flat.
    """
    corners = faces.corners
    vertices = _vertex_keys(corners)
    starts, ends = vertices, np.roll(vertices, -1, axis=1)
    edges = _edge_keys(starts, ends).ravel()
    normals, weights = _facings(corners)

    order = np.argsort(edges, kind="stable")
    beside = np.flatnonzero(edges[order][1:] == edges[order][:-1])
    one, other = order[beside], order[beside + 1]
    cosine = np.einsum("ij,ij->i", normals[one // 3], normals[other // 3])
    shared = edges[one]
    bends = (cosine > _PLAIN_BEND_COSINE) & ~np.isin(shared, _keys_of_lines(faces.creases))
    bends |= (cosine > _MARKED_BEND_COSINE) & np.isin(shared, _keys_of_lines(faces.bends))
    one, other = one[bends], other[bends]

    # An edge starts at the corner of its own number and ends at the next corner of its face.
    one_end, other_end = (edge - edge % 3 + (edge + 1) % 3 for edge in (one, other))
    opposed = vertices.ravel()[one] != vertices.ravel()[other]
    group = _connected(
        corners.shape[0] * 3,
        np.concatenate([one, one_end]),
        np.concatenate([np.where(opposed, other_end, other), np.where(opposed, other, other_end)]),
    )
    weighted = (normals[:, None] * weights[..., None]).reshape(-1, 3)
    sums: Floats = np.column_stack([np.bincount(group, weighted[:, axis], len(group)) for axis in range(3)])
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray((sums[group] / lengths[group]).reshape(corners.shape))


def _facings(corners: Floats) -> tuple[Floats, Floats]:
    """The unit normal of each triangle (n, 3), and how much it counts at each of its corners (n, 3)."""
    sides = np.roll(corners, -1, axis=1) - corners
    facings = np.cross(sides[:, 0], sides[:, 1])
    areas = np.linalg.norm(facings, axis=1)
    lengths = np.linalg.norm(sides, axis=2)
    turns = np.einsum("nci,nci->nc", sides, np.roll(sides, 1, axis=1)) / (
        lengths * np.roll(lengths, 1, axis=1)
    )
    angles = np.maximum(np.arccos(np.clip(-turns, -1, 1)), _LEAST_ANGLE)
    return facings / areas[:, None], angles * areas[:, None]


def _vertex_keys(points: Floats) -> Indices:
    """A number for each point (..., 3), the same for points that are welded."""
    grid = np.floor(points / _WELD + _WELD_SHIFT).astype(np.int64) & ((1 << _AXIS_BITS) - 1)
    keys: Indices = grid[..., 0] << (2 * _AXIS_BITS) | grid[..., 1] << _AXIS_BITS | grid[..., 2]
    return keys


def _edge_keys(starts: Indices, ends: Indices) -> Indices:
    """A number for each edge, the same in both directions; two edges that get the same one are rare."""
    low, high = np.minimum(starts, ends), np.maximum(starts, ends)
    # Overflow wraps around: the product only mixes the bits (Fibonacci hashing).
    keys: Indices = low * np.int64(-7046029254386353131) + high
    return keys


def _keys_of_lines(lines: Floats) -> Indices:
    vertices = _vertex_keys(lines)
    return np.unique(_edge_keys(vertices[:, 0], vertices[:, 1]))


def _connected(count: int, one: Indices, other: Indices) -> Indices:
    """The connected components of `count` nodes: for each the least node that it is linked with."""
    least = np.arange(count)
    while True:
        before = least.copy()
        nearer = np.minimum(least[one], least[other])
        np.minimum.at(least, one, nearer)
        np.minimum.at(least, other, nearer)
        least = least[least]
        if np.array_equal(least, before):
            return least
