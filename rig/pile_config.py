"""`[sim.pile]`: what the simulated feeder holds, and what goes wrong with it."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from rig.catalog_fields import AnyColour, AnyPart
from rig.section import Section

Weight = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class PileConfig(Section):
    """`[sim.pile]`: what the simulated feeder holds, in sorting mode. Shares are 0 to 1.

    Attributes:
        parts: how often each part comes, relative to others; where empty, all that the model knows, alike.
        colours: likewise by LDraw code or name; where empty, the common ones, alike.
        damaged: share of parts with a chipped corner, the mark of a bite or a stud off.
        foreign: share of parts that the model does not know.
        foreign_parts: which; where empty, those of the simulator's own ten that it does not know.
        stuck: share of pairs that are stuck together.
        double: share of pairs that come at once and lie apart.
        astray: share of parts that roll aside, to where the picture may end.
        gap_spread_s: mean of what a part comes later than `feed_gap_s`, exponentially distributed.
        jams, jam_s: share of parts before which the feeder jams, and for how long.
        stays: share of pushes that leave a part where it lies.
        bounces: share of parts that spring out of the bin.
    """

    parts: dict[AnyPart, Weight] = Field(default_factory=dict)
    colours: dict[AnyColour, Weight] = Field(default_factory=dict)
    damaged: Share = 0.0
    foreign: Share = 0.0
    foreign_parts: tuple[AnyPart, ...] = ()
    stuck: Share = 0.0
    double: Share = 0.0
    astray: Share = 0.0
    gap_spread_s: float = Field(default=0.0, ge=0, le=600)
    jams: Share = 0.0
    jam_s: float = Field(default=20.0, ge=0, le=3600)
    stays: float = Field(default=0.0, ge=0, lt=1)
    bounces: Share = 0.0

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.damaged + self.foreign + self.stuck + self.double > 1:
            raise ValueError("damaged, foreign, stuck and double are more than 1 together")
        return self
