"""Bring the dataset in line with what a person said of a part: its pictures join, or are taken out again."""

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from rig.catalog import PartNumber
from rig.dataset.journal import Draft, change
from rig.dataset.layout import MANIFEST, Source
from rig.dataset.manifest import read_manifest
from rig.dataset.reader import decode_image, read_bytes
from rig.dataset.store import DatasetStore
from rig.errors import DatasetError
from rig.review.queue import Doubtful, Look
from rig.vision.locate import locate

_SESSIONS = "sorted-"


@dataclass(frozen=True)
class ReviewedRow:
    """What the manifest says of a picture that sorting mode took and a person named, as `ImageRow` would.

    What the ledger does not tell of its exposure is left out.

    Attributes:
        session, physical_part: id of the passage of one part over the rig, which is both.
        angle_deg: of the table, 0 to 360; None where nobody wrote it down.
        box: x, y, width, height of the part in pixels; None when it was not found.
        reviewed_from: the picture below the ledger's folder.
    """

    file_name: str
    label: str
    session: str
    pose: int
    physical_part: str
    angle_deg: float | None
    box: tuple[int, int, int, int] | None
    source: Source
    software: str
    captured_at: str
    reviewed_from: str


@dataclass(frozen=True)
class Joined:
    """What came of an answer in the dataset.

    Attributes:
        added, removed: numbers of pictures.
        unreadable: why a picture did not join, for each that cannot be read.
    """

    added: int
    removed: int
    unreadable: tuple[str, ...]


class Joining:
    """The dataset that answered parts join.

    Each step can be taken again, so that whoever was killed on the way begins anew: the names of the files
    follow from part and label alone, and no row is written twice.

    Args:
        dataset: class folders; made with the first picture.
        ledger_folder: where the pictures are.
        rows_of: gives the file names of the rows of a session, as they are when it is asked; without it, the
            manifest is read once.

    Raises:
        BadInput: the dataset is no folder.
        DatasetError: its manifest is damaged, or another process is changing it.
        StorageError: it cannot be written.
    """

    def __init__(
        self, dataset: Path, ledger_folder: Path, rows_of: Callable[[str], Collection[str]] | None = None
    ) -> None:
        self._store = DatasetStore(dataset)
        self._ledger_folder = ledger_folder
        self._rows_of = rows_of
        self._read: defaultdict[str, set[str]] = defaultdict(set)
        for row in read_manifest(dataset / MANIFEST) if rows_of is None else ():
            session = str(row.document.get("session"))
            if session.startswith(_SESSIONS):
                self._read[session].add(row.document["file_name"])

    def bring_in_line(self, part: Doubtful, label: PartNumber | None) -> Joined:
        """Have the dataset hold the pictures of a part under `label`, or none of them without one.

        Raises:
            DatasetError, StorageError: as for the whole; nothing is half done, and it can be tried again.
        """
        session = part.session
        present = self._read[session] if self._rows_of is None else set(self._rows_of(session))
        wanted = {} if label is None else _named(part, label)
        surplus = present - wanted.keys()
        if surplus:
            self._take_out(part.session, surplus)
            present -= surplus
        added = 0
        unreadable = []
        for name in [name for name in wanted if name not in present]:
            try:
                self._add(name, part, wanted[name])
            except DatasetError as error:
                unreadable.append(error.what)
            else:
                present.add(name)
                added += 1
        return Joined(added, len(surplus), tuple(unreadable))

    def _add(self, name: str, part: Doubtful, look: Look) -> None:
        content = read_bytes(look.picture)
        box = locate(decode_image(content, look.picture))
        row = ReviewedRow(
            file_name=name,
            label=name.partition("/")[0],
            session=part.session,
            pose=0,
            physical_part=part.session,
            angle_deg=look.angle_deg,
            box=(box.x, box.y, box.width, box.height) if box else None,
            source=part.source,
            software=f"brickrig {version('brickrig')}",
            captured_at=part.decided_at,
            reviewed_from=look.picture.relative_to(self._ledger_folder).as_posix(),
        )
        self._store.add_document(asdict(row), content)

    def _take_out(self, session: str, names: set[str]) -> None:
        def decide(draft: Draft) -> None:
            for name in sorted(names):
                draft.move(name, None)
            draft.edit_rows(lambda row: None if row["file_name"] in names else row)

        change(self._store.root, f"take {session} back", decide, lambda progress: None)


def _named(part: Doubtful, label: PartNumber) -> dict[str, Look]:
    """Its pictures by their names in the dataset."""
    return {f"{label}/{part.session}_{number}.jpg": look for number, look in enumerate(part.looks, start=1)}
