"""Schedules of the learning rate, as pure functions: a step and the number of steps to a share of the peak.

Keras has some of them as objects that an optimizer traces anew for each of its variables. Here a callback
asks a plain function before each step, and a run that goes on after a kill needs no state to find its place.
Each share is above 0 and at most 1; `step` counts from 0 to `steps - 1`.
"""

import math
from collections.abc import Callable
from enum import StrEnum

Schedule = Callable[[int, int], float]

FLOOR = 0.01
"""What the decaying schedules end at, or near: steps at a rate of nothing would be wasted."""


class ScheduleName(StrEnum):
    """How the learning rate goes from the first step to the last."""

    CONSTANT = "constant"
    EXPONENTIAL = "exponential"
    ONE_CYCLE = "one-cycle"
    COSINE = "cosine"
    COSINE_RESTARTS = "cosine-restarts"
    TRIANGULAR = "triangular"


def constant(step: int, steps: int) -> float:
    """Always the peak."""
    return 1.0


def exponential(step: int, steps: int) -> float:
    """From the peak down to a hundredth, by the same factor at each step."""
    return float(FLOOR ** (step / max(1, steps - 1)))


def cosine(step: int, steps: int) -> float:
    """Up to the peak over a tenth of all steps, then down along half a cosine (Loshchilov & Hutter, 2017)."""
    rise = max(1, steps // 10)
    share = (step + 1) / rise if step < rise else _half_cosine((step - rise) / (steps - rise))
    return max(FLOOR, share)


def one_cycle(step: int, steps: int) -> float:
    """From a 25th to the peak over 30 % of the steps, then down to a ten-thousandth of where it began.

    Smith & Topin, 2018, with the shares and half cosines that PyTorch's OneCycleLR has. The momentum stays
    as it is.
    """
    begin, end = 1 / 25, 1 / 250_000
    top = 0.3 * (steps - 1)
    if step <= top:
        return begin + (1 - begin) * _half_cosine(1 - step / max(1.0, top))
    return end + (1 - end) * _half_cosine((step - top) / (steps - 1 - top))


def cosine_restarts(step: int, steps: int) -> float:
    """Half a cosine over a seventh of the steps, again over two sevenths, and over the last four.

    SGDR (Loshchilov & Hutter, 2017) with cycles that double, so that the last and longest ends with the run.
    """
    begin, length = 0.0, steps / 7
    while step >= begin + length:
        begin, length = begin + length, 2 * length
    return max(FLOOR, _half_cosine((step - begin) / length))


def triangular(step: int, steps: int) -> float:
    """Four times from a quarter of the peak up to it and back, in straight lines (Smith, 2017)."""
    base, cycles = 0.25, 4
    place = (cycles * step / max(1, steps - 1)) % 1
    return base + (1 - base) * (1 - abs(2 * place - 1))


SCHEDULES: dict[ScheduleName, Schedule] = {
    ScheduleName.CONSTANT: constant,
    ScheduleName.EXPONENTIAL: exponential,
    ScheduleName.ONE_CYCLE: one_cycle,
    ScheduleName.COSINE: cosine,
    ScheduleName.COSINE_RESTARTS: cosine_restarts,
    ScheduleName.TRIANGULAR: triangular,
}


def _half_cosine(place: float) -> float:
    """From 1 at place 0 to 0 at place 1."""
    return 0.5 * (1 + math.cos(math.pi * place))
