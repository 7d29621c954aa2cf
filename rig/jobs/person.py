"""Whoever is at the rig while a job runs."""

from collections.abc import Sequence
from typing import Protocol

from rig.errors import BadInput


class Person(Protocol):
    """Somebody at a terminal, or at a page, or nobody.

    Attributes:
        somebody_is_there: whether anybody can be asked.
    """

    @property
    def somebody_is_there(self) -> bool: ...

    def ask(self, sentence: str) -> None:
        """Show a sentence, and return when what it says is done.

        Raises:
            BadInput: there is nobody to ask.
        """
        ...

    def choose(self, question: str, answers: Sequence[str]) -> str:
        """Have one of some answers chosen."""
        ...


def nobody_to_ask(sentence: str) -> BadInput:
    """What ends a job that wants a person where there is none."""
    return BadInput(f"nobody can be asked: {sentence}", hint="run it in a terminal, without --json")
