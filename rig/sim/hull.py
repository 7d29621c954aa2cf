"""The convex hull of a few hundred points in space, in NumPy alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig.sim.geometry import Floats

# Points are moved by up to this much, so that no four of them lie in a plane ("joggled input", as in Qhull).
JOGGLE_MM = 1e-3


@dataclass(frozen=True)
class Hull:
    """A convex polyhedron of triangles; a flat side is several triangles that are flush but for the joggling.

    Attributes:
        points: (n, 3) positions in mm, joggled.
        faces: (m, 3) indices into `points`, counter-clockwise seen from outside.
    """

    points: Floats
    faces: NDArray[np.intp]

    @property
    def normals(self) -> Floats:
        """The outward unit normal of each face, (m, 3)."""
        a, b, c = (self.points[self.faces[:, corner]] for corner in range(3))
        normals = np.cross(b - a, c - a)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return normals


def convex_hull(points: Floats) -> Hull:
    """The hull of `points` (n, 3).

    Incremental: each point that sees some faces from outside replaces them by a fan over their horizon.

    Raises:
        ValueError: the points lie in a plane.
    """
    joggled = points + np.random.default_rng(0).uniform(-JOGGLE_MM, JOGGLE_MM, points.shape)
    faces = _first_tetrahedron(joggled)
    for index in np.setdiff1d(np.arange(len(joggled)), faces):
        outside = _heights_above(joggled, faces, joggled[index]) > 0
        if outside.any():
            horizon = _horizon(faces[outside])
            fan = np.column_stack([horizon, np.full(len(horizon), index)])
            faces = np.concatenate([faces[~outside], fan])
    return Hull(joggled, faces)


def _first_tetrahedron(points: Floats) -> NDArray[np.intp]:
    a = int(points[:, 0].argmin())
    b = int(np.linalg.norm(points - points[a], axis=1).argmax())
    areas = np.linalg.norm(np.cross(points - points[a], points[b] - points[a]), axis=1)
    c = int(areas.argmax())
    heights = (points - points[a]) @ np.cross(points[b] - points[a], points[c] - points[a])
    d = int(np.abs(heights).argmax())
    if abs(heights[d]) < 10 * JOGGLE_MM * areas[c]:
        raise ValueError("points in a plane have no hull with an inside")
    if heights[d] > 0:
        b, c = c, b
    return np.array([(a, b, c), (a, c, d), (c, b, d), (b, a, d)])


def _heights_above(points: Floats, faces: NDArray[np.intp], point: Floats) -> Floats:
    """The signed volume (times six) between each face and the point; positive in front of the face."""
    a, b, c = (points[faces[:, corner]] for corner in range(3))
    heights: Floats = np.einsum("ij,ij->i", np.cross(b - a, c - a), point - a)
    return heights


def _horizon(visible: NDArray[np.intp]) -> NDArray[np.intp]:
    """The directed edges (k, 2) of the visible faces whose other side is not visible."""
    edges = np.concatenate([visible[:, [0, 1]], visible[:, [1, 2]], visible[:, [2, 0]]])
    present = {(int(a), int(b)) for a, b in edges}
    return np.array([(a, b) for a, b in present if (b, a) not in present], dtype=np.intp)
