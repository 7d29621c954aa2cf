"""Each part of a run on record with its pictures, before anything moves it."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    ) -> RowId:
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
        return self._ledger.record(
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

    def end(self, row: RowId, outcome: PartOutcome) -> None:
        """Put on record what became of a part.

        Raises:
            StorageError: it could not be written; the next start calls the part unfinished.
        """
        if outcome == "dropped":
            self._ledger.dropped(row)
        else:
            self._ledger.ended(row, outcome)

    def leave_unfinished(self, stop: BaseException) -> None:
        """Whatever stops the work on a part is told so, and the ledger, if it can be written.

        The ledger knows which part that is: a signal may come while a row is being written.
        """
        try:
            for row in self._ledger.close_unfinished():
                picture = f", {self._ledger.folder / row.picture}" if row.picture else ""
                stop.add_note(
                    f"under way was part {row.number} ({row.part or 'not recognised'}, for bin {row.bin}"
                    f"{picture}): see whether it lies on the table"
                )
        except StorageError as error:
            stop.add_note(error.what)

    def _keep(self, number: int, place: int, jpeg: bytes) -> str:
        name = f"pictures/{self._run}/{number:05d}{'' if place == 1 else f'-{place}'}.jpg"
        write_whole(self._ledger.folder / name, jpeg)
        return name


def _row(number: int, view: View, picture: str) -> ViewRow:
    label, probability = view.best or (None, None)
    return ViewRow(number, picture, view.angle_deg, label, probability)
