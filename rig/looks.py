"""Several looks at one part: how they are weighed together, and what they were worth on held-out parts.

Pictures of one part that lies still are alike, also when the table turns it: what a second one tells was
partly told by the first. Multiplied as if they were independent, two looks at a 2x4 brick that both take it
for a 2x3 make it a 2x3 beyond doubt. So after k looks the logarithms of their probabilities are added up and
multiplied by a weight, from 1 (independent) down to 1/k (all of them say the same): a logarithmic opinion
pool (Genest and Zidek, 1986). Training fits the weights to parts that it held out, and keeps what became of
those; sorting mode weighs by them, and finds by what became of them when to look again.
"""

from typing import Annotated, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

MOST_LOOKS = 4
"""Of which training fits the weights."""

LOOK_TURN_DEG = 60.0
"""The table's turn from one look to the next: the shortest that told as much as any. docs/sorting.md."""

# The evidence of one look is bounded: what one look holds to be impossible, others may still show.
_LEAST_PROBABILITY = 1e-6

Share = Annotated[float, Field(ge=0, le=1)]


def fuse(probabilities: NDArray[np.floating], weight: float) -> NDArray[np.float64]:
    """What several looks say together, all parts being equally likely beforehand.

    Args:
        probabilities: (..., looks, classes), calibrated, of each look by itself.
        weight: of the sum of their logarithms, above 0; 1 for a single look.

    Returns:
        (..., classes) float64, sums to 1.
    """
    logarithms = np.log(np.maximum(probabilities.astype(np.float64), _LEAST_PROBABILITY))
    evidence = weight * logarithms.sum(axis=-2)
    powers = np.exp(evidence - evidence.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float64)


class Trial(NamedTuple):
    """What became of a held-out part as it was looked at again and again.

    Attributes:
        sure: probability of the best candidate after 1, 2, ... looks, rounded down to ten-thousandths: so a
            threshold taken from them accepts what it accepted before they were rounded.
        right: whether that candidate was the part.
    """

    sure: tuple[Share, ...]
    right: tuple[bool, ...]


def _read(value: object) -> object:
    if not isinstance(value, str):
        return value
    looks = value.split()
    if not all(look[-1] in "+-" for look in looks):
        raise ValueError(f"{value!r} does not end each look with + or -")
    return Trial(tuple(float(look[:-1]) for look in looks), tuple(look.endswith("+") for look in looks))


def _written(trial: Trial) -> str:
    looks = zip(trial.sure, trial.right, strict=True)
    return " ".join(f"{sure:.4f}{'+' if right else '-'}" for sure, right in looks)


# A line of the card for each: `0.5312- 0.8710+`, right from the second look on.
WrittenTrial = Annotated[Trial, BeforeValidator(_read), PlainSerializer(_written, return_type=str)]


class Looks(BaseModel):
    """What looking again is worth, seen on parts that training held out.

    Attributes:
        weights: after 1, 2, ... looks; the first is 1.
        parts: so many physical parts or sessions the trials are of: those of one tell much the same.
        trials: as many of each of these; each has as many looks as there are weights.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    weights: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(min_length=1)
    parts: int = Field(gt=0)
    trials: tuple[WrittenTrial, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.weights[0] != 1:
            raise ValueError(f"a single look has the weight 1, not {self.weights[0]:g}")
        lengths = {len(column) for trial in self.trials for column in trial}
        if lengths != {len(self.weights)}:
            raise ValueError("the trials have more looks or fewer than there are weights")
        return self

    @property
    def sure(self) -> NDArray[np.float64]:
        """(trials, looks): probability of the best candidate."""
        return np.array([trial.sure for trial in self.trials], np.float64)

    @property
    def right(self) -> NDArray[np.bool_]:
        """(trials, looks): whether that was the part."""
        return np.array([trial.right for trial in self.trials], np.bool_)
