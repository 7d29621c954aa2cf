"""Each part of a run on record with its pictures, before anything moves it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rig.bin_config import BinConfig
from rig.catalog import ColourCode
from rig.devices.operator import Truth
from rig.errors import StorageError
from rig.files import write_whole
from rig.sorting.evidence import Decision
from rig.sorting.ledger import Ledger, PartOutcome, RowId, RunId, ViewRow
from rig.sorting.view import View


@dataclass(frozen=True)
class ColourOnRecord:
    """What colour a part seems to have.

    Attributes:
        code: LDraw colour code; None where nobody is sure.
        probability: of the likeliest, 0 to 1; None where none was told.
    """

    code: ColourCode | None = None
    probability: float | None = None


@dataclass(frozen=True)
class PartInHand:
    """A part that is on record and still on the table.

    Attributes:
        row: its row in the ledger.
        number: its place in the run, from 1.
        target: the bin that it is meant for.
        picture: of the first look.
    """

    row: RowId
    number: int
    decision: Decision
    target: BinConfig
    picture: Path

    def __str__(self) -> str:
        taken_for = self.decision.part or "not recognised"
        return f"part {self.number} ({taken_for}, for bin {self.target.name}, {self.picture})"


class Records:
    """The rows of a run."""

    def __init__(self, ledger: Ledger, run: RunId) -> None:
        self._ledger = ledger
        self._run = run

    def begin(
        self,
        model: str,
        decision: Decision,
        views: Sequence[View],
        target: BinConfig,
        *,
        seen_at: str,
        truth: Truth | None,
        colour: ColourOnRecord,
    ) -> PartInHand:
        """Put a decision on record, with the pictures of all views; it is on disk when this returns.

        Args:
            model: name of the model that was asked.
            views: at least one.
            seen_at: as `rig.sorting.ledger.now` gave it when the part lay still.

        Raises:
            StorageError: it could not be written; the ledger is as it was.
        """
        number = self._ledger.next_number(self._run)
        pictures = [self._keep(number, place, view.jpeg) for place, view in enumerate(views, 1)]
        row = self._ledger.record(
            self._run,
            model,
            decision,
            bin_name=target.name,
            picture=pictures[0],
            truth=truth,
            views=[_row(place, *kept) for place, kept in enumerate(zip(views, pictures, strict=True), 1)],
            seen_at=seen_at,
            colour=colour.code,
            colour_probability=colour.probability,
        )
        return PartInHand(row, number, decision, target, self._ledger.folder / pictures[0])

    def end(self, part: PartInHand, outcome: PartOutcome) -> None:
        """Put on record what became of a part.

        Raises:
            StorageError: it could not be written; the next start calls the part unfinished.
        """
        if outcome == "dropped":
            self._ledger.dropped(part.row)
        else:
            self._ledger.ended(part.row, outcome)

    def leave_unfinished(self, part: PartInHand, stop: BaseException) -> None:
        """Whatever stops the work on a part is told so, and the ledger, if it can be written."""
        stop.add_note(f"under way was {part}: see whether it lies on the table")
        try:
            self.end(part, "unfinished")
        except StorageError as error:
            stop.add_note(error.what)

    def _keep(self, number: int, place: int, jpeg: bytes) -> str:
        name = f"pictures/{self._run}/{number:05d}{'' if place == 1 else f'-{place}'}.jpg"
        write_whole(self._ledger.folder / name, jpeg)
        return name


def _row(number: int, view: View, picture: str) -> ViewRow:
    label, probability = view.best or (None, None)
    return ViewRow(number, picture, view.angle_deg, label, probability)
