"""`[[bins]]`: the bins, how each is reached, and what belongs in it."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from rig.catalog import PartNumber, part_number
from rig.errors import BadInput
from rig.section import Section

ChuteAngle = Annotated[float, Field(ge=-3600, le=3600)]
Pin = Annotated[int, Field(ge=0, le=69)]


class BinConfig(Section):
    """`[[bins]]`: a bin, how the actuator reaches it, and the parts that belong in it.

    Attributes:
        chute_deg: where a chute finds it.
        jet_pin: the output that opens its air valve.
        gcode: lines that bring the part into it.
    """

    name: str = Field(min_length=1, max_length=64)
    chute_deg: ChuteAngle | None = None
    jet_pin: Pin | None = None
    gcode: tuple[str, ...] = ()
    parts: tuple[PartNumber, ...] = ()

    @model_validator(mode="after")
    def _part_numbers(self) -> Self:
        for part in self.parts:
            try:
                part_number(part)
            except BadInput as error:
                raise ValueError(str(error)) from error
        return self


# One bin each for the ten parts that the simulator knows, around the half circle that a servo reaches.
_SIMULATED_PARTS = ("2456", "3001", "3002", "3003", "3004", "3010", "3039", "32064", "3660", "3701")
DEFAULT_BINS = (
    BinConfig(name="reject", chute_deg=0),
    *(
        BinConfig(name=part, chute_deg=16.0 * (place + 1), parts=(PartNumber(part),))
        for place, part in enumerate(_SIMULATED_PARTS)
    ),
)
