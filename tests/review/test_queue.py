"""Which parts a person is asked about, and what is known of them."""

from pathlib import Path

from rig.catalog import PartNumber
from rig.review.queue import Answer, Reviews, Verdict
from rig.sorting.ledger import Ledger, RowId
from tests.review.doubts import RUN, doubtful


def _waiting(folder: Path, below: float = 0.9) -> list[RowId]:
    with Ledger(folder) as ledger:
        return [part.id for part in Reviews(ledger).waiting(below)]


def test_rejected_and_unsure_parts_wait_until_they_are_answered(tmp_path: Path) -> None:
    rejected = doubtful(tmp_path)
    unsure = doubtful(tmp_path, sorted_as="3001", probability=0.85)
    sure = doubtful(tmp_path, sorted_as="3001", probability=0.95)
    doubtful(tmp_path, dropped=False)
    gone = doubtful(tmp_path)
    (tmp_path / f"pictures/{RUN}/{gone:05d}.jpg").unlink()
    assert _waiting(tmp_path) == [rejected, unsure]
    assert _waiting(tmp_path, below=0.0) == [rejected]
    assert _waiting(tmp_path, below=1.0) == [rejected, unsure, sure]
    with Ledger(tmp_path) as ledger:
        reviews = Reviews(ledger)
        reviews.record(rejected, Answer(Verdict.SKIPPED))
        reviews.record(sure, Answer(Verdict.NAMED, PartNumber("3003")))
    assert _waiting(tmp_path, below=1.0) == [unsure]


def test_an_answer_is_kept_taken_back_and_replaced(tmp_path: Path) -> None:
    first, second = doubtful(tmp_path), doubtful(tmp_path)
    named = Answer(Verdict.NAMED, PartNumber("3005"))
    with Ledger(tmp_path) as ledger:
        reviews = Reviews(ledger)
        assert reviews.latest() is None
        reviews.record(first, named)
        reviews.record(second, Answer(Verdict.UNUSABLE))
        reviews.record(first, Answer(Verdict.SKIPPED))
    with Ledger(tmp_path) as ledger:
        reviews = Reviews(ledger)
        assert reviews.latest() == first
        assert reviews.answer_to(first) == Answer(Verdict.SKIPPED)
        reviews.take_back(first)
        assert reviews.latest() == second
        assert reviews.answer_to(first) is None
        assert [unsettled.part.id for unsettled in reviews.unsettled()] == [second, first]
        reviews.settle(first)
        reviews.settle(second)
        assert list(reviews.unsettled()) == []
        assert reviews.answer_to(second) == Answer(Verdict.UNUSABLE)
        assert [part.id for part in reviews.waiting(0.9)] == [first]


def test_all_looks_at_a_part_are_known_and_where_it_was_sorted(tmp_path: Path) -> None:
    old, new = doubtful(tmp_path), doubtful(tmp_path, looks=3)
    with Ledger(tmp_path) as ledger:
        reviews = Reviews(ledger)
        one, three = reviews.waiting(0.9)
        assert [look.picture.name for look in one.looks] == [f"{old:05d}.jpg"]
        assert one.looks[0].angle_deg is None
        assert [look.picture.name for look in three.looks] == [
            f"{new:05d}{end}.jpg" for end in ("", "-1", "-2")
        ]
        assert [look.angle_deg for look in three.looks] == [0.0, 40.0, 80.0]
        assert {part.source for part in (one, three)} == {"camera"}
        assert reviews.find(RowId(99)) is None
    # The rig is simulated if it knows the truth of any part of the run.
    doubtful(tmp_path, truth="3001")
    with Ledger(tmp_path) as ledger:
        assert {part.source for part in Reviews(ledger).waiting(0.9)} == {"simulated"}


def test_some_are_waiting_at_a_time(tmp_path: Path) -> None:
    parts = [doubtful(tmp_path, probability=probability) for probability in (0.5, 0.2, 0.7, 0.3)]
    (tmp_path / "pictures" / RUN / "00003.jpg").unlink()
    with Ledger(tmp_path) as ledger:
        reviews = Reviews(ledger)
        assert [part.id for part in reviews.waiting(0.9, most=2)] == parts[:2]
        assert [part.id for part in reviews.waiting(0.9, after=parts[1], most=2)] == [parts[3]]
        assert [part.id for part in reviews.least_sure(0.9, 3)] == [parts[1], parts[3], parts[0]]
        assert reviews.count_waiting(0.9) == 4  # nobody has looked for the pictures
        reviews.record(parts[0], Answer(Verdict.SKIPPED))
        assert reviews.count_waiting(0.9) == 3
