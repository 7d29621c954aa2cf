"""Lists on disk: recognised by what is in them, whatever they are called, and refused where they are none."""

import codecs
from pathlib import Path

import pytest

from rig.catalog import ColourCode, PartNumber
from rig.errors import BadInput
from rig.inventory.formats import MOST_BYTES, read_list, write_list
from rig.inventory.lots import Condition, Format, Lot, total
from tests.inventory.test_bricklink import UPLOAD, WANTED
from tests.inventory.test_brickstore import SAMPLE
from tests.inventory.test_tables import SET

BRICK = PartNumber("3001")
RED = ColourCode(4)
PLAIN = "part,ldraw_colour,quantity\n3001,4,2\n"
ITEM = "<ITEM><ITEMTYPE>P</ITEMTYPE><ITEMID>3001</ITEMID><COLOR>5</COLOR><QTY>2</QTY></ITEM>"
LIST = f"<INVENTORY>{ITEM}</INVENTORY>"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A name that says nothing of the format."""
    return tmp_path / "list"


def refused(path: Path, content: bytes | str) -> BadInput:
    """The error with which a file is refused."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(BadInput) as error:
        read_list(path)
    assert str(path) in error.value.what
    assert error.value.hint
    assert "\n" not in error.value.what and len(error.value.what) < 300
    return error.value


@pytest.mark.parametrize(
    ("text", "parts"), [(WANTED, 9), (UPLOAD, 1050), (SAMPLE, 13), (SET, 4), (PLAIN, 2), ("\n \n" + LIST, 2)]
)
def test_a_list_is_recognised_by_what_is_in_it(path: Path, text: str, parts: int) -> None:
    path.write_text(text)
    assert total(read_list(path).lots) == parts


@pytest.mark.parametrize("text", [LIST, SET, PLAIN, SAMPLE.replace('encoding="UTF-8"', "")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_and_ends_of_lines(path: Path, text: str, encoding: str, end: str) -> None:
    path.write_text(text)
    expected = read_list(path)
    path.write_bytes(text.replace("\n", end).encode(encoding))
    assert read_list(path) == expected


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "windows-1252", "us-ascii", "UTF-8"])
def test_an_encoding_that_xml_declares(path: Path, encoding: str) -> None:
    remark = "fuer" if encoding == "us-ascii" else "für"
    text = LIST.replace("<QTY>", f"<REMARKS>{remark}</REMARKS><QTY>")
    path.write_bytes(f"<?xml version='1.0' encoding='{encoding}'?>{text}".encode(encoding))
    assert read_list(path).lots == (Lot(BRICK, RED, 2),)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is no list of parts: it is empty"),
        (b"\n\n  \n", "is no list of parts: it is empty"),
        (codecs.BOM_UTF8, "is no list of parts: it is empty"),
        ("3001,4,2\n", "is no list of parts: its first line is '3001,4,2'"),
        ("Part,Quantity\n3001,2\n", "is no list of parts: its first line is 'Part,Quantity'"),
        ("part,part,color,quantity\n3001,3001,4,2\n", "line 1: more than one column is called 'part'"),
        ("Part,Color,Quantity\n", "lists no parts"),
        ("<INVENTORY></INVENTORY>", "lists no parts"),
        ("<html><body>Please log in</body></html>", "is no list of parts: its outermost element is 'html'"),
        ("<!doctype html><p>log in<br></html>", "line 1: no XML can be read there"),
        ("<INVENTORY>\n<ITEM>", "line 2: no XML can be read there: no element found"),
        ("<INVENTORY>\n<ITEM></INVENTORY>", "line 2: no XML can be read there: mismatched tag"),
        ("<INVENTORY>\n\n&roof;</INVENTORY>", "line 3: no XML can be read there: undefined entity"),
        (LIST.replace("3001", "\0"), "line 1: no XML can be read there"),
        (b"Part,Color,Quantity\n3001,4,1\nf\xfcr,4,1\n", "line 3 is not UTF-8 text"),
        (b"<?xml version='1.0' encoding='us-ascii'?>\n<a>f\xfcr</a>", "line 2 is not US-ASCII text"),
        (b"\xff\xfeP\x00a\x00", "is no list of parts: its first line is 'Pa'"),
        (b"\xff\xfeP\x00a", "line 1 is not UTF-16 text"),
        (b"PK\x03\x04\x14\x00\x06\x00", "is no list of parts"),
    ],
)
def test_what_is_no_list_is_refused(path: Path, content: bytes | str, what: str) -> None:
    assert what in refused(path, content).what


def test_a_list_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(BadInput, match="there is no file"):
        read_list(path)
    path.mkdir()
    with pytest.raises(BadInput, match="cannot be read: Is a directory"):
        read_list(path)


_LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(12))


@pytest.mark.parametrize(
    "declared",
    [
        f'[<!ENTITY l0 "ha">{_LAUGHS}]',
        '[<!ENTITY l12 SYSTEM "file:///etc/hostname">]',
        '[<!ENTITY % l12 SYSTEM "http://127.0.0.1:9/x.dtd"> %l12;]',
        '[<!ENTITY l12 "harmless">]',
    ],
)
def test_entities_are_refused_before_they_are_expanded(path: Path, declared: str) -> None:
    text = f"<?xml version='1.0'?>\n<!DOCTYPE INVENTORY {declared}>\n<INVENTORY>&l12;</INVENTORY>"
    assert "line 2: the file declares an entity" in refused(path, text).what


def test_a_foreign_dtd_is_not_fetched(path: Path) -> None:
    path.write_text(f'<!DOCTYPE INVENTORY SYSTEM "http://127.0.0.1:9/list.dtd">{LIST}')
    assert read_list(path).lots == (Lot(BRICK, RED, 2),)


def test_deep_nesting_does_no_harm(path: Path) -> None:
    path.write_text(f"<INVENTORY>{'<x>' * 100_000}{'</x>' * 100_000}{ITEM}</INVENTORY>")
    assert read_list(path).lots == (Lot(BRICK, RED, 2),)


def test_what_stands_before_the_root_may_be_long(path: Path) -> None:
    path.write_text(f"<!-- {'long ' * 50_000}-->\n{LIST}")
    assert read_list(path).lots == (Lot(BRICK, RED, 2),)


def test_a_large_list_is_read_and_a_huge_file_is_not(path: Path) -> None:
    item = ITEM.replace("<QTY>", f"<REMARKS>{'long ' * 200}</REMARKS><QTY>")
    count = 10_000_000 // len(item)
    path.write_text(f"<INVENTORY>{item * count}</INVENTORY>")
    assert total(read_list(path).lots) == 2 * count
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(BadInput, match="has more than 64 MiB"):
        read_list(path)


@pytest.mark.parametrize("kind", Format)
def test_what_is_written_is_recognised(tmp_path: Path, kind: Format) -> None:
    path = tmp_path / "written"
    stock = (Lot(BRICK, RED, 2, Condition.USED),)
    paths, writing = write_list(path, kind, stock, price=0.05)
    assert (paths, total(writing.lots), writing.notes) == ([path], 2, ())
    (lot,) = read_list(path).lots
    assert (lot.part, lot.colour, lot.quantity) == (BRICK, RED, 2)
    assert lot.condition == (None if kind is Format.REBRICKABLE else Condition.USED)


@pytest.mark.parametrize("kind", [Format.BRICKLINK_UPLOAD, Format.BRICKSTORE])
def test_what_is_to_be_sold_gets_a_condition(path: Path, kind: Format) -> None:
    write_list(path, kind, [Lot(BRICK, RED, 2)], condition=Condition.NEW, price=0.05)
    assert read_list(path).lots == (Lot(BRICK, RED, 2, Condition.NEW),)


def test_several_files_lie_beside_each_other(tmp_path: Path) -> None:
    stock = [Lot(PartNumber(f"p{number}"), RED, 1) for number in range(2500)]
    paths, _ = write_list(tmp_path / "up.xml", Format.BRICKLINK_UPLOAD, stock, price=0.05)
    assert [path.name for path in paths] == ["up.xml", "up-2.xml", "up-3.xml"]
    assert sum(total(read_list(path).lots) for path in paths) == 2500


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "up-2.xml").write_text("mine")
    stock = [Lot(PartNumber(f"p{number}"), RED, 1) for number in range(2500)]
    with pytest.raises(BadInput, match=r"up-2\.xml exists already"):
        write_list(tmp_path / "up.xml", Format.BRICKLINK_UPLOAD, stock, price=0.05)
    assert [path.name for path in tmp_path.iterdir()] == ["up-2.xml"]
    assert (tmp_path / "up-2.xml").read_text() == "mine"


@pytest.mark.parametrize("price", [None, 0.0009])
def test_an_upload_needs_a_price(path: Path, price: float | None) -> None:
    with pytest.raises(BadInput, match=r"a price of at least 0\.001"):
        write_list(path, Format.BRICKLINK_UPLOAD, [Lot(BRICK, RED, 2)], price=price)
    assert not path.exists()
