"""What may lie in a pile beside sound parts: a damaged one, or two at once, stuck together or apart.

Such a piece has a number of its own, by which the simulator keeps its shape as it does that of a part:
`3001~chipped`, `3001~on~3003`. No part number has a `~`, so that nobody can ask for one by accident.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Self

import numpy as np

from rig.catalog import PartNumber
from rig.sim.geometry import Floats, Mesh, merge
from rig.sim.parts import STUD_HEIGHT, STUD_RADIUS

_MARK = "~"
# How large a damage is, and which share of the part's extent at the most.
_CHIP_MM = 5.0
_LARGEST_CHIP = 0.4
_BITE_RADIUS_MM = 5.0
_LARGEST_BITE = 0.5
_STUMP_MM = 0.3
# Between two parts that lie apart.
_GAP_MM = 14.0
_STUD_MARGIN_MM = 0.2
# What is lower than the highest point by less than this is level with it.
_FLAT_MM = 0.05
# What is bent is first split into triangles no longer than this.
_FINE_MM = 1.0


class Damage(Enum):
    """What happened to a part."""

    CHIPPED = "chipped"
    BITTEN = "bitten"
    SHORN = "shorn"


class Joint(Enum):
    """How two parts come at once: the first stands on the second, they touch side by side, or lie apart."""

    ON = "on"
    BESIDE = "beside"
    APART = "apart"


STUCK = (Joint.ON, Joint.BESIDE)
"""The ways in which two parts are stuck together."""


@dataclass(frozen=True)
class Piece:
    """One thing of a pile.

    Attributes:
        parts: its part, or the two that come at once.
        damage: of a single part; None for a sound one.
        joint: of two parts.
    """

    parts: tuple[PartNumber, ...]
    damage: Damage | None = None
    joint: Joint | None = None

    @property
    def number(self) -> PartNumber:
        """By which the simulator knows its shape; that of a sound part is the part's own."""
        if self.joint is not None:
            return PartNumber(_MARK.join((self.parts[0], self.joint.value, self.parts[1])))
        return PartNumber(self.parts[0] + (f"{_MARK}{self.damage.value}" if self.damage else ""))

    @classmethod
    def of(cls, number: PartNumber) -> Self:
        """The piece with a number."""
        match number.split(_MARK):
            case [first, joint, second]:
                return cls((PartNumber(first), PartNumber(second)), joint=Joint(joint))
            case [part, damage]:
                return cls((PartNumber(part),), damage=Damage(damage))
            case _:
                return cls((number,))

    def shape(self, mesh_of: Callable[[PartNumber], Mesh]) -> Mesh:
        """Its surface, made of those of its parts."""
        meshes = [mesh_of(part) for part in self.parts]
        if self.joint is not None:
            return _JOINTS[self.joint](*meshes)
        return meshes[0] if self.damage is None else _DAMAGES[self.damage](meshes[0])


def _stacked(upper: Mesh, lower: Mesh) -> Mesh:
    """The studs of the lower part stand in the upper one."""
    height = lower.corners[..., 2].max() - STUD_HEIGHT
    return merge(upper.moved((0, 0, height)), lower)


def _side_by_side(left: Mesh, right: Mesh) -> Mesh:
    """Their ends touch."""
    return merge(left.moved((-left.corners[..., 0].max(), 0, 0)), right.moved(-_low_x(right)))


def _apart(left: Mesh, right: Mesh) -> Mesh:
    """There is table between their ends."""
    half_gap = np.array([_GAP_MM / 2, 0.0, 0.0])
    return merge(left.moved(-half_gap - _high_x(left)), right.moved(half_gap - _low_x(right)))


def _high_x(mesh: Mesh) -> Floats:
    return np.array([mesh.corners[..., 0].max(), 0.0, 0.0])


def _low_x(mesh: Mesh) -> Floats:
    return np.array([mesh.corners[..., 0].min(), 0.0, 0.0])


def _chipped(mesh: Mesh) -> Mesh:
    """What stands out at an upper corner beyond a slanting plane is pressed flat onto it."""
    low, high = _extent(mesh)
    edge_mm = np.minimum(_CHIP_MM, _LARGEST_CHIP * (high - low))
    normal = 1 / edge_mm
    normal /= np.linalg.norm(normal)
    plane = normal @ (high - [edge_mm[0], 0, 0])

    def beyond(points: Floats) -> Floats:
        return np.asarray(np.maximum(points @ normal - plane, 0))

    return _bent(mesh, beyond, lambda points: points - beyond(points)[..., None] * normal)


def _bitten(mesh: Mesh) -> Mesh:
    """What lies within a ball about the middle of an upper edge is pressed out of it, inwards and down."""
    low, high = _extent(mesh)
    radius = min(_BITE_RADIUS_MM, _LARGEST_BITE * float((high - low).min()))
    middle = np.array([(low[0] + high[0]) / 2, high[1], high[2]])
    way = np.array([0.0, -1.0, -1.0]) / np.sqrt(2)

    def beyond(points: Floats) -> Floats:
        return np.asarray(np.maximum(radius - np.linalg.norm(points - middle, axis=-1), 0))

    def press(points: Floats) -> Floats:
        """Follow `way` to the surface of the ball."""
        along = (points - middle) @ way
        square = along**2 - ((points - middle) ** 2).sum(axis=-1) + radius**2
        far_mm = np.where(beyond(points) > 0, np.sqrt(np.maximum(square, 0)) - along, 0)
        return np.asarray(points + far_mm[..., None] * way)

    return _bent(mesh, beyond, press)


def _shorn(mesh: Mesh) -> Mesh:
    """The stud at an upper corner is pressed down to a stump; of a part without studs, so much of its top."""
    _, high = _extent(mesh)
    points = mesh.corners.reshape(-1, 3)
    tops = points[points[:, 2] > high[2] + STUD_HEIGHT - _FLAT_MM, :2]
    outmost = tops[tops.sum(axis=1).argmax()]
    stud = tops[np.linalg.norm(tops - outmost, axis=1) < 2 * STUD_RADIUS + _STUD_MARGIN_MM]
    middle = (stud.min(axis=0) + stud.max(axis=0)) / 2
    stump = high[2] + _STUMP_MM

    def beyond(points: Floats) -> Floats:
        on_stud = np.linalg.norm(points[..., :2] - middle, axis=-1) < STUD_RADIUS + _STUD_MARGIN_MM
        return np.asarray(np.where(on_stud, np.maximum(points[..., 2] - stump, 0), 0))

    return _bent(mesh, beyond, lambda points: points - beyond(points)[..., None] * [0, 0, 1])


def _extent(mesh: Mesh) -> tuple[Floats, Floats]:
    """The lowest and highest x, y and z of the part's body; the studs stand out above it."""
    low, high = mesh.corners.min(axis=(0, 1)), mesh.corners.max(axis=(0, 1))
    return low, high - [0, 0, STUD_HEIGHT]


def _bent(mesh: Mesh, beyond: Callable[[Floats], Floats], press: Callable[[Floats], Floats]) -> Mesh:
    """Move the points of a mesh for which `beyond` is positive, by `press`.

    Args:
        beyond: (..., 3) points to (...), how far each is from where it stays.
        press: (..., 3) points to (..., 3).
    """
    reached = _may_reach(mesh.corners, beyond)
    fine = _split(mesh.part_of(reached))
    touched = beyond(fine.corners).max(axis=1) > 0
    corners = np.where(touched[:, None, None], press(fine.corners), fine.corners)
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(facing, axis=1)
    solid = area > 1e-6
    flat = np.repeat((facing / np.where(solid, area, 1)[:, None])[:, None], 3, axis=1)
    normals = np.where(touched[:, None, None], flat, fine.normals)
    return merge(mesh.part_of(~reached), Mesh(corners, normals, fine.colours).part_of(solid))


def _may_reach(
    corners: Floats, beyond: Callable[[Floats], Floats]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which triangles (n, 3, 3) are touched, judged by points all over each."""
    steps = np.linspace(0, 1, 13)
    weights = np.array([(a, b, 1 - a - b) for a in steps for b in steps if a + b <= 1 + 1e-9])
    reached = np.zeros(len(corners), bool)
    for weight in weights:
        reached |= beyond(np.einsum("c,nca->na", weight, corners)) > 0
    return reached


def _split(mesh: Mesh) -> Mesh:
    """Halve triangles at their longest edge until none is longer than `_FINE_MM`."""
    while True:
        lengths = np.linalg.norm(mesh.corners - np.roll(mesh.corners, -1, axis=1), axis=2)
        long = lengths.max(axis=1) > _FINE_MM
        if not long.any():
            return mesh
        order = (lengths[long].argmax(axis=1)[:, None] + np.arange(3)) % 3
        whole = mesh.part_of(long)
        halves = []
        for values in (whole.corners, whole.normals):
            a, b, c = np.take_along_axis(values, order[..., None], axis=1).transpose(1, 0, 2)
            middle = (a + b) / 2
            halves.append((np.stack([a, middle, c], 1), np.stack([middle, b, c], 1)))
        pieces = (Mesh(halves[0][half], halves[1][half], whole.colours) for half in range(2))
        mesh = merge(mesh.part_of(~long), *pieces)


_DAMAGES: dict[Damage, Callable[[Mesh], Mesh]] = {
    Damage.CHIPPED: _chipped,
    Damage.BITTEN: _bitten,
    Damage.SHORN: _shorn,
}
_JOINTS: dict[Joint, Callable[[Mesh, Mesh], Mesh]] = {
    Joint.ON: _stacked,
    Joint.BESIDE: _side_by_side,
    Joint.APART: _apart,
}
