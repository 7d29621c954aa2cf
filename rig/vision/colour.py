"""What colour a part has, told by what it reflects of the light in which the white table is seen.

The picture of the empty table says how much light a white surface gives at each pixel, whatever the colour of
the lamp and however uneven it is; without one, the table around the part says it nearly as well. What the
part gives there is compared with what each colour of the palette would give, in CIE L*a*b*, where distances
are about as large as they look. How far plastic strays from that was measured, so that the answer has a
probability.

Only solid colours are told. Through a transparent part one sees the table, and a metallic one mirrors it:
they are taken for a solid colour that looks alike.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from rig.camera.frame import Image
from rig.catalog import ColourCode
from rig.vision.locate import Box, edges_on_table
from rig.vision.palette import linear_light, palette
from rig.vision.table import EmptyTable, Mask, outline, reduced

Floats = NDArray[np.float64]

# White paper without gloss, as turntables are covered with.
_TABLE_REFLECTANCE = 0.71
# Lengths in pixels of the reduced picture.
_OUTLINES_PX = (
    5,
    3,
)  # the part's outline is blurred, with a shadow at its foot; of a small part, less is cut
_SHADE_PX = 7  # so far around a part, the table lies in its shade
_GRAIN_PX = 3.0  # the light on the table is smooth
_LEAST_PX = 30  # fewer pixels say nothing of a colour
# Between these quantiles of brightness, neither shade, cavities and lettering nor highlights are left.
_DARKEST, _BRIGHTEST = 0.5, 0.85
_LUMINANCE = np.array([0.0722, 0.7152, 0.2126])  # of blue, green and red (ITU-R BT.709)
_LIT_EVERY = 23  # pixels of the table that the light is fitted to
_LIT_ROUNDS = 3

_LEVELS = linear_light(np.arange(256)).astype(np.float32)
_XYZ_OF_BGR = np.array(
    [[0.1804375, 0.3575761, 0.4124564], [0.0721750, 0.7151522, 0.2126729], [0.9503041, 0.1191920, 0.0193339]]
)


@dataclass(frozen=True)
class ColourGuess:
    """The most probable colour.

    Attributes:
        code: LDraw colour code.
        probability: calibrated, 0 to 1.
    """

    code: ColourCode
    probability: float


@dataclass(frozen=True)
class _Spread:
    """How a plastic looks in a picture, and how far it strays from that.

    A surface gives `gain` times what LDraw's value says, and its skin mirrors `haze` of the light, whatever
    its colour. The rest are standard deviations.

    Attributes:
        log_gain: of the logarithm of brightness: how the faces of a part are turned to the light.
        log_haze: of the haze, as a share of it.
        log_cast: of the logarithm of red and blue against green: light that comes from elsewhere.
        grain: of each of L*, a* and b*, from all other causes.
    """

    gain: float
    haze: float
    log_gain: float
    log_haze: float
    log_cast: float
    grain: float


# Fitted by likelihood, with equal weight, to 272 pictures of the simulated rig (16 sessions, each with the 17
# common colours) and to 80 photographs of four bricks, whose colours are beyond doubt, under two lamps of
# different colours. Fitted to the simulated rig alone, it was far too sure on the photographs. The tails are
# those of Student's distribution: some parts show their insides.
_SPREAD = _Spread(gain=0.64, haze=0.027, log_gain=0.27, log_haze=0.42, log_cast=0.10, grain=1.7)
_DEGREES_OF_FREEDOM = 3


def estimate(image: Image, box: Box, empty: EmptyTable | None = None) -> ColourGuess | None:
    """The colour of the part in a box; None where too little of it is seen.

    Args:
        image: (height, width, 3) uint8, BGR, of any size.
        box: where the part is, as `locate` has found it.
        empty: the table with nothing on it; of no effect where it does not fit the picture.
    """
    seen = reflectance(image, box, empty)
    if seen is None:
        return None
    probabilities = posterior(seen)
    best = int(probabilities.argmax())
    return ColourGuess(palette().codes[best], float(probabilities[best]))


def reflectance(image: Image, box: Box, empty: EmptyTable | None = None) -> Floats | None:
    """Share (3,) of blue, green and red light that a part gives back, 0 to 1; arguments as `estimate`."""
    small, scale = reduced(image)
    known = empty if empty is not None and empty.fits(image) else None
    part = _silhouette(small, scale, box, known)
    core = _core(part)
    if core is None:
        return None
    light = _light_around(small, part, core) if known is None else _light_on(known, core)
    if light is None:
        return None
    shares = _LEVELS[small[core]] * _TABLE_REFLECTANCE / light
    brightness = shares @ _LUMINANCE
    least, most = np.quantile(brightness, (_DARKEST, _BRIGHTEST))
    return np.asarray(np.median(shares[(brightness >= least) & (brightness <= most)], axis=0), np.float64)


def posterior(seen: Floats) -> Floats:
    """How probable each colour of the palette is, (n,), given what a part reflects, (3,)."""
    means, precisions, log_sizes = _looks()
    off = _lab(seen) - means
    squared = np.einsum("ni,nij,nj->n", off, precisions, off)
    degrees = _DEGREES_OF_FREEDOM
    logs = np.log(palette().prior) - log_sizes - (degrees + 3) / 2 * np.log1p(squared / degrees)
    likelihoods = np.exp(logs - logs.max())
    return np.asarray(likelihoods / likelihoods.sum(), np.float64)


def _silhouette(small: Image, scale: float, box: Box, empty: EmptyTable | None) -> Mask:
    """1 where the part is: parts have sharp edges, and shadows none, so it is the hull of the edges."""
    left, top = max(0, int(box.x * scale) - 1), max(0, int(box.y * scale) - 1)
    right, bottom = int((box.x + box.width) * scale) + 2, int((box.y + box.height) * scale) + 2
    edges, _ = edges_on_table(small, empty)
    points = cv2.findNonZero(edges[top:bottom, left:right])
    part = np.zeros(small.shape[:2], np.uint8)
    if points is not None:
        cv2.fillConvexPoly(part, cv2.convexHull(points) + np.array([left, top]), 1)
    return part


def _core(part: Mask) -> NDArray[np.bool_] | None:
    """The part without its outline; None where nothing is left that says a colour."""
    for outline_px in _OUTLINES_PX:
        core = cv2.erode(part, np.ones((2 * outline_px + 1, 2 * outline_px + 1))) > 0
        if np.count_nonzero(core) >= _LEAST_PX:
            return core
    return None


def _light_on(empty: EmptyTable, core: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Light (pixels, 3) that the table gives where the part lies."""
    smooth = cv2.GaussianBlur(empty.small, (0, 0), _GRAIN_PX)
    return np.asarray(np.maximum(_LEVELS[smooth[core]], _LEVELS[1]), np.float32)


def _light_around(small: Image, part: Mask, core: NDArray[np.bool_]) -> NDArray[np.float32] | None:
    """The same, told by the table around the part; None where none of it is seen.

    Light varies like a polynomial of second degree. What lies off it is a shadow, or dirt, and left out.
    """
    shade = np.ones((2 * _SHADE_PX + 1, 2 * _SHADE_PX + 1))
    rows, columns = np.nonzero((outline(small) > 0) & (cv2.dilate(part, shade) == 0))
    rows, columns = rows[::_LIT_EVERY], columns[::_LIT_EVERY]
    terms, levels = _terms(rows, columns, small), _LEVELS[small[rows, columns]].astype(np.float64)
    if len(terms) < 10 * terms.shape[1]:
        return None
    part_rows, part_columns = np.nonzero(core)
    wanted = _terms(part_rows, part_columns, small)
    lit = np.ones(len(levels), bool)
    for _ in range(_LIT_ROUNDS):
        weights = np.linalg.lstsq(terms[lit], levels[lit], rcond=None)[0]
        off = np.abs(levels - terms @ weights).sum(axis=1)
        lit = off <= 2 * np.median(off)
    return np.asarray(np.maximum(wanted @ weights, _LEVELS[1]), np.float32)


def _terms(rows: NDArray[np.intp], columns: NDArray[np.intp], small: Image) -> Floats:
    size = max(small.shape)
    y, x = rows / size - 0.5, columns / size - 0.5
    return np.stack((np.ones_like(x), x, y, x * x, x * y, y * y), axis=1)


@cache
def _looks() -> tuple[Floats, Floats, Floats]:
    """Of each colour the mean L*a*b* (n, 3), the inverse covariance (n, 3, 3), and log(det(covariance)) / 2.

    The covariance is that of the causes in `_SPREAD`, each followed through to L*a*b*.
    """
    spread = _SPREAD
    seen = spread.gain * palette().linear + spread.haze
    means = _lab(seen)
    strayed = [
        seen * np.exp(spread.log_gain),
        seen + spread.haze * spread.log_haze,
        seen * np.exp([spread.log_cast, 0, 0]),
        seen * np.exp([0, 0, spread.log_cast]),
    ]
    offs = [_lab(values) - means for values in strayed]
    covariances = sum((off[:, :, None] * off[:, None, :] for off in offs), np.eye(3) * spread.grain**2)
    log_sizes = np.asarray(np.linalg.slogdet(covariances)[1] / 2, np.float64)
    return means, np.asarray(np.linalg.inv(covariances), np.float64), log_sizes


def _lab(bgr: Floats) -> Floats:
    """L*, a* and b* (..., 3) of linear blue, green and red (..., 3), against the white that is 1 (CIE 15)."""
    xyz = bgr @ _XYZ_OF_BGR.T / _XYZ_OF_BGR.sum(axis=1)
    f = np.where(xyz > 216 / 24389, np.cbrt(np.maximum(xyz, 0)), (24389 / 27 * xyz + 16) / 116)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), axis=-1)
