"""How far the pictures that a network is fitted to may be varied: values alone, so that they load quickly."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from training.choices.mirrors import mirrored_pairs


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


def name_of(augmentation: Augmentation) -> str:
    """Which strength it is, and whether with no picture mirrored."""
    for strength in Strength:
        if augmentation == strength.augmentation:
            return strength.value
        if augmentation == strength.augmentation.without_flip():
            return f"{strength.value}, not mirrored"
    return "of its own"
