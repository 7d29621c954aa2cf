"""What the commands of the simulated Marlin are made of: words, waits, and the end of the firmware."""

import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

Wait: TypeAlias = Callable[[], float]
"""When to go on, on the world's clock; asked again and again, since a stop may bring it forward."""

Words: TypeAlias = dict[str, float | None]
"""The words of a command by letter; None for a letter without a number."""

Handler: TypeAlias = Callable[[Words], Iterable[Wait]]
"""Carries out a command. One that takes time is a generator: it yields what it waits for."""

AT_ONCE: tuple[Wait, ...] = ()

HALT_WORDS = ("Error:Printer halted. kill() called!", "//action:poweroff")

_WORD = re.compile(r"([A-Z])([-+]?(?:\d+\.?\d*|\.\d+))?")
_LARGEST = 2.0**31 / 100


class KilledError(Exception):
    """The firmware stops for good, after its `last_words`."""

    def __init__(self, *last_words: str) -> None:
        super().__init__(*last_words)
        self.last_words = last_words


def parse_words(text: str) -> Words:
    """Words as Marlin reads them: `X1e2` is 1, `Xabc` has no number; none is more than its counters hold."""
    return {letter: _number(digits) if digits else None for letter, digits in _WORD.findall(text)}


def _number(digits: str) -> float:
    return min(max(float(digits), -_LARGEST), _LARGEST)
