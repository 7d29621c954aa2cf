"""The running mean that a noisy curve is drawn beside, and judged by."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def smoothed(values: Iterable[float], kept: float) -> NDArray[np.float64]:
    """Exponential running mean, corrected for its beginning as Adam's are (Kingma and Ba, 2015).

    Args:
        kept: share of the mean so far in each mean, 0 to below 1.

    Returns:
        (n,) float64, a mean for each value.
    """
    means, mean = [], 0.0
    for count, value in enumerate(values, start=1):
        mean = kept * mean + (1 - kept) * value
        means.append(mean / (1 - kept**count))
    return np.array(means)
