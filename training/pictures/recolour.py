"""Give a part another shade, so that a network cannot learn that 32064 is the dark one.

A data set holds each mould in two or three colours. Since the input is grey, a colour is a shade: the part's
silhouette is cut out roughly, and its log intensities are moved to another mean, which keeps its shading.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image
from rig.vision.preprocess import Grey

_WORK_PX = 64
_BORDER_PX = 4
# Differences of log intensity from the table's that make a pixel the part's.
_TINT, _BRIGHTER, _DARKER = 0.10, 0.18, 0.45
_LEAST_SHARE = 0.12  # of the crop: a smaller silhouette is none, the part has the table's own colour
_DARK_LEVEL = 4.0  # added before the logarithm
_LOGS = np.log(np.arange(256, dtype=np.float32) + np.float32(_DARK_LEVEL))
_DARKEST, _BRIGHTEST = np.log(12.0), np.log(235.0)


def silhouette(crop: Image) -> Grey:
    """Where the part is: 255 inside, 0 on the table, soft between; all 0 where it cannot be told.

    The table's colour is a plane fitted to the crop's border, since light falls off over it. What differs
    from the plane, with its holes filled, is the part.

    Args:
        crop: (side, side, 3) uint8, BGR, the part in its middle with a margin.

    Returns:
        (side, side) uint8.
    """
    small = cv2.GaussianBlur(cv2.resize(crop, (_WORK_PX, _WORK_PX), interpolation=cv2.INTER_AREA), (3, 3), 0)
    difference = _difference_from_table(np.log(small.astype(np.float32) + 8))
    mask = (difference > 1).astype(np.uint8)
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled = np.zeros_like(mask)
    if outlines:
        cv2.drawContours(filled, [max(outlines, key=cv2.contourArea)], -1, 255, cv2.FILLED)
    if filled.mean() < 255 * _LEAST_SHARE:
        filled[:] = 0
    return np.asarray(cv2.resize(filled, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


def recolour(grey: Grey, mask: Grey, rng: np.random.Generator) -> Grey:
    """Move the shade of what `mask` covers to a random mean, and its contrast a little.

    Args:
        grey, mask: (side, side) uint8.
    """
    weight = mask.astype(np.float32)
    total = float(weight.sum())
    if not total:
        return grey
    mean = float(np.vdot(cv2.LUT(grey, _LOGS), weight)) / total
    moved = (_LOGS - mean) * np.exp(rng.uniform(-0.25, 0.25)) + rng.uniform(_DARKEST, _BRIGHTEST)
    levels = np.clip(np.exp(moved) - _DARK_LEVEL, 0, 255).astype(np.float32)
    plain = grey.astype(np.float32)
    return np.asarray(plain + (cv2.LUT(grey, levels) - plain) * (weight / 255), np.uint8)


def _difference_from_table(log: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far each pixel is from the table's colour; above 1 it is the part.

    A shadow darkens all channels alike and never much, so darkening alone counts least.
    """
    off = log - _table_plane(log)
    lightness = off.mean(axis=2)
    tint = np.abs(off - lightness[:, :, np.newaxis]).max(axis=2)
    return np.asarray(np.maximum(tint / _TINT, np.maximum(lightness / _BRIGHTER, -lightness / _DARKER)))


def _table_plane(log: NDArray[np.float32]) -> NDArray[np.float32]:
    """The table's colour at each pixel: a plane through the border, (side, side, 3) like `log`."""
    side = log.shape[0]
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side - 0.5
    terms = np.stack((np.ones_like(x), x, y), axis=-1)
    border = np.ones((side, side), bool)
    border[_BORDER_PX:-_BORDER_PX, _BORDER_PX:-_BORDER_PX] = False
    places, colours = terms[border], log[border]
    kept = np.ones(len(places), bool)
    for _ in range(3):  # the part, its shadow and the table's rim may reach into the border
        plane, *_ = np.linalg.lstsq(places[kept], colours[kept], rcond=None)
        off = np.abs(colours - places @ plane).max(axis=1)
        kept = off <= max(0.03, 2 * float(np.median(off)))
    return np.asarray(terms @ plane, np.float32)
