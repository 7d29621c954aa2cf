"""The convex hull of points in space, in NumPy alone."""

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

    Incremental: each point that sees some faces from outside replaces them by a fan over their horizon. The
    point that is furthest above each face comes next, as in Quickhull (Barber, Dobkin and Huhdanpaa, 1996),
    and what lies inside by then is done with: of ten thousand points only some hundred are ever looked at.

    Raises:
        ValueError: the points lie in a plane.
    """
    joggled = points + np.random.default_rng(0).uniform(-JOGGLE_MM, JOGGLE_MM, points.shape)
    faces = _first_tetrahedron(joggled)
    waiting = np.setdiff1d(np.arange(len(joggled)), faces)
    while len(waiting):
        heights = _heights_above(joggled, faces, joggled[waiting])
        furthest = np.unique(waiting[heights.argmax(axis=0)])
        waiting = np.setdiff1d(waiting[heights.max(axis=1) > 0], furthest)
        for index in furthest:
            faces = _with_point(joggled, faces, int(index))
    return Hull(joggled, faces)


def _with_point(points: Floats, faces: NDArray[np.intp], index: int) -> NDArray[np.intp]:
    """The faces of a hull that reaches out to one more point, if it lies outside."""
    seen = _heights_above(points, faces, points[index, None])[0] > 0
    if not seen.any():
        return faces
    horizon = _horizon(faces[seen])
    fan = np.column_stack([horizon, np.full(len(horizon), index)])
    return np.concatenate([faces[~seen], fan])


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


def _heights_above(points: Floats, faces: NDArray[np.intp], seeing: Floats) -> Floats:
    """The signed volume (times six) between points (k, 3) and faces, (k, m); positive in front of a face."""
    a, b, c = (points[faces[:, corner]] for corner in range(3))
    facings = np.cross(b - a, c - a)
    heights: Floats = seeing @ facings.T - np.einsum("ij,ij->i", facings, a)
    return heights


def _horizon(visible: NDArray[np.intp]) -> NDArray[np.intp]:
    """The directed edges (k, 2) of the visible faces whose other side is not visible."""
    edges = np.concatenate([visible[:, [0, 1]], visible[:, [1, 2]], visible[:, [2, 0]]])
    present = {(int(a), int(b)) for a, b in edges}
    return np.array([(a, b) for a, b in present if (b, a) not in present], dtype=np.intp)
