"""Counts, progress and files for others over HTTP, as `rig inventory` has them."""

import io
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from rig.inventory.formats import read_content
from rig.inventory.lots import total
from rig.sorting.ledger import Ledger
from tests.daemon.served import Answer, Served
from tests.daemon.test_ledger import OTHER, RUN, sort

SET = """Part,Color,Quantity,Is Spare
3001,4,4,False
3001,0,1,False
3003,9999,2,False
3039,71,2,False
3039,71,1,True
"""
CSV = {"Content-Type": "text/csv; charset=utf-8"}


@pytest.fixture
def stock(tmp_path: Path) -> None:
    """Three red and one black 3001, one of unknown colour; and a 3003 of another run."""
    with Ledger(tmp_path / "ledger_simulated") as ledger:
        for colour in (4, 4, 4, 0, None):
            sort(ledger, "3001", colour=colour)
        sort(ledger, "3003", colour=1, run=OTHER)
        sort(ledger, None)


def _ask(served: Served, path: str, content: bytes | str, headers: dict[str, str] = CSV) -> Answer:
    body = content.encode() if isinstance(content, str) else content
    return served.ask("POST", path, body, headers)


@pytest.mark.usefixtures("stock")
def test_what_was_sorted_is_counted(served: Served) -> None:
    counted = served.json("/inventory")
    assert counted["parts"] == 6
    assert [(lot["part"], lot["colour_name"], lot["quantity"]) for lot in counted["lots"]] == [
        ("3001", "Black", 1),
        ("3001", "Red", 3),
        ("3001", None, 1),
        ("3003", "Blue", 1),
    ]
    assert served.json(f"/inventory?run={OTHER}")["parts"] == 1
    assert (
        served.problem("GET", "/inventory?run=none", status=404)["hint"] == f"the newest are: {OTHER}, {RUN}"
    )


@pytest.mark.usefixtures("stock")
def test_progress_on_a_list(served: Served) -> None:
    answer = _ask(served, "/inventory/progress?kind=set", SET)
    assert answer.status == 200, answer.body
    told = answer.json
    assert (told["kind"], told["wanted"], told["have"]) == ("set", 9, 5)
    assert told["share"] == pytest.approx(5 / 9)
    assert told["notes"] == ["Spare parts are left out: 1."]
    rows = {(lot["part"], lot["colour_name"]): (lot["have"], lot["missing"]) for lot in told["lots"]}
    assert rows == {
        ("3001", "Black"): (1, 0),
        ("3001", "Red"): (3, 1),
        ("3003", None): (1, 1),
        ("3039", "Light Bluish Grey"): (0, 2),
    }
    of_one_run = _ask(served, f"/inventory/progress?run={OTHER}", SET).json
    assert of_one_run["have"] == 1


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "it is empty"),
        ("nonsense", "is no list of parts"),
        ("part,ldraw_colour,quantity\n3001,4,0\n", "the list, line 2: the quantity '0' is out of range"),
        ("<INVENTORY><ITEM>", "no XML can be read there"),
        (b"\xff\xfe\xff", "the list, line 1 is not UTF-16 text"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><INVENTORY/>", "declares an entity"),
    ],
)
def test_what_is_no_list_is_refused(served: Served, content: bytes | str, what: str) -> None:
    answer = _ask(served, "/inventory/progress", content)
    assert answer.status == 422
    assert what in answer.json["detail"]


def test_lists_are_bounded_in_size_and_type(served: Served) -> None:
    assert _ask(served, "/inventory/progress", b"x" * (4 * 2**20 + 1)).status == 413
    refused = _ask(served, "/inventory/progress", SET, {"Content-Type": "application/json"})
    assert (refused.status, refused.headers["content-type"]) == (415, "application/problem+json")
    assert "text/csv" in refused.json["detail"]
    assert served.ask("POST", "/inventory/progress", SET.encode()).status == 415


def test_a_list_that_does_not_end_is_not_read_to_its_end(served: Served) -> None:
    """Without a length nobody knows in advance how much comes."""
    sent = 0

    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            nonlocal sent
            if sent >= 64 * 2**20:
                return b""
            sent += 65536
            return b"x" * 65536

    try:
        answer = served.ask(
            "POST",
            "/inventory/progress",
            Endless(),  # type: ignore[arg-type]
            CSV | {"Transfer-Encoding": "chunked"},
        )
    except (BrokenPipeError, ConnectionResetError):
        pass  # the server has answered and gone, while the list was being sent
    else:
        assert answer.status == 413
    assert sent < 64 * 2**20


@pytest.mark.usefixtures("stock")
@pytest.mark.parametrize(
    ("format_name", "file_name", "media_type"),
    [
        ("csv", "csv.csv", "text/csv; charset=utf-8"),
        ("rebrickable", "rebrickable.csv", "text/csv; charset=utf-8"),
        ("brickstore", "brickstore.bsx", "application/xml"),
        ("bricklink-upload?price=0.05", "bricklink-upload.xml", "application/xml"),
    ],
)
def test_what_is_there_is_a_file_to_be_saved(
    served: Served, format_name: str, file_name: str, media_type: str
) -> None:
    answer = served.get(f"/inventory/export/{format_name}")
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"] == f'attachment; filename="{file_name}"'
    lots = read_content(answer.body, file_name).lots
    assert total(lots) == (5 if "upload" in format_name else 6)


@pytest.mark.usefixtures("stock")
def test_what_a_format_cannot_say_is_said_before(served: Served) -> None:
    told = served.json("/inventory/export/bricklink-upload/preview?price=0.05")
    assert (told["parts"], told["lots"]) == (5, 3)
    assert told["notes"] == ["No colour is known of 1 x 3001: left out."]
    whole = served.get("/inventory/export/bricklink-upload?price=0.05")
    assert told["files"] == [{"name": "bricklink-upload.xml", "size_bytes": len(whole.body)}]


@pytest.mark.usefixtures("stock")
def test_what_is_missing_of_a_list_is_a_file_as_well(served: Served) -> None:
    answer = _ask(served, "/inventory/export/bricklink-wanted", SET)
    items = ElementTree.fromstring(answer.body)
    assert [(item.findtext("ITEMID"), item.findtext("MINQTY")) for item in items] == [
        ("3001", "1"),
        ("3003", "1"),
        ("3039", "2"),
    ]
    told = _ask(served, "/inventory/export/bricklink-wanted/preview", SET).json
    assert (told["parts"], told["lots"]) == (4, 3)
    wanted = "part,ldraw_colour,quantity\n3001,red,1\n"
    assert "nothing of the list is missing" in _ask(served, "/inventory/export/csv", wanted).json["detail"]


@pytest.mark.usefixtures("stock")
@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("bricklink-wanted", "what is there is not wanted any more"),
        ("bricklink-upload", "BrickLink needs a price"),
        ("bricklink-upload?price=0", "query.price"),
        ("lego", "path.format_name"),
        ("csv?run=", "query.run"),
    ],
)
def test_what_cannot_be_exported_is_named(served: Served, path: str, what: str) -> None:
    assert what in served.problem("GET", f"/inventory/export/{path}", status=422)["detail"]
    assert (
        what
        in served.problem("GET", f"/inventory/export/{path.replace('?', '/preview?')}", status=422)["detail"]
    )


def test_an_upload_that_is_too_large_for_bricklink_is_a_zip(served: Served, tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger_simulated") as ledger:
        sort(ledger, "3001", colour=4)
        with ledger.database() as database:
            database.executemany(
                "INSERT INTO parts (run, number, decided_at, model, part, probability, candidates, bin,"
                " outcome, colour) VALUES (?, ?, '', 'small', ?, 1, '[]', 'x', 'dropped', 4)",
                [(RUN, number, f"p{number}") for number in range(2, 2501)],
            )
    answer = served.get("/inventory/export/bricklink-upload?price=0.05")
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == 'attachment; filename="bricklink-upload.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        names = archive.namelist()
        lots = [lot for name in names for lot in read_content(archive.read(name), name).lots]
    assert names == ["bricklink-upload.xml", "bricklink-upload-2.xml", "bricklink-upload-3.xml"]
    assert len(lots) == 2500
    assert [
        file["name"] for file in served.json("/inventory/export/bricklink-upload/preview?price=1")["files"]
    ] == names


def test_with_nothing_there_is_nothing_to_export(served: Served) -> None:
    assert served.json("/inventory") == {"parts": 0, "lots": []}
    assert "nothing to export" in served.problem("GET", "/inventory/export/csv", status=422)["detail"]
