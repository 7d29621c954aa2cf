"""What is typed behind options, with an error that shows it."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rig.errors import BadField, BadInput

if TYPE_CHECKING:
    from rig.dataset.splits import Shares


@contextmanager
def naming_options() -> Iterator[None]:
    """Call a field that cannot be used by its option, as it was typed."""
    try:
        yield
    except BadField as error:
        option = f"--{error.field.replace('_', '-')}"
        raise BadInput(f"{option}: {error.what}", hint=error.hint) from error


def whole_number(option: str, *, least: int | None = None, most: int | None = None) -> Callable[[str], int]:
    """A parser for typer: raises BadInput on what is no whole number from `least` to `most`."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise BadInput(f"{option} {text} is not a whole number", hint=f"such as: {option} 20") from None
        if least is not None and number < least:
            raise BadInput(f"{option} {text} is too small", hint=f"use {least} or more")
        if most is not None and number > most:
            raise BadInput(f"{option} {text} is too large", hint=f"use {most} or less")
        return number

    return parse


def positive_number(option: str, *, example: str) -> Callable[[str], float]:
    """A parser for typer: raises BadInput on what is no number above 0."""

    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 < number < math.inf:
            raise BadInput(f"{option} {text} is not a number above 0", hint=f"such as: {option} {example}")
        return number

    return parse


def share(option: str, *, example: str, all_of_it: bool = True) -> Callable[[str], float]:
    """A parser for typer: raises BadInput on what is no number from 0 to 1.

    Args:
        all_of_it: whether 1 itself makes sense.
    """

    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 <= number <= 1:
            raise BadInput(f"{option} {text} is not a share from 0 to 1", hint=f"such as: {option} {example}")
        if number == 1 and not all_of_it:
            raise BadInput(f"{option} {text} leaves nothing", hint=f"such as: {option} {example}")
        return number

    return parse


def three_shares(text: str) -> "Shares":
    """A parser for `--split`; raises BadInput on what is not three numbers between commas."""
    from rig.dataset.splits import Shares

    try:
        train, validation, test = (float(share) for share in text.split(","))
    except ValueError:
        raise BadInput(
            f"--split {text} is not three numbers", hint="such as: --split 0.7,0.15,0.15"
        ) from None
    return Shares(train, validation, test)
