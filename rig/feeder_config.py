"""`[feeder]`: what releases the next part once the table is empty."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from rig.bin_config import Pin
from rig.section import Section


class NoFeederConfig(Section):
    """`[feeder] kind = "none"`: parts come by themselves."""

    kind: Literal["none"] = "none"


class AskedFeederConfig(Section):
    """What all feeders have in common that are asked for each part.

    Attributes:
        retry_s: how long a part may take to come to lie on the table before it is asked for again.
        most_tries: how often one part is asked for; where none came then, the feeder counts as empty.
    """

    retry_s: float = Field(default=5.0, ge=0.1, le=600)
    most_tries: int = Field(default=3, ge=1, le=100)


class HandFeederConfig(AskedFeederConfig):
    """`[feeder] kind = "hand"`: a person is asked to lay each part on the table."""

    kind: Literal["hand"] = "hand"


class GcodeFeederConfig(AskedFeederConfig):
    """`[feeder] kind = "gcode"`: lines of G-code release the next part.

    Attributes:
        release: the lines.
        rest: lines that bring it to rest.
        pins: the only pins that M42 may write in these lines.
    """

    kind: Literal["gcode"] = "gcode"
    release: tuple[str, ...] = Field(min_length=1)
    rest: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()


class PinFeederConfig(AskedFeederConfig):
    """`[feeder] kind = "pin"`: a pulse on an output releases the next part."""

    kind: Literal["pin"] = "pin"
    pin: Pin
    pulse_s: float = Field(default=0.2, ge=0.01, le=10)


def _kind_of_feeder(value: Any) -> str:
    kind = value.get("kind", "none") if isinstance(value, dict) else getattr(value, "kind", "")
    return str(kind)


FeederConfig = Annotated[
    Annotated[NoFeederConfig, Tag("none")]
    | Annotated[HandFeederConfig, Tag("hand")]
    | Annotated[GcodeFeederConfig, Tag("gcode")]
    | Annotated[PinFeederConfig, Tag("pin")],
    Discriminator(_kind_of_feeder),
]
"""`[feeder]`, told apart by its `kind`."""
