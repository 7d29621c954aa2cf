"""Take copies out of a dataset, so that they can be put back."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rig.curation.inspection import Pair, alike, identical, inspect
from rig.dataset.index import Index
from rig.dataset.journal import Change, Draft, change
from rig.dataset.progress import Emit
from rig.errors import BadInput


@dataclass(frozen=True)
class Copies:
    """What was found, on disk: ask for it as often as needed.

    Attributes:
        removable: how many can go.
        disputed: how many have a copy under another label, so that a person has to say which label is right.
    """

    index: Index
    removable: int
    disputed: int

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """The file that can go, and the one that stays in its place."""
        yield from self.index.database.execute("SELECT name, stays FROM copy ORDER BY name")


def find_copies(index: Index, emit: Emit, *, near: bool) -> Copies:
    """Which pictures can go: copies of one with a row, or of the oldest. Ask once for each index.

    A copy under another label never goes by itself.

    Args:
        near: pictures that are only nearly the same, in different bricks or sessions of a part, go as well.

    Raises:
        BadInput: the dataset is an exported one, of which each split has rows of its own.
    """
    if next(index.walk("split <> ''"), None) is not None:
        raise BadInput(f"{index.folder} is an exported dataset", hint="name one of its splits, such as train")
    inspect(index, emit)
    database = index.database
    database.execute("CREATE TABLE copy (name TEXT PRIMARY KEY, stays TEXT)")
    for pair in identical(index, within_label=True):
        database.execute("INSERT INTO copy VALUES (?, ?)", (pair.other, pair.first))
    if near:
        for pair in alike(index):
            if pair.labels[0] == pair.labels[1] and not _goes(index, pair):
                database.execute("INSERT INTO copy VALUES (?, ?)", (pair.other, pair.first))
    (removable,) = database.execute("SELECT count(*) FROM copy").fetchone()
    disputed = sum(1 for pair in identical(index) if pair.labels[0] != pair.labels[1])
    return Copies(index, removable, disputed)


def take_out(dataset: Path, copies: Copies, emit: Emit) -> Change:
    """Move the copies into the history of the dataset, and drop their rows; `journal.undo` brings them back.

    Raises:
        DatasetError, StorageError: as `journal.change` says.
    """
    database = copies.index.database
    known = "SELECT 1 FROM copy WHERE name = ?"

    def decide(draft: Draft) -> None:
        for name, _ in copies:
            draft.move(name, None)
        draft.edit_rows(lambda row: None if database.execute(known, (row["file_name"],)).fetchone() else row)

    return change(dataset, f"dedupe of {copies.removable} pictures", decide, emit)


def _goes(index: Index, pair: Pair) -> bool:
    """Whether one of the two goes already; then the other one is no longer a copy of anything."""
    query = "SELECT count(*) FROM copy WHERE name IN (?, ?)"
    (count,) = index.database.execute(query, (pair.first, pair.other)).fetchone()
    return bool(count)
