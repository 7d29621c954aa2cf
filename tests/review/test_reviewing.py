"""What a person says of a part is in the dataset afterwards, once, whatever happened on the way."""

from itertools import count
from pathlib import Path

import pytest

from rig.catalog import PartNumber
from rig.dataset.reader import read_dataset
from rig.dataset.standing import StandingIndex
from rig.errors import DatasetError
from rig.review.joining import Joining
from rig.review.queue import Answer, Reviews, Verdict
from rig.review.reviewing import open_review
from rig.sorting.ledger import Ledger, RowId
from tests.dataset.killing import killed_at
from tests.dataset.pictures import rows_of, session, write_dataset
from tests.review.doubts import RUN, doubtful, part_picture


def named(label: str) -> Answer:
    return Answer(Verdict.NAMED, PartNumber(label))


def _answer(folder: Path, part: RowId, answer: Answer) -> None:
    with Ledger(folder / "ledger") as ledger, open_review(ledger, folder / "captures") as review:
        found = review.reviews.find(part)
        assert found is not None
        review.answer(found, answer)


def _take_back(folder: Path) -> None:
    with Ledger(folder / "ledger") as ledger, open_review(ledger, folder / "captures") as review:
        review.take_back()


def _state(folder: Path) -> tuple[list[RowId], set[str]]:
    """What is waiting, and what is in the dataset: each file with its row and each row with its file."""
    with Ledger(folder / "ledger") as ledger, open_review(ledger, folder / "captures") as review:
        waiting = [part.id for part in review.reviews.waiting(0.9)]
    rows = rows_of(folder / "captures") if (folder / "captures" / "metadata.jsonl").exists() else {}
    files = {path.relative_to(folder / "captures").as_posix() for path in folder.glob("captures/*/*")}
    assert files == rows.keys()
    return waiting, files


def test_a_named_part_joins_with_all_its_looks_as_a_session_of_its_own(tmp_path: Path) -> None:
    captured = write_dataset(tmp_path / "captures", session("3001", "s1", 2))
    part = doubtful(tmp_path / "ledger", looks=2)
    part_picture(tmp_path / "ledger" / "pictures" / RUN / "00001.jpg")
    _answer(tmp_path, part, named("3005"))
    first, second = (row for row in rows_of(captured).values() if row["label"] == "3005")
    brick = f"sorted-{RUN}-{part:05d}"
    assert (first["session"], first["physical_part"], first["source"]) == (brick, brick, "camera")
    assert (first["angle_deg"], second["angle_deg"]) == (0.0, 40.0)
    x, y, width, height = first["box"]
    assert (abs(x - 60), abs(y - 40), abs(width - 50), abs(height - 40)) < (4, 4, 5, 5)
    assert second["reviewed_from"] == f"pictures/{RUN}/00001-1.jpg"
    kept = tmp_path / "ledger" / second["reviewed_from"]
    assert (captured / second["file_name"]).read_bytes() == kept.read_bytes()
    groups = {sample.group for sample in read_dataset(captured).samples if sample.label == "3005"}
    assert groups == {brick}


def test_only_what_was_named_joins(tmp_path: Path) -> None:
    one, other = doubtful(tmp_path / "ledger"), doubtful(tmp_path / "ledger")
    _answer(tmp_path, one, Answer(Verdict.SKIPPED))
    _answer(tmp_path, other, Answer(Verdict.UNUSABLE))
    assert not (tmp_path / "captures").exists()
    assert _state(tmp_path) == ([], set())


def test_the_last_answers_are_taken_back_one_by_one(tmp_path: Path) -> None:
    one, other = doubtful(tmp_path / "ledger", looks=2), doubtful(tmp_path / "ledger")
    _answer(tmp_path, one, named("3001"))
    _answer(tmp_path, other, named("3003"))
    _take_back(tmp_path)
    waiting, files = _state(tmp_path)
    assert waiting == [other]
    assert {name.partition("/")[0] for name in files} == {"3001"}
    _take_back(tmp_path)
    _take_back(tmp_path)  # nothing is left
    assert _state(tmp_path) == ([one, other], set())
    _answer(tmp_path, one, named("3010"))
    assert {name.partition("/")[0] for name in _state(tmp_path)[1]} == {"3010"}


def test_another_answer_takes_the_place_of_the_first(tmp_path: Path) -> None:
    part = doubtful(tmp_path / "ledger")
    _answer(tmp_path, part, named("3001"))
    _answer(tmp_path, part, named("3003"))
    assert _state(tmp_path) == ([], {f"3003/sorted-{RUN}-{part:05d}_1.jpg"})


def test_a_picture_that_cannot_be_read_is_named_and_holds_nothing_up(tmp_path: Path) -> None:
    damaged = doubtful(tmp_path / "ledger", looks=2)
    (tmp_path / "ledger" / "pictures" / RUN / "00001.jpg").write_bytes(b"no picture")
    with Ledger(tmp_path / "ledger") as ledger, open_review(ledger, tmp_path / "captures") as review:
        [part] = review.reviews.waiting(0.9)
        review.answer(part, named("3001"))
    assert review.tally.added == 1
    [why] = review.tally.unreadable
    assert "00001.jpg is not a readable image" in why
    assert _state(tmp_path) == ([], {f"3001/sorted-{RUN}-{damaged:05d}_2.jpg"})


def test_an_answer_outlives_a_dataset_that_cannot_be_written(tmp_path: Path) -> None:
    part = doubtful(tmp_path / "ledger")
    write_dataset(tmp_path / "captures", session("3001", "s1", 1))
    manifest = tmp_path / "captures" / "metadata.jsonl"
    sound = manifest.read_text()
    with Ledger(tmp_path / "ledger") as ledger:
        Reviews(ledger).record(part, named("3001"))
        manifest.write_text("nonsense\n" + sound)
        with (
            pytest.raises(DatasetError, match="line 1 is not a manifest row"),
            open_review(ledger, tmp_path / "captures"),
        ):
            pass
        assert Reviews(ledger).answer_to(part) == named("3001")
    manifest.write_text(sound)
    assert len(_state(tmp_path)[1]) == 2


@pytest.mark.parametrize("first", ["answer", "take back", "answer otherwise"])
def test_killed_at_any_step_it_is_as_before_or_as_after(tmp_path: Path, first: str) -> None:
    """At each step in the file system, in a process of its own; two looks are two pictures and two rows."""
    for step in count():
        folder = tmp_path / str(step)
        part = doubtful(folder / "ledger", looks=2)
        before: tuple[list[RowId], set[str]] = ([part], set())
        after = _in_dataset(part, "3001")
        if first != "answer":
            _answer(folder, part, named("3001"))
            before, after = after, ([part], set())
        if first == "answer otherwise":
            after = _in_dataset(part, "3003")
        was_killed = killed_at(step, lambda folder=folder, part=part: _work(first, folder, part))  # type: ignore[misc]
        # Whoever completes it is killed as well, at one step or another.
        killed_at(7 * step % 20, lambda folder=folder: _state(folder))  # type: ignore[misc]
        assert _state(folder) in (before, after), f"step {step}"
        if not was_killed:
            assert _state(folder) == after
            assert step > 5
            return


def _work(what: str, folder: Path, part: RowId) -> None:
    if what == "take back":
        _take_back(folder)
    else:
        _answer(folder, part, named("3001" if what == "answer" else "3003"))


def _in_dataset(part: RowId, label: str) -> tuple[list[RowId], set[str]]:
    return [], {f"{label}/sorted-{RUN}-{part:05d}_{look}.jpg" for look in (1, 2)}


def test_reviews_one_after_another_may_know_the_rows_from_elsewhere(tmp_path: Path) -> None:
    """A service that answers one question at a time does not read the manifest for each."""
    one, other = doubtful(tmp_path / "ledger", looks=2), doubtful(tmp_path / "ledger")
    index = StandingIndex(tmp_path / "captures")
    joining = Joining(tmp_path / "captures", tmp_path / "ledger", index.rows_of_session)
    for part, label in ((one, "3001"), (other, "3003"), (one, "3010")):
        with Ledger(tmp_path / "ledger") as ledger, open_review(ledger, joining) as review:
            found = review.reviews.find(part)
            assert found is not None
            review.answer(found, named(label))
    waiting, files = _state(tmp_path)
    assert waiting == []
    assert sorted(name.partition("/")[0] for name in files) == ["3003", "3010", "3010"]
