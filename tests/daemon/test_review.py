"""The queue of doubtful parts over HTTP: what is said goes on record and into the dataset, once."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rig.catalog import PartNumber
from rig.review.queue import Answer, Reviews, Verdict
from rig.review.reviewing import open_review
from rig.review.usefulness import in_order_of_use, opinion_of, sessions_of
from rig.shelf import default_bundle
from rig.sorting.ledger import Ledger
from rig.vision.classifier import Classifier
from tests.daemon.served import Served
from tests.dataset.pictures import rows_of, session, write_dataset
from tests.review.doubts import RUN, doubtful, part_picture
from tests.vision.single_minded import write_single_minded


@pytest.fixture
def ledger_folder(tmp_path: Path) -> Path:
    """Three rejected parts, the second with two pictures, and two that were sorted, one of them surely."""
    folder = tmp_path / "ledger_simulated"
    for looks in (1, 2, 1):
        doubtful(folder, looks=looks)
    doubtful(folder, sorted_as="3001", probability=0.85)
    doubtful(folder, sorted_as="3001", probability=0.95)
    return folder


def _ids(queue: Any) -> list[int]:
    return [part["id"] for part in queue["parts"]]


def _labels(folder: Path) -> list[str]:
    return sorted(row["label"] for row in rows_of(folder / "captures").values())


def test_what_waits_comes_with_pictures_and_candidates(served: Served, ledger_folder: Path) -> None:
    queue = served.json("/review")
    assert (queue["waiting"], _ids(queue)) == (4, [1, 2, 3, 4])
    first, second, _, fourth = queue["parts"]
    assert first["candidates"][0] == {"label": "3001", "probability": 0.5}
    assert (first["part"], fourth["part"], fourth["probability"]) == (None, "3001", 0.85)
    assert [look["angle_deg"] for look in second["pictures"]] == [0.0, 40.0]
    name = second["pictures"][1]["picture"]
    assert served.get(f"/ledger/pictures/{name}").body == (ledger_folder / name).read_bytes()
    assert _ids(served.json("/review?below=1")) == [1, 2, 3, 4, 5]
    assert _ids(served.json("/review?limit=2")) == [1, 2]
    assert _ids(served.json("/review?limit=2&after=2")) == [3, 4]
    served.problem("GET", "/review?below=2", status=422)


def test_answers_join_the_dataset_and_are_taken_back(
    served: Served, ledger_folder: Path, tmp_path: Path
) -> None:
    part_picture(ledger_folder / "pictures" / RUN / "00002.jpg")
    said = served.send("POST", "/review/2", {"verdict": "named", "part": "3003"})
    assert said.status == 200, said.body
    assert said.json == {
        "id": 2,
        "part": "3003",
        "added": 2,
        "removed": 0,
        "unreadable": [],
        "waiting": 3,
    }
    assert _labels(tmp_path) == ["3003", "3003"]
    assert served.json("/captures")["classes"][0]["pictures"] == 2
    assert served.send("POST", "/review/1", {"verdict": "skipped"}).json["waiting"] == 2
    assert served.send("POST", "/review/3", {"verdict": "unusable"}).json["waiting"] == 1
    # Another answer takes the place of the first.
    other = served.send("POST", "/review/2", {"verdict": "named", "part": "3010"}).json
    assert (other["added"], other["removed"]) == (2, 2)
    assert _labels(tmp_path) == ["3010", "3010"]
    undone = [served.send("POST", "/review/undo").json for _ in range(4)]
    assert [answer["id"] for answer in undone] == [2, 3, 1, None]
    assert undone[0]["removed"] == 2
    assert undone[3]["waiting"] == 4
    assert rows_of(tmp_path / "captures") == {}


def test_a_part_number_is_taken_in_the_case_that_is_known(
    served: Served, ledger_folder: Path, tmp_path: Path
) -> None:
    write_dataset(tmp_path / "captures", session("3068B", "s1", 1))
    said = served.send("POST", "/review/1", {"verdict": "named", "part": "3068b"})
    assert said.json["part"] == "3068B"
    assert _labels(tmp_path) == ["3068B", "3068B"]


def test_a_part_that_is_new_here_has_to_be_confirmed(
    served: Served, ledger_folder: Path, tmp_path: Path
) -> None:
    new = {"verdict": "named", "part": "3001x"}
    problem = served.problem("POST", "/review/1", new, status=409)
    assert problem["detail"] == "3001x is new here"
    assert problem["type"] == "/problems/NewHere"
    assert problem["notes"] == ["did you mean 3001 or 3701 or 3010?"]
    assert "new = true" in problem["hint"]
    assert not (tmp_path / "captures").exists()
    assert served.send("POST", "/review/1", new | {"new": True}).json["part"] == "3001x"
    # From then on it is known.
    assert served.send("POST", "/review/3", new).status == 200
    slip = {"verdict": "named", "part": "4", "new": True}
    assert (
        "neither a candidate nor a part number"
        in served.problem("POST", "/review/2", slip, status=409)["detail"]
    )


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"verdict": "named"},
        {"verdict": "named", "part": None},
        {"verdict": "named", "part": "../3001"},
        {"verdict": "named", "part": "3001\n"},
        {"verdict": "named", "part": 3001},
        {"verdict": "named", "part": "3001", "new": "yes"},
        {"verdict": "skipped", "part": "3001"},
        {"verdict": "perhaps"},
        {"verdict": "skipped", "why": "dark"},
        ["skipped"],
    ],
)
def test_what_is_no_answer_is_refused(served: Served, ledger_folder: Path, said: object) -> None:
    served.problem("POST", "/review/1", said, status=422)
    assert served.json("/review")["waiting"] == 4


def test_a_part_that_cannot_be_answered_is_named(served: Served, ledger_folder: Path) -> None:
    skip = {"verdict": "skipped"}
    assert "no part 77" in served.problem("POST", "/review/77", skip, status=404)["detail"]
    for number in (0, 2**60, "one"):
        served.problem("POST", f"/review/{number}", skip, status=422)
    (ledger_folder / "pictures" / RUN / "00001.jpg").unlink()
    assert "no picture of part 1 is left" in served.problem("POST", "/review/1", skip, status=409)["detail"]
    assert _ids(served.json("/review")) == [2, 3, 4]


def test_while_somebody_reviews_at_a_terminal_nobody_else_does(
    served: Served, ledger_folder: Path, tmp_path: Path
) -> None:
    with Ledger(ledger_folder) as ledger, open_review(ledger, tmp_path / "captures"):
        problem = served.problem("POST", "/review/1", {"verdict": "skipped"}, status=409)
        assert "somebody reviews the parts" in problem["detail"]
        assert served.json("/review")["waiting"] == 4
    assert served.send("POST", "/review/1", {"verdict": "skipped"}).status == 200


def test_two_pages_may_answer_at_once(served: Served, tmp_path: Path) -> None:
    folder = tmp_path / "ledger_simulated"
    parts = [doubtful(folder) for _ in range(12)]
    statuses: list[int] = []

    def answer(mine: list[int]) -> None:
        for part in mine:
            said = served.send("POST", f"/review/{part}", {"verdict": "named", "part": "3001"})
            statuses.append(said.status)

    pages = [threading.Thread(target=answer, args=(list(parts[place::2]),)) for place in range(2)]
    for page in pages:
        page.start()
    for page in pages:
        page.join(120)
    assert statuses == [200] * 12
    assert _labels(tmp_path) == ["3001"] * 12
    with Ledger(folder) as ledger:
        reviews = Reviews(ledger)
        assert {reviews.answer_to(part) for part in parts} == {Answer(Verdict.NAMED, PartNumber("3001"))}


def test_those_come_first_that_the_model_learns_most_from(
    served: Served, ledger_folder: Path, tmp_path: Path
) -> None:
    write_single_minded(tmp_path / "models" / "small", "3001", labels=("3001", "3003", "3010"))
    captures = write_dataset(tmp_path / "captures", session("3001", "s1", 2))
    classifier = Classifier(default_bundle(tmp_path / "models"))
    with Ledger(ledger_folder) as ledger:
        waiting = Reviews(ledger).least_sure(0.9, 200)
        opinions = np.array([opinion_of(part, classifier) for part in waiting])
    known = np.array([sessions_of(captures).get(label, 0) for label in classifier.card.labels], np.float32)
    expected = [waiting[place].id for place in in_order_of_use(opinions, known, 4)]
    for _ in range(2):
        assert _ids(served.json("/review?by=use")) == expected
    assert _ids(served.json("/review?by=use&limit=1")) == expected[:1]
    # One more that cannot be looked at keeps nobody from the others.
    damaged = doubtful(ledger_folder, probability=0.1)
    part = served.json("/review")["parts"][-1]
    assert part["id"] == damaged
    (ledger_folder / part["pictures"][0]["picture"]).write_bytes(b"no picture")
    assert _ids(served.json("/review?by=use")) == expected


def test_without_a_model_nothing_can_be_ordered_by_use(served: Served, tmp_path: Path) -> None:
    assert served.json("/review?by=use") == {"waiting": 0, "parts": []}
    doubtful(tmp_path / "ledger_simulated")
    assert "there is no model" in served.problem("GET", "/review?by=use", status=409)["detail"]


def test_to_ask_about_nothing_makes_no_ledger(served: Served, tmp_path: Path) -> None:
    served.problem("POST", "/review/1", {"verdict": "skipped"}, status=404)
    assert served.send("POST", "/review/undo").json["id"] is None
    assert list(tmp_path.iterdir()) == []
