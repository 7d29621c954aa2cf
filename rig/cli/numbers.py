"""Whole numbers on the command line, with an error that shows what was typed."""

from collections.abc import Callable

from rig.errors import BadInput


def whole_number(option: str, *, least: int | None = None) -> Callable[[str], int]:
    """A parser for typer: raises BadInput on what is no whole number, or less than `least`."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise BadInput(f"{option} {text} is not a whole number", hint=f"such as: {option} 20") from None
        if least is not None and number < least:
            raise BadInput(f"{option} {text} is too small", hint=f"use {least} or more")
        return number

    return parse
