"""How a part comes to rest on the simulated table."""

from collections.abc import Collection, Sequence

import numpy as np

from rig.catalog import ColourCode, PartNumber
from rig.sim.passages import LyingPart
from rig.sim.poses import RestingPose

_AIM_SPREAD_MM = 3.0
_FURTHEST_MM = 7.0


def drop(
    part: PartNumber,
    colour: ColourCode,
    rng: np.random.Generator,
    poses: Sequence[RestingPose],
    sides: Collection[int],
) -> LyingPart:
    """Let a part come to rest on one of some sides, near the middle of the table."""
    likelihood = np.array([pose.probability if side in sides else 0.0 for side, pose in enumerate(poses)])
    offset_mm = np.clip(rng.normal(0, _AIM_SPREAD_MM, 2), -_FURTHEST_MM, _FURTHEST_MM)
    return LyingPart(
        part=part,
        colour=colour,
        pose=int(rng.choice(len(likelihood), p=likelihood / likelihood.sum())),
        offset_mm=(float(offset_mm[0]), float(offset_mm[1])),
        yaw_deg=float(rng.uniform(0, 360)),
    )
