"""From a picture to the network's input: the same function when a model is trained and when it is asked.

What tells two moulds apart is their shape, and what a picture shows first is their colour: a network that
sees colour learns that red means 3010. So the input is grey, and its local contrast is normalised (Jarrett et
al., "What is the best multi-stage architecture for object recognition?", 2009): the studs of a black brick
then look like those of a white one, in dim light as in bright. A model may also be trained on grey values
that are standardised over the whole crop, or left as they are, or on colours; its card says which.

Scaling every part to the same crop hides what a person sees first: how large it is. A 2x3 and a 2x4 brick are
alike but for that. So the input has a second plane, even all over, that says how much of the picture the
part takes up. It ties a model to the distance of its camera, more or less: training varies it by a tenth.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image
from rig.card import Preprocess
from rig.contrast import Contrast
from rig.vision.locate import Box, locate

Grey = NDArray[np.uint8]
"""Shape (size, size), uint8."""

# Chosen by eye on real photographs of white, coloured and black bricks.
_DARK_LEVEL = 6.0  # added before the logarithm, so that sensor noise in black stays small
_MEAN_SIDE = 0.28  # of the picture's side: the neighbourhood whose mean is subtracted
_DEVIATION_SIDE = 0.42  # and that whose deviation is divided by
_FLAT_DEVIATION = 0.06  # of log intensity: contrast below this is left small, not blown up
_LEVELS_PER_DEVIATION = 55.0  # grey levels that one standard deviation gets; 128 is the middle


def prepare(image: Image, spec: Preprocess) -> tuple[NDArray[np.uint8], Box | None]:
    """Find the part and make the network's input of it.

    Args:
        image: (height, width, 3) uint8, BGR, of any size.
        spec: side, margin and contrast of the input.

    Returns:
        The input, (size_px, size_px, planes) uint8, and the part's box. When no part is found the box is None
        and the input shows the whole picture.
    """
    box = locate(image)
    return network_input(crop(image, box, spec), part_size(image, box), spec.contrast), box


def crop(image: Image, box: Box | None, spec: Preprocess) -> Image:
    """A square around `box` with the spec's margin, or the whole picture where one is missing, in colour.

    What the square reaches beyond the picture repeats the picture's border.

    Returns:
        (size_px, size_px, 3) uint8, BGR.
    """
    height, width = image.shape[:2]
    if box is None or spec.margin is None:
        box, side = Box(0, 0, width, height), max(width, height)
    else:
        side = max(1, round(max(box.width, box.height) * (1 + 2 * spec.margin)))
    left = box.x + (box.width - side) // 2
    top = box.y + (box.height - side) // 2
    square = image[max(0, top) : top + side, max(0, left) : left + side]
    beyond = (max(0, -top), max(0, top + side - height), max(0, -left), max(0, left + side - width))
    if any(beyond):
        square = np.asarray(cv2.copyMakeBorder(square, *beyond, cv2.BORDER_REPLICATE), np.uint8)
    interpolation = cv2.INTER_AREA if side > spec.size_px else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(square, (spec.size_px, spec.size_px), interpolation=interpolation), np.uint8)


def part_size(image: Image, box: Box | None) -> float:
    """The long side of a part's box as a share of the picture's short side, 0 to 1; 1 without a box."""
    if box is None:
        return 1.0
    height, width = image.shape[:2]
    return min(1.0, max(box.width, box.height) / float(min(width, height)))


def network_input(crop: Image, size: float, contrast: Contrast) -> NDArray[np.uint8]:
    """The network's input from a crop, (size, size, 3) uint8 BGR, and the part's size, 0 to 1.

    Returns:
        (size, size, planes) uint8: the values with their contrast as asked for, and the size on every pixel.
    """
    if contrast is Contrast.COLOUR:
        return with_size_plane(crop, size)
    grey = np.asarray(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), np.uint8)
    return with_size_plane(with_contrast(grey, contrast), size)


def with_size_plane(values: NDArray[np.uint8], size: float) -> NDArray[np.uint8]:
    """Put the plane that says the part's size, 0 to 1, behind those of the picture."""
    return np.dstack((values, np.full(values.shape[:2], round(255 * min(1.0, size)), np.uint8)))


def with_contrast(values: NDArray[np.uint8], contrast: Contrast) -> NDArray[np.uint8]:
    """What the network is shown of these grey values, or colours where it is shown colours."""
    match contrast:
        case Contrast.LOCAL:
            return normalise_contrast(values)
        case Contrast.STANDARD:
            return standardise(values)
        case Contrast.PLAIN | Contrast.COLOUR:
            return values


def standardise(grey: Grey) -> Grey:
    """Subtract the mean of all values and divide by their deviation, at least 1 level."""
    values = grey.astype(np.float32)
    levels = 128 + _LEVELS_PER_DEVIATION * (values - values.mean()) / max(1.0, float(values.std()))
    return np.asarray(np.clip(levels, 0, 255), np.uint8)


def normalise_contrast(grey: Grey) -> Grey:
    """Subtract the local mean of the log intensity and divide by its local deviation.

    A lamp's brightness, a shadow's depth and a part's own shade are factors, so constants of the logarithm.
    """
    log = np.log(grey.astype(np.float32) + _DARK_LEVEL)
    detail = log - _local_mean(log, _MEAN_SIDE)
    deviation = np.sqrt(_local_mean(detail * detail, _DEVIATION_SIDE))
    levels = 128 + _LEVELS_PER_DEVIATION * detail / (deviation + _FLAT_DEVIATION)
    return np.asarray(np.clip(levels, 0, 255), np.uint8)


def _local_mean(plane: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """The mean over a square neighbourhood whose side is a share of the plane's."""
    side = round(share * plane.shape[0])
    return np.asarray(cv2.blur(plane, (side, side)), np.float32)
