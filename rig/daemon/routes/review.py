"""What sorting was not sure of: the parts that wait for a person, and what is said of them."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Path, Query
from numpy.typing import NDArray
from pydantic import Field

from rig.catalog_fields import PartText
from rig.config import Config
from rig.daemon.fields import MOST_ID, CandidateReply, Limit, Order, Reply, utc
from rig.daemon.library import Library
from rig.daemon.problems import Refused, may_fail
from rig.daemon.station import Station, rooted
from rig.errors import BadInput, DatasetError, NotFound
from rig.model import Bundle
from rig.review.answers import as_known, known_here, similar
from rig.review.joining import Joining
from rig.review.queue import Answer, Doubtful, Reviews, Verdict
from rig.review.reviewing import Review, open_review
from rig.review.usefulness import in_order_of_use, opinion_of
from rig.sorting.evidence import Doubt
from rig.sorting.ledger import Ledger, RowId
from rig.vision.classifier import Classifier

Below = Annotated[
    float, Query(ge=0, le=1, description="Ask about sorted parts, too, that the model was less sure of.")
]
After = Annotated[int, Query(ge=0, le=MOST_ID, description="The id of the last part that is known.")]
By = Annotated[
    Literal["age", "use"],
    Query(description="The oldest first, or those first that the model would learn most from."),
]
Id = Annotated[int, Path(ge=1, le=MOST_ID)]

# The model is asked about so many, the least sure of all that wait. To choose by use among those that one is
# least sure of is the filtered selection of Wei, Iyer, Bilmes (see `rig.review.usefulness`); asking about
# thousands would keep the computer from its work for minutes.
_MOST_ASKED_ABOUT = 200


class LookedReply(Reply):
    """A picture of a part: path below `ledger/pictures`, and the table's angle, 0 to 360, if it is known."""

    picture: str
    angle_deg: float | None


class WaitingReply(Reply):
    """A part that waits for a person.

    Attributes:
        part: what it was sorted as; null: it was rejected.
        doubt: why it was.
        candidates: the best three, most probable first.
    """

    id: int
    run: str
    decided_at: datetime | None
    model: str
    part: str | None
    doubt: Doubt | None
    probability: float
    candidates: list[CandidateReply]
    source: Literal["camera", "simulated"]
    pictures: list[LookedReply]


class QueueReply(Reply):
    """Some of the parts that wait.

    Attributes:
        waiting: how many wait altogether; those of which no picture is left are counted, and are not shown.
    """

    waiting: int
    parts: list[WaitingReply]


class NamedOrder(Order):
    """A person says which part it is.

    Attributes:
        part: its number.
        new: such a part occurs nowhere here yet, and that is no mistake.
    """

    verdict: Literal["named"]
    part: PartText
    new: bool = False


class OtherOrder(Order):
    """Nobody can tell which part it is; or it is none, or several."""

    verdict: Literal["skipped", "unusable"]


AnswerOrder = Annotated[NamedOrder | OtherOrder, Field(discriminator="verdict")]


class AnsweredReply(Reply):
    """What came of an answer, or of taking one back.

    Attributes:
        id: the part; null where there was no answer to take back.
        part: the number that it was given, in the case in which it is known here.
        added, removed: pictures of the dataset.
        unreadable: why a picture did not join, for each that cannot be read.
        waiting: how many wait now.
    """

    id: int | None
    part: str | None
    added: int
    removed: int
    unreadable: list[str]
    waiting: int


def routes(station: Station, library: Library) -> APIRouter:
    """Everything about reviews."""
    router = APIRouter(tags=["review"], responses=may_fail(409, 422, 507))
    desk = _Desk(library)

    @router.get("/review")
    def list_waiting(below: Below = 0.9, after: After = 0, limit: Limit = 20, by: By = "age") -> QueueReply:
        """List parts that wait for a person."""
        config = rooted(station)
        with _reviews(config) as reviews:
            if reviews is None:
                return QueueReply(waiting=0, parts=[])
            if by == "age":
                parts = reviews.waiting(below, after=after, most=limit)
            else:
                parts = desk.most_useful(config, reviews.least_sure(below, _MOST_ASKED_ABOUT), limit)
            return QueueReply(
                waiting=reviews.count_waiting(below), parts=[_waiting_reply(part, config) for part in parts]
            )

    # Before the other, which would take it for the number of a part.
    @router.post("/review/undo")
    def take_back(below: Below = 0.9) -> AnsweredReply:
        """Take back the last answer; its part waits again."""
        with desk.review(rooted(station)) as review:
            part = None if review is None else review.take_back()
            return _answered(review, part, None, below)

    @router.post("/review/{part_id}", responses=may_fail(400, 404))
    def answer(part_id: Id, order: AnswerOrder, below: Below = 0.9) -> AnsweredReply:
        """Say what a part is: its pictures join the dataset."""
        config = rooted(station)
        said = desk.understood(config, order)
        with desk.review(config) as review:
            part = None if review is None else review.reviews.find(RowId(part_id))
            if review is None or part is None:
                raise NotFound(
                    f"there is no part {part_id} on record", hint="see which wait: rig --json review"
                )
            if not part.looks:
                raise Refused(f"no picture of part {part_id} is left", hint="answer the next one")
            review.answer(part, said)
            return _answered(review, part, said, below)

    return router


class NewHere(Refused):
    """A part that occurs nowhere here yet is more often a slip of the finger than a new one."""

    def __init__(self, label: str, near: Sequence[str]) -> None:
        super().__init__(f"{label} is new here", hint="say that it is no mistake: new = true")
        if near:
            self.add_note(f"did you mean {' or '.join(near)}?")


class _Desk:
    """Where reviews are done, one at a time, and what is kept between them."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._joining: tuple[object, Joining] | None = None
        self._opinions: OrderedDict[tuple[str, RowId], NDArray[np.float32]] = OrderedDict()

    @contextmanager
    def review(self, config: Config) -> Iterator[Review | None]:
        """A review; None where there is no ledger.

        Raises:
            Refused: another process reviews the same parts; or the dataset is no folder.
        """
        # To ask makes no ledger.
        if not (config.ledger / Ledger.FILE_NAME).exists():
            yield None
            return
        with self._lock, ExitStack() as stack:
            ledger = stack.enter_context(Ledger(config.ledger))
            try:
                review = stack.enter_context(open_review(ledger, self._joining_of(config, ledger)))
            except BadInput as error:
                # Somebody reviews at a terminal, say: nothing is wrong with what is asked for.
                raise Refused(error.what, hint=error.hint) from error
            yield review

    def understood(self, config: Config, order: NamedOrder | OtherOrder) -> Answer:
        """What is meant by an answer.

        Raises:
            NewHere: nobody said that this is no mistake.
            Refused: it is a slip of the finger.
        """
        if isinstance(order, OtherOrder):
            return Answer(Verdict(order.verdict))
        labels = self._library.labels_in_use(config.paths.models)
        known = known_here(config.bins, self._library.captures.labels(), labels)
        try:
            label = as_known(order.part, known)
        except BadInput as error:
            raise Refused(error.what, hint="give the mould's number, such as 3001") from error
        if label not in known and not order.new:
            raise NewHere(label, similar(label, known))
        return Answer(Verdict.NAMED, label)

    def most_useful(self, config: Config, parts: Sequence[Doubtful], count: int) -> list[Doubtful]:
        """The parts whose answers would teach the model in use most, the most useful first.

        Of a part with a picture that cannot be read nobody knows; it is left out.
        """
        if not parts:
            return []
        asked: list[Doubtful] = []
        opinions: list[NDArray[np.float32]] = []
        with self._library.classifier.of(config.paths.models) as (bundle, classifier):
            for part in parts:
                with suppress(DatasetError):
                    opinions.append(self._opinion(bundle, classifier, part))
                    asked.append(part)
            labels = classifier.card.labels
        if not asked:
            return []
        sessions = {part.label: part.sessions for part in self._library.captures.parts()}
        known = np.array([sessions.get(label, 0) for label in labels], np.float32)
        return [asked[place] for place in in_order_of_use(np.array(opinions), known, count)]

    def _opinion(self, bundle: Bundle, classifier: Classifier, part: Doubtful) -> NDArray[np.float32]:
        """What the model takes a part for, which it is asked once; by whoever has it to himself."""
        key = (bundle.card.model_sha256, part.id)
        opinion = self._opinions.pop(key, None)
        self._opinions[key] = opinion_of(part, classifier) if opinion is None else opinion
        while len(self._opinions) > _MOST_ASKED_ABOUT:
            self._opinions.popitem(last=False)
        return self._opinions[key]

    def _joining_of(self, config: Config, ledger: Ledger) -> Joining:
        captures = self._library.captures
        key = (captures, ledger.folder)
        if self._joining is None or self._joining[0] != key:
            self._joining = (key, Joining(captures.folder, ledger.folder, captures.rows_of_session))
        return self._joining[1]


@contextmanager
def _reviews(config: Config) -> Iterator[Reviews | None]:
    if not (config.ledger / Ledger.FILE_NAME).exists():
        yield None
        return
    with Ledger(config.ledger) as ledger:
        yield Reviews(ledger)


def _waiting_reply(part: Doubtful, config: Config) -> WaitingReply:
    return WaitingReply(
        id=part.id,
        run=part.run,
        decided_at=utc(part.decided_at),
        model=part.model,
        part=part.part,
        doubt=part.doubt,
        probability=part.probability,
        candidates=[CandidateReply(label=c.label, probability=c.probability) for c in part.candidates],
        source=part.source,
        pictures=[
            LookedReply(picture=look.picture.relative_to(config.ledger).as_posix(), angle_deg=look.angle_deg)
            for look in part.looks
        ],
    )


def _answered(
    review: Review | None, part: Doubtful | None, said: Answer | None, below: float
) -> AnsweredReply:
    return AnsweredReply(
        id=None if part is None else part.id,
        part=None if said is None else said.label,
        added=review.tally.added if review else 0,
        removed=review.tally.removed if review else 0,
        unreadable=review.tally.unreadable if review else [],
        waiting=review.reviews.count_waiting(below) if review else 0,
    )
