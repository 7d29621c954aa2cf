"""`rig review` as a person and as a script call it, on a ledger with parts in doubt."""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import cv2
import pytest

from tests.acceptance.conftest import Shell, Trained
from tests.acceptance.real_rig import Terminal, terminal
from tests.dataset.pictures import rows_of
from tests.review.doubts import RUN, doubtful, part_picture


@pytest.fixture
def desk(shell: Shell) -> Shell:
    """Three rejected parts and an unsure one; the second part has two pictures."""
    for looks in (1, 2, 1):
        doubtful(shell.folder / "ledger_simulated", looks=looks)
    doubtful(shell.folder / "ledger_simulated", sorted_as="3001", probability=0.85)
    return shell


def _answers(shell: Shell, text: str) -> Path:
    path = shell.folder / "answers.csv"
    path.write_text(text)
    return path


def _labels(shell: Shell) -> list[str]:
    return sorted(row["label"] for row in rows_of(shell.folder / "captures").values())


def test_what_waits_is_listed_and_answered_by_a_table(desk: Shell) -> None:
    waiting = desk.json("review")["waiting"]
    assert [part["id"] for part in waiting] == [1, 2, 3, 4]
    assert [part["sorted_as"] for part in waiting] == [None, None, None, "3001"]
    assert waiting[0]["candidates"][0] == {"label": "3001", "probability": 0.5}
    assert [len(part["pictures"]) for part in waiting] == [1, 2, 1, 1]
    assert all((desk.folder / picture).exists() for part in waiting for picture in part["pictures"])
    path = _answers(desk, "id;part;remark\n1;2;the second one\n2;9999;\n3;x;a pair\n")
    done = desk.run("review", "--answers", path)
    assert done.returncode == 0, done.stderr
    assert "3 answers; 3 pictures joined captures." in done.stdout
    assert "New to the model in use: 3003 (1 part), 9999 (1 part). rig train" in done.stderr
    assert _labels(desk) == ["3003", "9999", "9999"]
    assert [part["id"] for part in desk.json("review")["waiting"]] == [4]
    # What was answered alike is passed over, so that an interrupted table can be given again.
    again = desk.json("review", "--answers", _answers(desk, path.read_text() + "4;s;\n"))
    assert (again["tally"]["given"], again["tally"]["added"]) == (1, 0)
    assert desk.json("review")["waiting"] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,part\n1,3001\n77,3001\n", "line 3: there is no part '77' on record"),
        ("id,part\n1,3001\n2,4\n", "line 3: '4' is neither a candidate nor a part number"),
        ("id,part\n1,3001\none,3001\n", "line 3: there is no part 'one' on record"),
        ("id,part\n1,3001\n2,../x\n", "line 3: '../x' is not a part number"),
        ("id,part\n1,3001\n2,\n", "line 3: an empty part number is not a part number"),
        ("id,part\n1,3001\n1,3003\n", "line 3: part 1 is there twice"),
        ("id,part\n1,3001\n2\n", "line 3: there are 1 values only"),
        ("number,part\n1,3001\n", "no column is called 'id'"),
        ("", "no column is called 'id'"),
    ],
)
def test_a_table_with_nonsense_is_refused_as_a_whole(desk: Shell, text: str, says: str) -> None:
    assert says in desk.fails("review", "--answers", _answers(desk, text))
    assert not (desk.folder / "captures").exists()


def test_a_table_that_contradicts_an_earlier_answer_is_refused(desk: Shell) -> None:
    desk.json("review", "--answers", _answers(desk, "id,part\n1,3001\n"))
    said = desk.fails("review", "--answers", _answers(desk, "id,part\n2,3001\n1,3003\n"))
    assert "line 3: part 1 was answered otherwise before (3001)" in said
    assert _labels(desk) == ["3001"]


def test_who_cannot_be_asked_is_told_how_else(desk: Shell) -> None:
    said = desk.fails("review")
    assert "4 parts cannot be asked about: this is no terminal" in said
    assert "--answers FILE.csv" in said
    assert "--answers takes what it says" in desk.fails("review", "--answers", "x.csv", "--below", "0.5")
    assert "--most-useful 0 is too small" in desk.fails("review", "--most-useful", "0")


def test_where_nothing_waits_nothing_is_made(shell: Shell) -> None:
    assert shell.json("review") == {"waiting": []}
    assert not list(shell.folder.iterdir())


def test_a_sheet_shows_all_that_wait(desk: Shell) -> None:
    part_picture(desk.folder / "ledger_simulated" / "pictures" / RUN / "00001.jpg")
    assert desk.json("review", "--sheet", "doubtful.jpg") == {
        "file": "doubtful.jpg",
        "parts": 4,
        "waiting": 4,
    }
    sheet = cv2.imread(str(desk.folder / "doubtful.jpg"))
    assert sheet is not None
    assert sheet.shape[1] > 4 * 160
    assert "no JPEG file" in desk.fails("review", "--sheet", "doubtful.gif")


def test_the_most_useful_are_asked_for_first(desk: Shell, trained: Trained) -> None:
    (desk.folder / "models").symlink_to(trained.shell.folder / "models")
    pictures = sorted((trained.shell.folder / "captures").glob("*/*.jpg"))[::7]
    for number, path in zip((1, 3, 4), pictures, strict=False):
        target = desk.folder / "ledger_simulated" / "pictures" / RUN / f"{number:05d}.jpg"
        target.write_bytes(path.read_bytes())
    every = desk.json("review", "--most-useful", "10")["waiting"]
    assert sorted(part["id"] for part in every) == [1, 2, 3, 4]
    assert desk.json("review", "--most-useful", "2")["waiting"] == every[:2]


@pytest.mark.skipif(sys.platform != "linux", reason="needs pseudo-terminals")
def test_a_person_names_takes_back_and_leaves(desk: Shell) -> None:
    with terminal(desk.folder, "review") as person:
        person.await_text("4 parts to review.")
        person.await_text("Part 1, rejected (4 left)")
        person.await_text("ledger_simulated/pictures/")
        person.await_text("1  3001")
        person.await_text("50.0%")
        assert "somebody reviews the parts of ledger_simulated already" in desk.fails("review")
        assert len(desk.json("review")["waiting"]) == 4
        _type(person, "2", "3003", "Part 2")
        _type(person, "u", "Part 1, rejected (4 left)")
        _type(person, "1", "Part 2")
        _type(person, "", "is no answer")
        _type(person, "4", "'4' is no answer")
        _type(person, "30O1", "30O1 is new here. Did you mean 3", "or Enter to go back:")
        _type(person, "", "Part 2, rejected (3 left)")
        _type(person, "4444", "4444 is new here.", "or Enter to go back:")
        _type(person, "4444", "Part 3")
        _type(person, "S", "Part 4, sorted as 3001 (1 left)")
        person.type_line("\x04")  # Ctrl-D
        assert person.end() == 130
        assert "answers that are kept: 4; go on with: rig review" in person.text
    assert _labels(desk) == ["3001", "4444", "4444"]
    with terminal(desk.folder, "review") as person:
        person.await_text("1 part to review.")
        _type(person, "u", "Part 3, rejected (2 left)")
        _type(person, "s", "Part 4")
        _type(person, "1", "That was the last part.")
        _type(person, "u", "Part 4, sorted as 3001 (1 left)")
        person.type_line("q")
        assert person.end() == 0
        assert "2 answers, 2 taken back; 1 picture joined captures, 1 taken out again." in person.text
    with closing(sqlite3.connect(desk.folder / "ledger_simulated" / "ledger.sqlite3")) as database:
        assert database.execute(
            "SELECT part_id, verdict, label FROM reviews ORDER BY part_id"
        ).fetchall() == [
            (1, "named", "3001"),
            (2, "named", "4444"),
            (3, "skipped", None),
        ]


def _type(person: Terminal, line: str, *texts: str) -> None:
    person.type_line(line)
    for text in texts:
        person.await_text(text)


def test_json_is_one_document(desk: Shell) -> None:
    done = desk.run("--json", "review", "--answers", _answers(desk, "id,part\n1,x\n"))
    assert json.loads(done.stdout)["tally"]["given"] == 1
