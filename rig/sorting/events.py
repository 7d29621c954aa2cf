"""What sorting mode tells while it runs; what is no part that was sorted is a sentence as well."""

from dataclasses import dataclass

from rig.camera.frame import Image
from rig.sorting.evidence import Decision, Doubt
from rig.sorting.ledger import PartOutcome, RowId
from rig.sorting.model_in_use import ModelRefused, ModelReplaced
from rig.sorting.trouble import Trouble, TroubleOver
from rig.vision.locate import Box


@dataclass(frozen=True)
class PartSorted:
    """A part was decided on and has left the table.

    Attributes:
        row: its row in the ledger.
        decision: what it was taken for.
        bin_name: where it went.
        image: what the camera saw, uint8 BGR.
        box: where the part was in it.
        done, count: parts so far, and parts asked for.
    """

    row: RowId
    decision: Decision
    bin_name: str
    image: Image
    box: Box
    done: int
    count: int


@dataclass(frozen=True)
class PartReturned:
    """What could not be classified went into the bin that is fed again.

    Attributes:
        row: its row in the ledger.
        doubt: why not.
    """

    row: RowId
    doubt: Doubt
    bin_name: str

    def __str__(self) -> str:
        what = "Several things lay on the table" if self.doubt is Doubt.SEVERAL else "A part was half in view"
        return f"{what}: sent to bin {self.bin_name} unclassified, to be fed again"


@dataclass(frozen=True)
class PartAstray:
    """A part that lies in no bin that is known; it is not counted.

    Attributes:
        row: its row in the ledger.
        outcome: "stayed" or "lost", as the ledger has it.
        bin_name: that it was meant for; None where it went before that was decided.
    """

    row: RowId
    outcome: PartOutcome
    bin_name: str | None

    def __str__(self) -> str:
        if self.bin_name is None:
            return "A part fell off the table while it was looked at, and is not counted"
        how = "left the table unseen" if self.outcome == "lost" else "did not go there"
        return f"A part for bin {self.bin_name} {how}, and is not counted"


@dataclass(frozen=True)
class PartStrayed:
    """A part was not seen to come round with the table: once it lies still it is looked at from the start.

    Attributes:
        how: what became of it, a sentence without a full stop.
    """

    how: str

    def __str__(self) -> str:
        return f"Looking anew: {self.how}"


@dataclass(frozen=True)
class PileEmpty:
    """No part came for `waited_s` seconds; sorting ends."""

    waited_s: float

    def __str__(self) -> str:
        return f"No part came for {self.waited_s:.0f} s: the pile seems to be empty"


SortEvent = (
    PartSorted
    | PartReturned
    | PartAstray
    | PartStrayed
    | PileEmpty
    | Trouble
    | TroubleOver
    | ModelReplaced
    | ModelRefused
)
