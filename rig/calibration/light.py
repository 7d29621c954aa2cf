"""How much light, and which colour gains, a picture of a white or grey sheet asks for."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from rig.camera.frame import Image, Reach, Span
from rig.devices.operator import Reference

# White paper reflects most of the light and must not burn; white bricks that shine need the room above.
_WHITE_LEVEL = 215.0
_REFLECTANCES: dict[Reference, float] = {"white": 0.9, "grey": 0.18}
# Above this the analogue gain costs more in noise than a longer exposure does in time.
_MOST_GAIN = 8.0
_BURNT_LEVEL = 250
# Where in the picture the sheet is looked at: this share of width and height, in the middle.
_PATCH_SHARE = 1 / 3
# A lens shades a plain sheet towards the corners by less than that.
_MOST_UNEVEN = 0.25


@dataclass(frozen=True)
class Sheet:
    """A plain sheet as the camera sees it, in the middle of the picture.

    Attributes:
        blue, green, red: mean levels, 0 to 255.
        burnt: share of pixels that are burnt out in some channel.
        uneven: spread of the levels over their mean, noise left out.
    """

    blue: float
    green: float
    red: float
    burnt: float
    uneven: float

    @property
    def level(self) -> float:
        """Of the brightest channel."""
        return max(self.blue, self.green, self.red)

    @property
    def is_plain(self) -> bool:
        return self.uneven <= _MOST_UNEVEN


def see_sheet(image: Image) -> Sheet:
    """Look at the middle of a picture (height, width, 3) uint8, BGR."""
    height, width = image.shape[:2]
    rows, columns = round(height * _PATCH_SHARE), round(width * _PATCH_SHARE)
    patch = image[rows : height - rows, columns : width - columns]
    smooth = cv2.blur(patch, (9, 9)).astype(np.float64)
    low, high = np.percentile(smooth, (1, 99), axis=(0, 1))
    blue, green, red = (float(mean) for mean in patch.mean(axis=(0, 1)))
    return Sheet(
        blue,
        green,
        red,
        burnt=float((patch.max(axis=2) >= _BURNT_LEVEL).mean()),
        uneven=float(((high - low) / np.maximum(smooth.mean(axis=(0, 1)), 1.0)).max()),
    )


def target_level(reference: Reference) -> float:
    """The level at which a sheet makes white paper `_WHITE_LEVEL`."""
    white = linear(_WHITE_LEVEL) * _REFLECTANCES[reference] / _REFLECTANCES["white"]
    return 255 * (white * 12.92 if white <= 0.0031308 else 1.055 * white ** (1 / 2.4) - 0.055)


def linear(level: float) -> float:
    """Light, 0 to 1, by level after the transfer curve of sRGB (IEC 61966-2-1).

    Cameras follow it roughly: enough for a search that looks again after every step.
    """
    encoded = level / 255
    return encoded / 12.92 if encoded <= 0.04045 else ((encoded + 0.055) / 1.055) ** 2.4


@dataclass(frozen=True)
class Shutter:
    """What limits the exposure.

    Attributes:
        longest_us: the longest exposure that is wanted.
        flicker_us: a lamp on the mains flickers with this period, half of that of the mains; None for a lamp
            on direct current.
    """

    longest_us: float
    flicker_us: float | None

    def share_out(self, light_us: float, reach: Reach, gain: float) -> tuple[int, float]:
        """Exposure and gain that make the light of `light_us` at a gain of 1, as far as that is possible.

        Long rather than amplified; whole periods of the lamp where it takes at least one.

        Args:
            gain: what a camera has whose gain cannot be computed with.
        """
        span = reach.gain if reach.gain is not None else Span(gain, gain)
        longest = Span(reach.exposure_us.least, min(reach.exposure_us.most, self.longest_us))
        least_gain = max(1.0, span.least) if reach.gain is not None else gain
        exposure_us = longest.clip(light_us / least_gain)
        if self.flicker_us is not None and reach.gain is not None and exposure_us >= self.flicker_us:
            exposure_us = math.floor(exposure_us / self.flicker_us) * self.flicker_us
        most_gain = max(min(span.most, _MOST_GAIN), least_gain)
        gain = Span(least_gain, most_gain).clip(light_us / exposure_us)
        # Rounded up: below the least that it has, the camera refuses.
        return round(exposure_us), math.ceil(gain * 1000 - 1e-6) / 1000


def balanced(gains: tuple[float, float], sheet: Sheet, span: Span) -> tuple[float, float]:
    """Gains of red and blue that make the sheet grey, from those with which it was seen."""
    green = linear(max(sheet.green, 1.0))
    red, blue = gains
    return (
        round(span.clip(red * green / linear(max(sheet.red, 1.0))), 3),
        round(span.clip(blue * green / linear(max(sheet.blue, 1.0))), 3),
    )
