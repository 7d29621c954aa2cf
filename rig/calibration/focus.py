"""Where between the positions of a lens a part is sharpest."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import cv2
import numpy as np

from rig.camera.frame import Image
from rig.vision.locate import Box
from rig.vision.quality import sharpness

# Noise is as sharp in a blurred picture as in any other: it is smoothed away first.
_SMOOTHING_PX = 5
# At its best focus a part has so much more contrast than at its worst; noise has the same at all.
_LEAST_GAIN = 1.25


@dataclass(frozen=True)
class FocusPoint:
    """How sharp the picture was at a position of the lens, as `contrast` says."""

    lens_position: float
    contrast: float


def contrast(image: Image, box: Box | None) -> float:
    """Sharpness without the noise's, inside the box or of the whole picture.

    Args:
        image: (height, width, 3) uint8, BGR.
        box: where the part is; None for the whole picture.
    """
    smooth = cv2.GaussianBlur(image, (_SMOOTHING_PX, _SMOOTHING_PX), 0)
    return sharpness(np.asarray(smooth, np.uint8), box)


def sharpest(points: Sequence[FocusPoint]) -> float | None:
    """The lens position of the peak: the vertex of the parabola through the three highest neighbours.

    None where the contrast hardly depends on the position.
    """
    by_position: dict[float, list[float]] = {}
    for point in points:
        by_position.setdefault(point.lens_position, []).append(point.contrast)
    positions = sorted(by_position)
    contrasts = [fmean(by_position[position]) for position in positions]
    best = contrasts.index(max(contrasts))
    if contrasts[best] < _LEAST_GAIN * min(contrasts):
        return None
    if best in (0, len(positions) - 1):
        return positions[best]
    x, y = positions[best - 1 : best + 2], contrasts[best - 1 : best + 2]
    square, slope, _ = np.polyfit(x, y, 2)
    return float(np.clip(-slope / (2 * square), x[0], x[-1]))
