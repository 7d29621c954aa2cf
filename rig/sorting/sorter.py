"""Sorting mode: see a part, classify it, put the decision on record, drop the part into its bin."""

from collections.abc import Generator
from dataclasses import dataclass

from rig.camera.frame import Image
from rig.errors import MarlinReset, MarlinTimeout, SerialPortError
from rig.files import write_whole
from rig.machine import Machine
from rig.sorting.evidence import Decision
from rig.sorting.examine import Examination, Examiner, Strayed, View
from rig.sorting.ledger import Ledger, RowId, RunId
from rig.sorting.routing import Routing
from rig.sorting.watch import await_part
from rig.vision.colour import estimate
from rig.vision.locate import Box


@dataclass(frozen=True)
class PartSorted:
    """A part was decided on and dropped.

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
class PileEmpty:
    """No part came for `waited_s` seconds; sorting ends."""

    waited_s: float


@dataclass(frozen=True)
class BoardLost:
    """The board was unplugged or restarted; sorting waits for it.

    Attributes:
        reason: what happened, a sentence without a full stop.
    """

    reason: str


@dataclass(frozen=True)
class BoardBack:
    """The board is there again, its axes have found their positions, and sorting goes on."""


@dataclass(frozen=True)
class PartStrayed:
    """A part did not come round with the table: once it lies still it is looked at from the start.

    Attributes:
        how: what became of it, a sentence without a full stop.
    """

    how: str


SortEvent = PartSorted | PartStrayed | PileEmpty | BoardLost | BoardBack

# After these the board may be there again in a moment; a board that was halted wants a person.
_LOSSES = (SerialPortError, MarlinReset, MarlinTimeout)
# A supply that gives way whenever a servo starts does so again.
_MOST_LOSSES_PER_PART = 3
# A part that rolls whenever the table turns is decided by what one look shows.
_MOST_TURNS_ASTRAY = 3


@dataclass(frozen=True)
class Sorter:
    """A machine with a model and bins, ready to sort.

    Attributes:
        examiner: looks at each part.
        colour_threshold: how probable a colour must be to count as known.
        wait_for_part_s: how long an empty table is watched before the pile counts as empty.
    """

    machine: Machine
    examiner: Examiner
    routing: Routing
    ledger: Ledger
    model_name: str
    colour_threshold: float
    wait_for_part_s: float

    def run(self, run: RunId, count: int) -> Generator[SortEvent, None, None]:
        """Sort up to `count` parts; a board that is lost meanwhile is waited for.

        A part that was on its way then is looked at again if it still lies on the table.

        Raises:
            DeviceError: a device failed; what was decided so far is in the ledger.
            StorageError: a decision could not be stored; its part is not moved.
        """
        done = losses = strays = 0
        while done < count:
            try:
                empty_from_s = self.machine.clock.monotonic()
                sight = await_part(self.machine, self.wait_for_part_s)
                if sight is None:
                    yield PileEmpty(self.machine.clock.monotonic() - empty_from_s)
                    return
                seen = self.examiner.examine(sight, once=strays == _MOST_TURNS_ASTRAY)
                if isinstance(seen, Strayed):
                    strays += 1
                    yield PartStrayed(seen.how)
                    continue
                part_sorted = self._sort_one(run, seen, done + 1, count)
            except _LOSSES as loss:
                losses += 1
                if losses == _MOST_LOSSES_PER_PART:
                    raise
                yield BoardLost(loss.what)
                self.machine.reconnect()
                yield BoardBack()
            else:
                done, losses, strays = done + 1, 0, 0
                yield part_sorted

    def _sort_one(self, run: RunId, examination: Examination, done: int, count: int) -> PartSorted:
        decision, first = examination.decision, examination.views[0]
        guess = estimate(first.image, first.box, self.machine.empty_table)
        colour = guess.code if guess and guess.probability >= self.colour_threshold else None
        target = self.routing.bin_for(decision.part, colour)
        row = self.ledger.record(
            run,
            self.model_name,
            decision,
            bin_name=target.name,
            picture=self._keep_picture(run, done, first),
            truth=self.machine.operator.truth(),
            colour=colour,
            colour_probability=guess.probability if guess else None,
        )
        self.machine.actuator.drop(target)
        self.ledger.dropped(row)
        self.routing.took(decision.part, colour, target)
        return PartSorted(row, decision, target.name, first.image, first.box, done, count)

    def _keep_picture(self, run: RunId, number: int, view: View) -> str:
        name = f"pictures/{run}/{number:05d}.jpg"
        write_whole(self.ledger.folder / name, view.jpeg)
        return name
