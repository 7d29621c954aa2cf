"""How unlike two pictures of the table are, where anything on it ever changes.

Pictures are compared as they are, at a reduced size. No marker is looked for: whatever lies on the table and
turns with it is the marker.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

FINE_PX = 320
"""The long side of pictures that are compared; twice as many pixels find no angle better."""
COARSE_PX = 40
"""The long side of pictures that look alike over several degrees, however fine a marker's print is."""

# A pixel changes where it differs by more than so many times the noise, and at least so many levels ...
_GRAINS = 6.0
_LEVELS = 6.0
# ... and something changes if this share of all pixels does: less is dust and bad pixels.
_LEAST_SHARE = 0.001


def shrink(image: Image, long_side_px: int) -> Image:
    """The picture at a size that pictures are compared at."""
    scale = min(1.0, long_side_px / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


@dataclass(frozen=True)
class Rest:
    """What the table looks like while nothing moves.

    Attributes:
        mean: (height, width, 3) of all pictures.
        variance: (height, width, 3) of a single picture, in squared levels: noise, and flicker of the light.
        pictures: how many there were.
    """

    mean: Floats
    variance: Floats
    pictures: int


def rest(pictures: Sequence[Image]) -> Rest:
    """What at least two reduced pictures, between which nothing moved, have in common."""
    stack = np.stack(pictures).astype(np.float32)
    return Rest(stack.mean(axis=0), stack.var(axis=0, ddof=1), len(pictures))


@dataclass(frozen=True)
class Likeness:
    """Compares pictures with the table at rest.

    Attributes:
        reference: the table at rest.
        changing: (height, width) the pixels that count.
    """

    reference: Rest
    changing: Mask

    @property
    def noise(self) -> float:
        """Variance of a single picture, in squared levels."""
        return float(self.reference.variance[self.changing].mean())

    def pixels(self, picture: Image | Floats) -> Floats:
        """The pixels that count, (n, 3)."""
        return np.asarray(picture[self.changing], np.float32)

    @property
    def floor(self) -> float:
        """What noise alone makes of `difference`."""
        return self.noise * (1 + 1 / self.reference.pictures)

    def difference(self, picture: Image) -> float:
        """Mean squared difference from rest, in squared levels."""
        return float(np.square(self.pixels(picture) - self.pixels(self.reference.mean)).mean())

    def unlikeness(self, picture: Image) -> float:
        """The difference beyond what noise makes: about 0 for a picture of the table at rest."""
        return self.difference(picture) - self.floor


def likeness(reference: Rest, others: Iterable[Image | Floats]) -> Likeness | None:
    """Compare where any of the other pictures differs from rest; None where hardly a pixel does."""
    largest = np.zeros_like(reference.mean)
    for other in others:
        np.maximum(largest, np.abs(other - reference.mean), out=largest)
    noise = float(np.sqrt(reference.variance.mean()))
    changing = largest.max(axis=2) > max(_GRAINS * noise, _LEVELS)
    return Likeness(reference, changing) if changing.mean() >= _LEAST_SHARE else None
