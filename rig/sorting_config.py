"""`[sorting]`: how sorting mode waits and decides."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from rig.looks import LOOK_TURN_DEG, MOST_LOOKS
from rig.section import Section


class SortingConfig(Section):
    """`[sorting]`: when a part is sorted, looked at again or rejected, and where unsure parts go.

    Attributes:
        cost_wrong_bin, cost_reject, cost_look: what a part in a wrong bin, a part in the reject bin and
            another look cost, in any one unit; the thresholds follow from them.
        target_error: instead of costs, share of the sorted parts that may lie in a wrong bin.
        reject_threshold: instead of either, the probability from which a part is sorted.
        return_bin: for what was never classified, such as two parts at once, and is fed again; the reject bin
            where none is named.
        pushes: how often a part is pushed before that counts as a jam.
        most_views: looks at a part; as many as the model has learned to weigh, at most.
        look_turn_deg: the table's turn from one look to the next.
        colour_threshold: how probable a colour must be to count as known.
        categories: a table of parts and their categories; None for one of the parts that the simulator knows.
        false_strangers: share of known parts that may be taken for ones that the model was never taught.
    """

    reject_bin: str = "reject"
    return_bin: str | None = None
    cost_wrong_bin: float = Field(default=1.0, gt=0)
    cost_reject: float = Field(default=0.2, gt=0)
    cost_look: float = Field(default=0.01, ge=0)
    target_error: float | None = Field(default=None, gt=0, lt=1)
    reject_threshold: float | None = Field(default=None, ge=0, le=1)
    most_views: int = Field(default=MOST_LOOKS, ge=1, le=MOST_LOOKS)
    look_turn_deg: float = Field(default=LOOK_TURN_DEG, ge=5, le=355)
    colour_threshold: float = Field(default=0.8, ge=0, le=1)
    categories: Path | None = None
    false_strangers: float = Field(default=0.02, ge=0, le=0.2)
    wait_for_part_s: float = Field(default=60.0, gt=0)
    pushes: int = Field(default=2, ge=1, le=20)

    @model_validator(mode="after")
    def _one_way_to_decide(self) -> Self:
        if self.target_error is not None and self.reject_threshold is not None:
            raise ValueError("target_error and reject_threshold exclude each other: leave one out")
        if self.cost_reject >= self.cost_wrong_bin:
            raise ValueError(
                "cost_reject must be below cost_wrong_bin; to reject nothing, set reject_threshold = 0"
            )
        return self
