"""Whoever is at the rig while a job runs."""

from collections.abc import Callable, Sequence
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


class Withdrawn(Exception):
    """A question was answered elsewhere, or its job has ended."""


class PersonElsewhere(Protocol):
    """Somebody at a terminal of another process than that of the job, who may not be the only one asked."""

    def answer(self, sentence: str, answers: Sequence[str], is_asked: Callable[[], bool]) -> str:
        """What a person answers; empty where the sentence only had to be done.

        Args:
            answers: one of which is to be chosen; none where the sentence only has to be done.
            is_asked: whether the question still stands; asked every now and then.

        Raises:
            Withdrawn: it does not any more.
            Interrupted: the person has left.
        """
        ...


def nobody_to_ask(sentence: str) -> BadInput:
    """What ends a job that wants a person where there is none."""
    return BadInput(f"nobody can be asked: {sentence}", hint="run it in a terminal, without --json")
