"""Make the many pictures that could have been taken out of the few that were.

Colour is the trap of turntable data, where each mould comes in two or three colours only. Each picture is
therefore turned grey by its own random mixture of the channels, the part often gets another shade, and the
tones are bent, as if another brick lay under another lamp; then contrast is normalised as the rig does it.

Only pictures that a network is fitted to are varied, never those that judge it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image
from rig.vision.preprocess import Grey, normalise_contrast, with_size_plane
from training.mirrors import mirrored_pairs
from training.recolour import recolour

_BLUR_REFERENCE_PX = 128.0
_TONES = np.linspace(0, 1, 256)


@dataclass(frozen=True)
class Augmentation:
    """How far a variation may go; each value is drawn anew, and evenly, for every picture.

    A share says how many pictures something happens to, 0 to 1. Lengths are shares of the picture's side.

    Attributes:
        flip: share that is mirrored; right for moulds that are their own mirror image, as nearly all are.
        turn_deg: turned by up to this, either way.
        zoom: smallest and largest factor of enlargement.
        stretch: up to so much wider and as much lower, or the reverse, as a share. Little, like the shear:
            a 2 x 3 brick is a 2 x 4 brick but for its proportions.
        shear: tangent of the angle by which upright lines lean, at most.
        shift: moved by up to this, either way, across and down.
        crop: up to so much of the side is cut away, anywhere, and the rest enlarged.
        grey_mixing: share whose grey is a random mixture of the channels instead of the usual one (BT.601).
        permutation: share whose channels change places before the usual mixture.
        recolouring: share in which the part gets another shade.
        gamma: logarithm of the exponent that tones are raised to, at most, either way.
        brightness: smallest and largest factor of the intensity.
        contrast: up to so much more or less of it about the middle grey, as a share.
        inversion: share whose light and dark change places.
        blur: share that is out of focus.
        blur_px: least and largest standard deviation of that, in a picture of 128 pixels.
        noise: share that is noisy.
        noise_levels: least and largest standard deviation of that, of 255.
        erasing: share of which one or two patches are hidden, so that no single feature decides (Zhong et
            al., "Random erasing data augmentation", 2017).
        erased: least and largest side of a patch.
        size_spread: standard deviation of the logarithm of the part's size, since a camera a tenth nearer
            must not confuse.
    """

    flip: float = 0.5
    turn_deg: float = 12.0
    zoom: tuple[float, float] = (0.835, 1.16)
    stretch: float = 0.05
    shear: float = 0.04
    shift: float = 0.06
    crop: float = 0.0
    grey_mixing: float = 0.75
    permutation: float = 0.0
    recolouring: float = 0.5
    gamma: float = 0.6
    brightness: tuple[float, float] = (0.55, 1.1)
    contrast: float = 0.0
    inversion: float = 0.0
    blur: float = 0.25
    blur_px: tuple[float, float] = (0.4, 1.2)
    noise: float = 0.3
    noise_levels: tuple[float, float] = (1.0, 4.0)
    erasing: float = 0.4
    erased: tuple[float, float] = (0.08, 0.35)
    size_spread: float = 0.08

    def without_flip(self) -> "Augmentation":
        """The same with no picture mirrored."""
        return replace(self, flip=0.0)

    def for_classes(self, labels: Iterable[str]) -> "Augmentation":
        """The same, with no picture mirrored where two of the classes are each other's mirror image."""
        return self.without_flip() if mirrored_pairs(labels) else self


class Strength(StrEnum):
    """Augmentations to choose from."""

    NONE = "none"
    LIGHT = "light"
    USUAL = "usual"
    STRONG = "strong"

    @property
    def augmentation(self) -> Augmentation:
        """What it means."""
        return _OF_STRENGTH[self]


_OF_STRENGTH = {
    Strength.NONE: Augmentation(
        flip=0.0,
        turn_deg=0.0,
        zoom=(1.0, 1.0),
        stretch=0.0,
        shear=0.0,
        shift=0.0,
        grey_mixing=0.0,
        recolouring=0.0,
        gamma=0.0,
        brightness=(1.0, 1.0),
        blur=0.0,
        noise=0.0,
        erasing=0.0,
        size_spread=0.0,
    ),
    Strength.LIGHT: Augmentation(
        turn_deg=6.0,
        zoom=(0.92, 1.08),
        stretch=0.02,
        shear=0.02,
        shift=0.03,
        grey_mixing=0.5,
        recolouring=0.25,
        gamma=0.3,
        brightness=(0.75, 1.05),
        blur=0.1,
        noise=0.15,
        erasing=0.15,
        size_spread=0.04,
    ),
    Strength.USUAL: Augmentation(),
    Strength.STRONG: Augmentation(
        turn_deg=20.0,
        zoom=(0.75, 1.25),
        stretch=0.07,
        shear=0.08,
        shift=0.08,
        crop=0.12,
        grey_mixing=0.8,
        permutation=0.5,
        recolouring=0.6,
        gamma=0.8,
        brightness=(0.45, 1.2),
        contrast=0.3,
        inversion=0.1,
        blur=0.35,
        noise=0.4,
        noise_levels=(1.0, 6.0),
        erasing=0.5,
        size_spread=0.1,
    ),
}


def augment(
    crop: Image, mask: Grey, size: float, size_px: int, how: Augmentation, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """One random variation of a crop.

    Args:
        crop: (side, side, 3) uint8, BGR, as `rig.vision.preprocess.crop` makes it.
        mask: (side, side) uint8, its `silhouette`.
        size: how much of its picture the part takes up, 0 to 1.
        size_px: side of what comes out.
        rng: all randomness comes from it.

    Returns:
        (size_px, size_px, 2) uint8, normalised like a network's input.
    """
    grey = _grey(crop, how, rng)
    if rng.random() < how.recolouring:
        grey = recolour(grey, mask, rng)
    image = _moved(grey, size_px, how, rng)
    image = _disturbed(_bent_tones(image, how, rng), how, rng)
    covered = _covered(normalise_contrast(image), how, rng)
    return with_size_plane(covered, size * float(np.exp(rng.normal(0, how.size_spread))))


def _grey(crop: Image, how: Augmentation, rng: np.random.Generator) -> Grey:
    """Grey by random weights of the channels, or by the usual ones, which may have changed places."""
    if rng.random() < how.grey_mixing:
        weights = rng.dirichlet((0.7, 0.7, 0.7)).astype(np.float32)
        mixed = cv2.transform(crop, weights[np.newaxis])
        return np.asarray(mixed, np.uint8).reshape(crop.shape[:2])
    if rng.random() < how.permutation:
        crop = crop[:, :, rng.permutation(3)]
    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), np.uint8)


def _moved(image: Grey, size_px: int, how: Augmentation, rng: np.random.Generator) -> Grey:
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


def _bent_tones(image: Grey, how: Augmentation, rng: np.random.Generator) -> Grey:
    """Another gamma, exposure and contrast, sometimes with light and dark exchanged."""
    tones = _TONES ** np.exp(rng.uniform(-how.gamma, how.gamma))
    tones *= rng.uniform(*how.brightness)
    tones = 0.5 + (tones - 0.5) * (1 + rng.uniform(-how.contrast, how.contrast))
    if rng.random() < how.inversion:
        tones = 1 - tones
    levels = np.clip(np.rint(255 * tones), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, levels), np.uint8)


def _disturbed(image: Grey, how: Augmentation, rng: np.random.Generator) -> Grey:
    """Sometimes out of focus, sometimes noisy."""
    if rng.random() < how.blur:
        blur_px = rng.uniform(*how.blur_px) * image.shape[0] / _BLUR_REFERENCE_PX
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), blur_px), np.uint8)
    if rng.random() < how.noise:
        noise = rng.standard_normal(image.shape, np.float32) * rng.uniform(*how.noise_levels)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return image


def _covered(image: Grey, how: Augmentation, rng: np.random.Generator) -> Grey:
    """Sometimes with one or two patches hidden."""
    if rng.random() < how.erasing:
        side = image.shape[0]
        for _ in range(rng.integers(1, 3)):
            height, width = (rng.uniform(*how.erased, 2) * side).astype(int)
            top, left = rng.integers(0, side - height), rng.integers(0, side - width)
            image[top : top + height, left : left + width] = rng.integers(0, 256)
    return image
