"""How far a long piece of work on a dataset is."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """So many of so many are done; `total` is None while nobody can know."""

    stage: str
    done: int
    total: int | None


Emit = Callable[[Progress], None]
