"""What a benchmark prints."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A measured figure beside its limit or its peer; the ratio is above 1 where it is the better one."""

    name: str
    measured: str
    limit: str
    ratio: float
