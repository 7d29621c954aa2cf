"""On which sides a part comes to rest, and how often.

A part is taken for its convex hull with the mass in its skin. Dropped in a random attitude, it touches the
table with the face below its middle and rolls over edges until its middle lies above the face it stands on:
the quasi-static estimate of Wiegley, Rao and Goldberg, "Computing a statistical distribution of stable poses
for a polyhedron" (1992). The solid angle in which the middle sees a face is the chance to land on it first.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rig.sim.geometry import Floats, Mesh
from rig.sim.hull import JOGGLE_MM, Hull, convex_hull

# Attitudes that hardly ever occur, such as a long brick on end, are left out: a touch upsets them. But a ball
# has no likelier ones.
_LEAST_PROBABILITY = 0.03
_LEAST_SHARE_OF_LIKELIEST = 1 / 3
# A round part rests on any of its many narrow faces: those next to a likelier one are taken for that one.
_SAME_SIDE_COSINE = np.cos(np.radians(10))


@dataclass(frozen=True)
class RestingPose:
    """A side on which a part rests.

    Attributes:
        down: the direction in the part's own frame that points at the table, of length 1.
        probability: how often a dropped part comes to rest so; over the poses of a part they sum to 1.
    """

    down: tuple[float, float, float]
    probability: float


def poses_of(mesh: Mesh) -> tuple[RestingPose, ...]:
    """The sides on which a body of thin walls rests, the likeliest first."""
    points = np.unique(mesh.corners.reshape(-1, 3).round(2), axis=0)
    hull = convex_hull(points)
    middle = _middle_of_skin(mesh)
    chances = np.bincount(
        _settle(hull, middle), weights=_solid_angles(hull, middle), minlength=len(hull.faces)
    )
    sides = _merge_sides(hull.normals, chances / chances.sum())
    kept = sum(chance for _, chance in sides)
    downs = [_flush(points, down) for down, _ in sides]
    return tuple(
        RestingPose((float(down[0]), float(down[1]), float(down[2])), chance / kept)
        for down, (_, chance) in zip(downs, sides, strict=True)
    )


def laid(mesh: Mesh, pose: RestingPose) -> Mesh:
    """The body on one of its sides: lowest point at z = 0, the middle of its outline above the origin."""
    up = -np.array(pose.down)
    aside = np.array([1.0, 0.0, 0.0]) if abs(up[0]) < 0.9 else np.array([0.0, 1.0, 0.0])
    right = np.cross(aside, up)
    right /= np.linalg.norm(right)
    turned = mesh.turned(np.array([right, np.cross(up, right), up]))
    low, high = turned.corners.min(axis=(0, 1)), turned.corners.max(axis=(0, 1))
    return turned.moved((-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, -low[2]))


def _middle_of_skin(mesh: Mesh) -> Floats:
    """The centre of mass of a part whose walls are thin: the mean over its surface."""
    a, b, c = mesh.corners[:, 0], mesh.corners[:, 1], mesh.corners[:, 2]
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    middle: Floats = areas @ mesh.corners.mean(axis=1) / areas.sum()
    return middle


def _solid_angles(hull: Hull, eye: Floats) -> Floats:
    """The solid angle of each face seen from `eye`, after Van Oosterom and Strackee (1983)."""
    rays = hull.points[hull.faces] - eye
    a, b, c = (
        rays[:, corner] / np.linalg.norm(rays[:, corner], axis=1, keepdims=True) for corner in range(3)
    )
    volume = np.einsum("ij,ij->i", a, np.cross(b, c))
    angles: Floats = 2 * np.arctan2(volume, 1 + (a * b).sum(1) + (b * c).sum(1) + (c * a).sum(1))
    return angles


def _settle(hull: Hull, middle: Floats) -> NDArray[np.intp]:
    """The face on which each face's part ends up after rolling, as (m,) indices.

    On a face whose triangle does not lie below the middle, the part rolls over the edge that the middle is
    furthest beyond. Each roll lowers the middle, so that it ends.
    """
    points, faces, normals = hull.points, hull.faces, hull.normals
    owner = {
        (int(abc[side]), int(abc[side - 2])): face for face, abc in enumerate(faces) for side in range(3)
    }
    next_face = np.arange(len(faces))
    for face, abc in enumerate(faces):
        starts, ends = points[abc], points[np.roll(abc, -1)]
        outward = np.cross(ends - starts, normals[face])
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        beyond = ((middle - starts) * outward).sum(axis=1)
        edge = int(beyond.argmax())
        if beyond[edge] > 0:
            next_face[face] = owner[int(abc[(edge + 1) % 3]), int(abc[edge])]
    for _ in range(int(np.log2(len(faces))) + 1):
        next_face = next_face[next_face]
    return next_face


def _merge_sides(normals: Floats, chances: Floats) -> list[tuple[Floats, float]]:
    """Direction and chance of each side that is worth keeping, the likeliest first."""
    sides: list[tuple[Floats, float]] = []
    for face in np.argsort(-chances):
        for place, (down, chance) in enumerate(sides):
            if down @ normals[face] > _SAME_SIDE_COSINE:
                sides[place] = (down, chance + float(chances[face]))
                break
        else:
            sides.append((normals[face], float(chances[face])))
    likeliest = max(chance for _, chance in sides)
    least = min(_LEAST_PROBABILITY, _LEAST_SHARE_OF_LIKELIEST * likeliest)
    likely = [side for side in sides if side[1] >= least]
    return sorted(likely, key=lambda side: -side[1])


def _flush(points: Floats, down: Floats) -> Floats:
    """The exact direction of a side: the normal of the plane through all points that touch the table."""
    depth = points @ down
    touching = points[depth > depth.max() - 10 * JOGGLE_MM]
    # Without the full matrix of left vectors, which has a row and a column a point.
    _, _, axes = np.linalg.svd(touching - touching.mean(axis=0), full_matrices=False)
    normal: Floats = axes[2] * np.sign(axes[2] @ down)
    return normal
