"""Several pictures closely around an angle, and by how much of a turn two such sweeps differ.

A microstep moves a picture by a fraction of a pixel. To first order a pixel changes in proportion to the
angle; how fast, the pictures of a sweep tell. The turn that explains most of the difference between two
sweeps is then a matter of least squares, as in Lucas and Kanade's registration of images, with an angle in
place of a displacement.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rig.calibration.likeness import Floats

LEAST_CORRELATION = 0.5
"""Of two sweeps: below this, what they show of a small turn is mostly noise."""


@dataclass(frozen=True)
class Sweep:
    """Pictures around an angle.

    Attributes:
        centre_deg: mean of their commanded angles.
        step_deg: from each to the next, on average.
        pixels: (n, k, 3) the pixels that count, by picture.
        mean: (k, 3) over the pictures.
        slope: (k, 3) levels a degree, by linear regression.
    """

    centre_deg: float
    step_deg: float
    pixels: Floats
    mean: Floats
    slope: Floats


def sweep_of(angles_deg: Sequence[float], pixels: Sequence[Floats]) -> Sweep:
    """The sweep that pictures (k, 3) at rising commanded angles make; not all angles may be the same."""
    stack = np.stack(pixels)
    angles = np.array(angles_deg)
    offsets = (angles - angles.mean()).astype(np.float32)
    slope = np.tensordot(offsets, stack, axes=1) / np.square(offsets).sum()
    return Sweep(float(angles.mean()), float(np.diff(angles).mean()), stack, stack.mean(axis=0), slope)


@dataclass(frozen=True)
class Match:
    """How one sweep compares with another.

    Attributes:
        angle_deg: commanded angle from one to where pictures are most like it.
        scatter_deg: standard error of that over the pictures.
        unlike: mean squared difference that neither a turn nor noise explains, in squared levels.
        correlation: of both slopes; 1 when the same thing turns.
    """

    angle_deg: float
    scatter_deg: float
    unlike: float
    correlation: float


def match(start: Sweep, there: Sweep, noise: float) -> Match:
    """Turn one sweep a little, so that its mean picture fits that of the other best.

    The fit divides by the product of both slopes, not by the square of their mean: what is only noise in
    either of them then does not make the angle too small.

    Args:
        start, there: of equally many pictures.
        noise: variance of a pixel of a single picture, in squared levels.
    """
    count = len(start.pixels)
    slope = np.asarray((start.slope + there.slope) / 2, np.float32)
    norm = float(np.linalg.norm(start.slope) * np.linalg.norm(there.slope))
    correlation = float(np.vdot(start.slope, there.slope)) / norm
    steepness = max(correlation, LEAST_CORRELATION) * norm
    gap = start.mean - there.mean
    each_deg = np.tensordot(start.pixels - there.pixels, slope, axes=2) / steepness
    return Match(
        there.centre_deg - start.centre_deg + float(np.vdot(gap, slope)) / steepness,
        float(each_deg.std(ddof=1)) / math.sqrt(count),
        max(0.0, unexplained(gap, slope) - 2 * noise / count),
        correlation,
    )


def unexplained(gap: Floats, slope: Floats) -> float:
    """What remains of a difference between pictures when the best small turn is taken out of it.

    Args:
        gap: (k, 3) levels.
        slope: (k, 3) levels a degree.

    Returns:
        Mean squared levels; what noise makes is in it.
    """
    turned = np.float32(np.vdot(gap, slope) / np.vdot(slope, slope)) * slope
    return float(np.square(gap - turned).mean())
