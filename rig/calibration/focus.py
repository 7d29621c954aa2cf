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
# At its best focus a part has so much more contrast than at its worst, 1.38 times at least in eight simulated
# scenes; noise has the same at all, to a hundredth or so.
_LEAST_GAIN = 1.25
# Points so far down from the peak, as a share of the whole rise, still lie on its parabola.
_PEAK_SHARE = 0.3


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
    """The lens position of the peak: the vertex of the parabola that fits its upper part best.

    None where the contrast hardly depends on the position.
    """
    by_position: dict[float, list[float]] = {}
    for point in points:
        by_position.setdefault(point.lens_position, []).append(point.contrast)
    positions = sorted(by_position)
    contrasts = [fmean(by_position[position]) for position in positions]
    least, most = min(contrasts), max(contrasts)
    if most < _LEAST_GAIN * least:
        return None
    best = contrasts.index(most)
    if best in (0, len(positions) - 1):
        return positions[best]
    # The neighbours of the highest point belong to the peak however steep it is.
    of_peak = [
        index
        for index, height in enumerate(contrasts)
        if height >= most - _PEAK_SHARE * (most - least) or abs(index - best) <= 1
    ]
    x, y = [positions[index] for index in of_peak], [contrasts[index] for index in of_peak]
    square, slope, _ = np.polyfit(x, y, 2)
    return float(np.clip(-slope / (2 * square), x[0], x[-1]))
