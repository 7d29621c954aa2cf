"""A review: each answer goes on record first, and then into the dataset, whatever happens in between."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rig.errors import BadInput
from rig.files import storage_errors, try_lock
from rig.review.joining import Joining
from rig.review.queue import Answer, Doubtful, Reviews
from rig.sorting.ledger import Ledger

_LOCK = ".review.lock"


@dataclass
class Tally:
    """What a review came to so far.

    Attributes:
        named: parts by the number that they were given; none of those that were taken back.
        given, taken_back: answers.
        added, removed: pictures of the dataset.
        unreadable: why a picture did not join, for each that cannot be read.
    """

    named: dict[str, int] = field(default_factory=dict)
    given: int = 0
    taken_back: int = 0
    added: int = 0
    removed: int = 0
    unreadable: list[str] = field(default_factory=list)


@contextmanager
def open_review(ledger: Ledger, dataset: Path | Joining) -> Iterator["Review"]:
    """A review, the only one of its ledger until the block ends.

    An answer that was recorded and did not reach the dataset, since the process was killed or the disk full,
    is completed first.

    Args:
        dataset: class folders that named parts join; or how they do, for who opens one review after another.

    Raises:
        BadInput: another process reviews the parts of this ledger; or the dataset is no folder.
        DatasetError, StorageError: as `Joining` says.
    """
    path = ledger.folder / _LOCK
    with storage_errors(path):
        lock = path.open("a")
    with lock:
        if not try_lock(lock):
            raise BadInput(
                f"somebody reviews the parts of {ledger.folder} already",
                hint="leave that review first, with q",
            )
        yield Review(ledger, dataset if isinstance(dataset, Joining) else Joining(dataset, ledger.folder))


class Review:
    """Parts that are waiting for a person, and the way of the answers; made by `open_review`."""

    def __init__(self, ledger: Ledger, joining: Joining) -> None:
        self.reviews = Reviews(ledger)
        self.tally = Tally()
        self._joining = joining
        self._follow()

    def answer(self, part: Doubtful, answer: Answer) -> None:
        """Record what was said of a part, and have the dataset follow.

        Raises:
            DatasetError: another process is changing the dataset; the answer is on record.
            StorageError: ledger or dataset cannot be written; in the latter case the answer is on record.
        """
        self.reviews.record(part.id, answer)
        self.tally.given += 1
        self._count(answer, 1)
        self._follow()

    def take_back(self) -> Doubtful | None:
        """Void the latest answer, of this review or of an earlier one; the part is waiting again.

        Returns:
            The part; None where there is no answer.

        Raises:
            DatasetError, StorageError: as for `answer`; what was begun is completed by the next review.
        """
        part = self.reviews.latest()
        if part is None:
            return None
        answer = self.reviews.answer_to(part)
        self.reviews.take_back(part)
        self.tally.taken_back += 1
        self._count(answer, -1)
        self._follow()
        return self.reviews.find(part)

    def _count(self, answer: Answer | None, by: int) -> None:
        if answer is not None and answer.label is not None:
            self.tally.named[answer.label] = self.tally.named.get(answer.label, 0) + by

    def _follow(self) -> None:
        for unsettled in self.reviews.unsettled():
            joined = self._joining.bring_in_line(unsettled.part, unsettled.label)
            self.reviews.settle(unsettled.part.id)
            self.tally.added += joined.added
            self.tally.removed += joined.removed
            self.tally.unreadable += joined.unreadable
