"""Rays through meshes, for asking a part where its plastic is."""

import numpy as np

from rig.sim.geometry import Floats, Mesh


def hits(mesh: Mesh, origin: Floats, direction: Floats) -> list[tuple[float, bool]]:
    """Where a ray meets the surface, nearest first: distance, and whether it enters the plastic there.

    Möller and Trumbore (1997), for all triangles at once.
    """
    start, edge1, edge2 = (
        mesh.corners[:, 0],
        mesh.corners[:, 1] - mesh.corners[:, 0],
        mesh.corners[:, 2] - mesh.corners[:, 0],
    )
    across = np.cross(direction, edge2)
    determinant = (edge1 * across).sum(axis=1)
    crossing = np.abs(determinant) > 1e-9
    safe = np.where(crossing, determinant, 1.0)
    offset = origin - start
    u = (offset * across).sum(axis=1) / safe
    turned = np.cross(offset, edge1)
    v = (turned @ direction) / safe
    distance = (edge2 * turned).sum(axis=1) / safe
    met = crossing & (u >= 0) & (v >= 0) & (u + v <= 1) & (distance > 1e-9)
    return sorted((float(distance[i]), bool(determinant[i] > 0)) for i in np.flatnonzero(met))


def height_of(mesh: Mesh, x: float, y: float) -> float | None:
    """The height at which something that falls at (x, y) lands on the part; None beside it."""
    met = hits(mesh, np.array([x, y, 100.0]), np.array([0.0, 0.0, -1.0]))
    return 100.0 - met[0][0] if met else None


def underside_of(mesh: Mesh, x: float, y: float) -> float | None:
    """The height at which something that rises at (x, y) meets the part; None beside it."""
    met = hits(mesh, np.array([x, y, -100.0]), np.array([0.0, 0.0, 1.0]))
    return met[0][0] - 100.0 if met else None


def is_open_from_front_to_back(mesh: Mesh, x: float, z: float) -> bool:
    """Whether one can look through the part along y at (x, z)."""
    return not hits(mesh, np.array([x, -100.0, z]), np.array([0.0, 1.0, 0.0]))
