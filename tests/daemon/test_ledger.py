"""What was sorted, over HTTP: what the ledger says, some at a time, while sorting writes it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.catalog import ColourCode, PartNumber
from rig.devices.operator import Truth
from rig.sorting.evidence import Decision, Doubt
from rig.sorting.ledger import Ledger, RunId, ViewRow
from rig.vision.classifier import Candidate
from tests.daemon.served import Served
from tests.dataset.pictures import picture

RUN, OTHER = RunId("20261122T100000Z-ab12"), RunId("20261123T100000Z-cd34")


def sort(ledger: Ledger, part: str | None, *, run: RunId = RUN, colour: int | None = None) -> None:
    """Put a part on record as sorting mode does, with two looks at it."""
    number = ledger.next_number(run)
    names = [f"pictures/{run}/{number:05d}{more}.jpg" for more in ("", "-2")]
    for place, name in enumerate(names):
        path = ledger.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(10 * number + place, side=200))
    row = ledger.record(
        run,
        "small",
        Decision(
            PartNumber(part) if part else None,
            0.7,
            (Candidate("3001", 0.7), Candidate("3003", 0.2)),
            None if part else Doubt.UNSURE,
        ),
        bin_name=part or "reject",
        picture=names[0],
        truth=Truth("3001", "sound"),
        views=[ViewRow(1, names[0], 0.0, "3001", 0.6), ViewRow(2, names[1], 60.0, "3001", 0.7)],
        seen_at="2026-11-22T10:00:00.000+00:00",
        colour=None if colour is None else ColourCode(colour),
        colour_probability=None if colour is None else 0.9,
    )
    ledger.dropped(row)


@pytest.fixture
def ledger_folder(tmp_path: Path) -> Path:
    """Seven parts of one run, and then one of another; the second was not named."""
    folder = tmp_path / "ledger_simulated"
    with Ledger(folder) as ledger:
        for place in range(7):
            sort(ledger, None if place == 1 else "3001", colour=4 if place else None)
        sort(ledger, "3003", run=OTHER)
        ledger.keep_trouble(RUN, "jam", "The part did not leave the table", "troubles/x/001.jpg")
    (folder / "troubles" / "x").mkdir(parents=True)
    (folder / "troubles" / "x" / "001.jpg").write_bytes(picture(1))
    return folder


def test_a_rig_that_sorted_nothing_says_so_and_leaves_no_ledger(served: Served, tmp_path: Path) -> None:
    assert served.json("/runs") == {"total": 0, "runs": []}
    assert served.problem("GET", "/runs/x", status=404)["hint"] == "nothing was sorted yet: rig sort"
    assert {bin_["level"] for bin_ in served.json("/bins")} == {0}
    assert served.json("/review") == {"waiting": 0, "parts": []}
    assert list(tmp_path.iterdir()) == []


def test_runs_come_the_newest_first(served: Served, ledger_folder: Path) -> None:
    listed = served.json("/runs")
    assert [(run["run"], run["parts"], run["unnamed"]) for run in listed["runs"]] == [
        (OTHER, 1, 0),
        (RUN, 7, 1),
    ]
    assert listed["runs"][1]["source"] == "simulated"
    assert listed["runs"][0]["began_at"].endswith("Z")
    assert served.json("/runs?offset=1")["runs"] == listed["runs"][1:]


def test_a_run_says_what_it_came_to(served: Served, ledger_folder: Path) -> None:
    told = served.json(f"/runs/{RUN}")
    assert (told["run"]["dropped"], told["rejects"], told["bins"]) == (7, 1, {"3001": 6, "reject": 1})
    assert (told["doubts"], told["known"], told["top1"]) == ({"unsure": 1}, 7, 1.0)
    (trouble,) = told["troubles"]
    assert (trouble["kind"], trouble["picture"]) == ("jam", "troubles/x/001.jpg")
    assert served.get(f"/ledger/pictures/{trouble['picture']}").status == 200
    assert served.problem("GET", "/runs/nothing", status=404)["hint"] == f"the newest are: {OTHER}, {RUN}"


def test_parts_come_page_by_page_from_either_end(served: Served, ledger_folder: Path) -> None:
    def walk(order: str) -> list[int]:
        numbers: list[int] = []
        after: int | None = 0
        while after is not None:
            page = served.json(f"/runs/{RUN}/parts?limit=3&order={order}&after={after}")
            assert len(page["parts"]) <= 3
            numbers += [part["number"] for part in page["parts"]]
            after = page["next_after"]
        return numbers

    assert walk("oldest") == [1, 2, 3, 4, 5, 6, 7]
    assert walk("newest") == [7, 6, 5, 4, 3, 2, 1]
    served.problem("GET", "/runs/nothing/parts", status=404)
    served.problem("GET", f"/runs/{RUN}/parts?order=any", status=422)
    served.problem("GET", f"/runs/{RUN}/parts?after={2**70}", status=422)


def test_a_part_says_what_it_was_taken_for_and_why(served: Served, ledger_folder: Path) -> None:
    first, second = served.json(f"/runs/{RUN}/parts?limit=2")["parts"]
    assert (first["part"], first["doubt"], first["colour_name"], first["bin"]) == ("3001", None, None, "3001")
    assert (second["part"], second["doubt"], second["colour_name"]) == (None, "unsure", "Red")
    assert first["candidates"][1] == {"label": "3003", "probability": 0.2}
    assert first["seen_at"] == "2026-11-22T10:00:00Z"
    assert (first["outcome"], first["true_part"]) == ("dropped", "3001")
    assert [look["angle_deg"] for look in first["looks"]] == [0.0, 60.0]
    kept = ledger_folder / first["looks"][1]["picture"]
    assert served.get(f"/ledger/pictures/{first['looks'][1]['picture']}").body == kept.read_bytes()
    small = served.get(f"/ledger/pictures/{first['picture']}?width_px=50").body
    image = cv2.imdecode(np.frombuffer(small, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (50, 50, 3)


def test_sorting_goes_on_meanwhile(served: Served, ledger_folder: Path) -> None:
    with Ledger(ledger_folder) as ledger:
        for count in (8, 9):
            sort(ledger, "3001")
            newest = served.json(f"/runs/{RUN}/parts?order=newest&limit=1")["parts"][0]
            assert newest["number"] == count
            with ledger.database() as database:
                database.execute("BEGIN IMMEDIATE")
                assert served.json("/runs")["runs"][1]["parts"] == count
                database.execute("ROLLBACK")


def test_bins_fill_and_are_emptied(served: Served, ledger_folder: Path) -> None:
    def level() -> int:
        (found,) = [bin_["level"] for bin_ in served.json("/bins") if bin_["name"] == "3001"]
        return int(found)

    assert level() == 6
    emptied = served.send("POST", "/bins/3001/emptied")
    assert (emptied.status, emptied.json["level"], emptied.json["takes"]) == (200, 0, "3001")
    assert level() == 0
    with Ledger(ledger_folder) as ledger:
        sort(ledger, "3001")
    assert level() == 1
    assert "there are: reject, 2456" in served.problem("POST", "/bins/none/emptied", status=404)["hint"]


def test_a_bin_may_have_any_name(served: Served, tmp_path: Path) -> None:
    (tmp_path / "rig.toml").write_text(
        '[sim]\nenabled = true\n[[bins]]\nname = "reject"\nchute_deg = 0\n'
        '[[bins]]\nname = "a / b"\nchute_deg = 9\nrest = true\n'
    )
    served.desk.config_file = Path("rig.toml")
    served.desk.reload_config()
    answer = served.send("POST", "/bins/a%20%2F%20b/emptied")
    assert (answer.status, answer.json["name"]) == (200, "a / b")


@pytest.mark.parametrize(
    "path",
    [
        "ledger.sqlite3",
        "pictures/../ledger.sqlite3",
        "pictures/..%2Fledger.sqlite3",
        "pictures/../../captures/3001/a.jpg",
        "pictures/gone.jpg",
        "reports/run.jpg",
        "pictures/out.jpg",
        "pictures",
        "/etc/passwd",
        "pictures//etc/passwd",
    ],
)
def test_nothing_else_of_the_ledger_is_given(
    served: Served, ledger_folder: Path, tmp_path: Path, path: str
) -> None:
    for name in ("captures/3001/a.jpg", "ledger_simulated/reports/run.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(picture(1))
    (ledger_folder / "pictures" / "out.jpg").symlink_to(tmp_path / "captures" / "3001" / "a.jpg")
    served.problem("GET", f"/ledger/pictures/{path}", status=404)


def test_a_damaged_ledger_is_named(served: Served, ledger_folder: Path) -> None:
    for file in ledger_folder.glob("ledger.sqlite3*"):
        file.write_bytes(b"no database, whatever it is called" * 100)
    for path in ("/runs", "/bins", "/inventory", "/review", f"/runs/{RUN}"):
        assert "cannot be used" in served.problem("GET", path, status=507)["detail"]
