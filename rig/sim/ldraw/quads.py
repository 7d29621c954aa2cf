"""Quadrilaterals as two triangles each, also those that are not flat, or whose corners are out of order."""

import numpy as np
from numpy.typing import NDArray

from rig.sim.geometry import Floats

# The corners of both halves, for each way to cut: along either diagonal, and with two corners swapped.
_CUTS = np.array(
    [
        [(0, 1, 2), (0, 2, 3)],
        [(1, 2, 3), (1, 3, 0)],
        [(0, 2, 1), (0, 1, 3)],
        [(0, 1, 3), (0, 3, 2)],
    ]
)
_PLAIN_CUTS = 2


def halves_of_quads(quads: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Cut quadrilaterals (n, 4, 3) in two.

    The halves of a good cut face the same way, as far as they can: the first diagonal serves for a convex
    outline, the other one for some concave ones. Where neither does, the outline crosses itself (a bow tie).
    Then the corners of one of its sides are swapped, and it is anyone's guess which way it faces.

    Returns:
        The halves (n, 2, 3, 3), and which outlines crossed themselves (n,).
    """
    halves = quads[:, _CUTS]
    a, b, c = halves[..., 0, :], halves[..., 1, :], halves[..., 2, :]
    facings = np.cross(b - a, c - a)
    agreement = np.einsum("nki,nki->nk", facings[..., 0, :], facings[..., 1, :])
    first, second = agreement[:, 0], agreement[:, 1]
    # A half without an area agrees with everything; a bow tie disagrees along both diagonals.
    crossed = (first < 0) & (second < 0)
    plain = np.where(first >= 0, 0, 1)
    swapped = _PLAIN_CUTS + agreement[:, _PLAIN_CUTS:].argmax(axis=1)
    return halves[np.arange(len(quads)), np.where(crossed, swapped, plain)], crossed
