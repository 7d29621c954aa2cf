"""Do two frames in a row show the same, so that nothing moved between them?"""

import cv2
import numpy as np

from rig.camera.frame import Image

_COMPARED_PX = 320
# A pixel differs by so many times what most pixels do, which is noise, and so many levels ...
_GRAINS = 6.0
_LEVELS = 8.0
# ... and something moves if this share of all pixels does: the edges of a small part are not many.
_LEAST_SHARE = 0.0004


def agree(before: Image, after: Image) -> bool:
    """Whether nothing but noise differs.

    Args:
        before, after: (height, width, 3) uint8, BGR, of the same size.
    """
    scale = min(1.0, _COMPARED_PX / max(after.shape[:2]))
    small = [
        cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for image in (before, after)
    ]
    apart = np.asarray(cv2.absdiff(small[0], small[1])).max(axis=2)
    clearly = max(_GRAINS * float(np.median(apart)), _LEVELS)
    return float((apart > clearly).mean()) < _LEAST_SHARE
