"""Options that exclude each other: none that is given is ignored without a word."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import typer

from rig.errors import BadInput


@dataclass(frozen=True)
class Exclusion:
    """An option beside which others would have no effect.

    Attributes:
        option: that one, if it is given.
        says: what it does, so that they have none; begins with the option, and goes on "and takes no ...".
        excludes: whether another option is one of them.
        when: whether this value of the option does so; whatever value by default.
    """

    option: str
    says: str
    excludes: Callable[[str], bool]
    when: Callable[[Any], bool] = lambda value: True


def any_of(*options: str) -> Callable[[str], bool]:
    """Excludes these."""
    return lambda option: option in options


def all_but(*options: str) -> Callable[[str], bool]:
    """Excludes all others."""
    return lambda option: option not in options


def require_no_exclusion(context: typer.Context, exclusions: Sequence[Exclusion]) -> None:
    """See that the options on the command line go with each other; defaults always do.

    Raises:
        BadInput: one excludes another.
    """
    given = {
        parameter.opts[0]: context.params[parameter.name]
        for parameter in context.command.params
        if parameter.name and _is_typed(context, parameter.name)
    }
    for exclusion in exclusions:
        if exclusion.option not in given or not exclusion.when(given[exclusion.option]):
            continue
        for other in given:
            if other != exclusion.option and exclusion.excludes(other):
                raise BadInput(
                    f"{exclusion.says}, and takes no {other}",
                    hint=f"leave out {other}, or {exclusion.option}",
                )


def _is_typed(context: typer.Context, parameter: str) -> bool:
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"
