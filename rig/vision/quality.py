"""Is a picture good enough to keep: sharp, and neither burnt out nor black?"""

from dataclasses import dataclass

import cv2
import numpy as np

from rig.camera.frame import Image
from rig.vision.locate import Box

_BURNT_LEVEL = 250
_BLACK_LEVEL = 5


@dataclass(frozen=True)
class Exposure:
    """Shares of the pixels, 0 to 1: burnt out in some channel, and black in all of them."""

    burnt: float
    black: float


def sharpness(image: Image, box: Box | None) -> float:
    """Variance of the Laplacian of the grey values, inside the box where there is one.

    Grows with focus and with contrast, so compare views of the same part only (Pech-Pacheco et al., 2000).

    Args:
        image: (height, width, 3) uint8, BGR.
        box: where the part is; None for the whole picture.
    """
    pixels = image if box is None else box.pixels(image)
    return float(cv2.Laplacian(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())


def exposure(image: Image, box: Box | None) -> Exposure:
    """How much of the part, or of the whole picture without a box, is burnt out or black.

    Args:
        image: (height, width, 3) uint8, BGR.
        box: where the part is; None for the whole picture.
    """
    brightest = (image if box is None else box.pixels(image)).max(axis=2)
    return Exposure(
        burnt=float(np.mean(brightest >= _BURNT_LEVEL)), black=float(np.mean(brightest <= _BLACK_LEVEL))
    )
