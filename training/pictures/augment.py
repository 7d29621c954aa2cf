"""Make the many pictures that could have been taken out of the few that were.

Colour is the trap of turntable data, where each mould comes in two or three colours only. Each picture is
therefore turned grey by its own random mixture of the channels, the part often gets another shade, and the
tones are bent, as if another brick lay under another lamp; then the contrast is treated as the rig does it.

A network that is shown colours gets them as they are, but for channels that change places.

Only pictures that a network is fitted to are varied, never those that judge it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image
from rig.contrast import Contrast
from rig.vision.preprocess import Grey, with_contrast, with_size_plane
from training.choices.augmentation import Augmentation
from training.pictures.recolour import recolour

_BLUR_REFERENCE_PX = 128.0
_TONES = np.linspace(0, 1, 256)

Values = NDArray[np.uint8]
"""Grey values, (side, side), or colours, (side, side, 3)."""


def augment(
    crop: Image,
    mask: Grey,
    size: float,
    size_px: int,
    contrast: Contrast,
    how: Augmentation,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """One random variation of a crop.

    Args:
        crop: (side, side, 3) uint8, BGR, as `rig.vision.preprocess.crop` makes it.
        mask: (side, side) uint8, its `silhouette`.
        size: how much of its picture the part takes up, 0 to 1.
        size_px, contrast: of what comes out.
        rng: all randomness comes from it.

    Returns:
        (size_px, size_px, planes) uint8, a network's input.
    """
    values = _coloured(crop, how, rng) if contrast is Contrast.COLOUR else _grey(crop, mask, how, rng)
    image = _moved(values, size_px, how, rng)
    image = _disturbed(_bent_tones(image, how, rng), how, rng)
    covered = _covered(with_contrast(image, contrast), how, rng)
    return with_size_plane(covered, size * float(np.exp(rng.normal(0, how.size_spread))))


def _grey(crop: Image, mask: Grey, how: Augmentation, rng: np.random.Generator) -> Values:
    """Grey by a mixture of the channels, sometimes with the part in another shade."""
    grey = _mixture(crop, how, rng)
    return recolour(grey, mask, rng) if rng.random() < how.recolouring else grey


def _mixture(crop: Image, how: Augmentation, rng: np.random.Generator) -> Grey:
    """Grey by random weights of the channels, or by the usual ones, which may have changed places."""
    if rng.random() < how.grey_mixing:
        weights = rng.dirichlet((0.7, 0.7, 0.7)).astype(np.float32)
        mixed = cv2.transform(crop, weights[np.newaxis])
        return np.asarray(mixed, np.uint8).reshape(crop.shape[:2])
    return np.asarray(cv2.cvtColor(_coloured(crop, how, rng), cv2.COLOR_BGR2GRAY), np.uint8)


def _coloured(crop: Image, how: Augmentation, rng: np.random.Generator) -> Values:
    """The channels, which may have changed places."""
    return crop[:, :, rng.permutation(3)] if rng.random() < how.permutation else crop


def _moved(image: Values, size_px: int, how: Augmentation, rng: np.random.Generator) -> Values:
    """Turned, zoomed, stretched, sheared, mirrored, shifted and cropped, and scaled to `size_px`."""
    turn = np.deg2rad(rng.uniform(-how.turn_deg, how.turn_deg))
    cut = rng.uniform(0, how.crop)
    zoom = size_px / image.shape[0] * rng.uniform(*how.zoom) / (1 - cut)
    stretch = 1 + rng.uniform(-how.stretch, how.stretch)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    shear = np.array([[stretch, rng.uniform(-how.shear, how.shear)], [0.0, 1 / stretch]])
    mirror = np.diag((-1.0 if rng.random() < how.flip else 1.0, 1.0))
    linear = zoom * rotation @ shear @ mirror
    middle = np.full(2, (image.shape[0] - 1) / 2)
    # What is left of a crop may lie anywhere, so its middle moves by up to half of what was cut away.
    off = rng.uniform(-how.shift, how.shift, 2) + rng.uniform(-0.5, 0.5, 2) * cut / (1 - cut)
    affine = np.column_stack((linear, (size_px - 1) / 2 + size_px * off - linear @ middle))
    return np.asarray(
        cv2.warpAffine(image, affine, (size_px, size_px), borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _bent_tones(image: Values, how: Augmentation, rng: np.random.Generator) -> Values:
    """Another gamma, exposure and contrast, sometimes with light and dark exchanged."""
    tones = _TONES ** np.exp(rng.uniform(-how.gamma, how.gamma))
    tones *= rng.uniform(*how.brightness)
    tones = 0.5 + (tones - 0.5) * (1 + rng.uniform(-how.contrast, how.contrast))
    if rng.random() < how.inversion:
        tones = 1 - tones
    levels = np.clip(np.rint(255 * tones), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, levels), np.uint8)


def _disturbed(image: Values, how: Augmentation, rng: np.random.Generator) -> Values:
    """Sometimes out of focus, sometimes noisy."""
    if rng.random() < how.blur:
        blur_px = rng.uniform(*how.blur_px) * image.shape[0] / _BLUR_REFERENCE_PX
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), blur_px), np.uint8)
    if rng.random() < how.noise:
        noise = rng.standard_normal(image.shape, np.float32) * rng.uniform(*how.noise_levels)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return image


def _covered(image: Values, how: Augmentation, rng: np.random.Generator) -> Values:
    """Sometimes with one or two patches hidden."""
    if rng.random() < how.erasing:
        side = image.shape[0]
        for _ in range(rng.integers(1, 3)):
            height, width = (rng.uniform(*how.erased, 2) * side).astype(int)
            top, left = rng.integers(0, side - height), rng.integers(0, side - width)
            image[top : top + height, left : left + width] = rng.integers(0, 256)
    return image
