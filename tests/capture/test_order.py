"""What a user wants captured: words of a command line, and lists as people and spreadsheets write them."""

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.capture.order import Order, read_order
from rig.capture.parts_list import read_parts_list
from rig.catalog import COLOURS, ColourCode, PartNumber, colour_code
from rig.errors import BadField, BadInput

RED = ColourCode(4)
_NAMES = st.from_regex(r"[a-z0-9](?:[a-z0-9.-]{0,9}[a-z0-9])?", fullmatch=True)


def order(part: str = "3001", **said: object) -> Order:
    return Order(
        **{
            "part": PartNumber(part),
            "steps": 72,
            "poses": 1,
            "colour": None,
            "pose_names": (),
            "physical_part": None,
        }
        | said  # type: ignore[arg-type]
    )


def read(path: Path, text: str | bytes, **defaults: str) -> list[Order]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return [part.order for part in read_parts_list(path, lambda order: None, **defaults)]


def refused(path: Path, text: str | bytes) -> BadInput:
    with pytest.raises(BadInput) as caught:
        read(path, text)
    return caught.value


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "parts.csv"


def test_what_is_not_said_takes_its_default() -> None:
    assert read_order({"part": "3001"}) == order()


def test_there_are_as_many_poses_as_names_unless_said() -> None:
    named = read_order({"part": "3001", "pose": "upright, on-its-side"})
    assert (named.poses, named.pose_names) == (2, ("upright", "on-its-side"))
    more = read_order({"part": "3001", "pose": "upright", "poses": "3"})
    assert (more.poses, more.pose_names) == (3, ("upright",))
    with pytest.raises(BadInput, match="2 names for 1 poses"):
        read_order({"part": "3001", "pose": "a,b", "poses": "1"}).plan(
            microsteps_per_turn=3200, source="camera", seed=None
        )


@given(
    part=_NAMES,
    steps=st.integers(1, 3200),
    colour=st.none() | st.sampled_from(sorted(COLOURS)),
    names=st.lists(_NAMES, max_size=3),
    more=st.integers(0, 3),
    brick=st.none() | _NAMES,
)
def test_the_command_of_an_order_orders_the_same(
    part: str, steps: int, colour: ColourCode | None, names: list[str], more: int, brick: str | None
) -> None:
    said = order(
        part,
        steps=steps,
        colour=colour,
        pose_names=tuple(names),
        poses=max(1, len(names)) + more,
        physical_part=brick,
    )
    words = shlex.split(said.command())[2:]
    options = dict(zip(words[::2], words[1::2], strict=True))
    assert read_order({name[2:].replace("-", "_"): text for name, text in options.items()}) == said


@pytest.mark.parametrize("text", ["4", "red", "RED", " Red "])
def test_a_colour_is_a_code_or_a_name(text: str) -> None:
    assert colour_code(text) == RED


def test_a_colour_that_the_simulator_lacks_is_a_colour_all_the_same() -> None:
    assert colour_code("light-bluish-gray") == 71
    assert [colour_code(text) for text in ("47", "383", "10045")] == [47, 383, 10045]


@pytest.mark.parametrize("text", ["", "reddish", "-1", "16", "24", "512", "9999", "4.0", "²", "4 4"])
def test_what_is_no_colour_is_refused_with_the_common_ones(text: str) -> None:
    with pytest.raises(BadInput, match="is no LDraw colour") as caught:
        colour_code(text)
    assert "4 Red" in caught.value.hint


@pytest.mark.parametrize("name", ["../x", "a/b", "-x", ".x", "a b", "x" * 65, "a\0b", "a;b", "a\nb"])
def test_names_that_could_mean_something_else_are_refused(name: str) -> None:
    with pytest.raises(BadInput, match="is no name for a brick"):
        read_order({"part": "3001", "physical_part": name})


def test_a_plain_list(path: Path) -> None:
    text = "part,colour,pose,poses,physical_part,steps\n3001,red,upright,3,red-1,36\n3003,,,,,\n"
    full = order(steps=36, poses=3, colour=RED, pose_names=("upright",), physical_part="red-1")
    assert read(path, text) == [full, order("3003")]


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfpart;colour\r\n3001;4\r\n\r\n;;\r\n3003;\r\n",
        b"Part\tColour\n3001\tRed\n\n3003\n",
        b'"part","colour"\n"3001","4"\n"3003",""',
        b"colour, part,,\n4, 3001,,\n, 3003,,\n",
        b"\n\npart,colour\n3001,4,,,\n3003\n",
        b"\xef\xbb\xbfsep=;\r\npart;colour\r\n3001;4\r\n3003;\r\n",
        b"sep=,\npart,colour\n3001,red\n3003,\n",
        b'"SEP=|"\r\npart|colour\r\n3001|"4"\r\n3003|\r\n',
        b"sep=\t\r\npart\tcolour\r\n3001\t4\r\n3003\t\r\n",
    ],
)
def test_lists_as_spreadsheets_write_them(path: Path, text: bytes) -> None:
    assert read(path, text) == [order(colour=RED), order("3003")]


def test_rows_that_do_not_say_take_what_was_said_for_all(path: Path) -> None:
    assert read(path, "part,steps\n3001,36\n3003,\n", steps="12", poses="2") == [
        order(steps=36, poses=2),
        order("3003", steps=12, poses=2),
    ]


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("part\n3001\n\n../x\n", 4, "column part: '../x' is not a part number"),
        ("part,colour\n3001,reddish\n", 2, "column colour: 'reddish' is no LDraw colour"),
        ("part,Steps\n3001,7.5\n", 2, "column steps: '7.5' is not a whole number"),
        ("sep=;\npart;steps\n3001;7.5\n", 3, "column steps: '7.5' is not a whole number"),
        ("part,poses\n3001,two\n", 2, "column poses: 'two' is not a whole number"),
        ("part,round\n3001,perhaps\n", 2, "column round: 'perhaps' is neither yes nor no"),
        ("part,pose\n3001,up/side\n", 2, "column pose: 'up/side' is no name for a pose"),
        ("part,physical part\n3001,a b\n", 2, "column physical_part: 'a b' is no name for a brick"),
        ("part\n3001,4\n", 2, "2 values for 1 columns"),
        ("part,colour\n,4\n", 2, "column part: an empty part number"),
        ("part,color\n3001,4\n", 1, "no column 'color'"),
        ("part,Part\n3001,4\n", 1, "two columns are called 'part'"),
        ("3001\n3003\n", 1, "no column '3001'"),
        ("colour\n4\n", 1, "no column is called 'part'"),
        ('part\n"3001\n', 2, "unexpected end of data"),
    ],
)
def test_a_bad_row_is_named_by_its_line(path: Path, text: str, line: int, what: str) -> None:
    error = refused(path, text)
    assert error.what.startswith(f"{path}, line {line}")
    assert what in error.what
    assert "--" not in str(error)
    assert error.hint


def check(order: Order) -> None:
    order.plan(microsteps_per_turn=3200, source="camera", seed=0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("part,steps\n3001,72\n3003,3201\n", "line 3, column steps: 3201 is out of range"),
        ("part,poses\n3001,\n3003,0\n", "line 3, column poses: 0 is out of range"),
        ("part,pose,poses\n3001,a b,1\n", "line 2, column pose: 2 names for 1 poses: a, b"),
    ],
)
def test_a_row_that_this_rig_cannot_do_is_named_by_line_and_column(path: Path, text: str, said: str) -> None:
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        read_parts_list(path, check)
    assert caught.value.what == f"{path}, {said}"


@pytest.mark.parametrize(
    ("steps", "poses", "field"), [("many", "", "steps"), ("3201", "", "steps"), ("", "0", "poses")]
)
def test_what_was_said_for_all_rows_is_no_fault_of_a_row(
    path: Path, steps: str, poses: str, field: str
) -> None:
    path.write_text("part,steps\n3001,\n")
    with pytest.raises(BadField) as caught:
        read_parts_list(path, check, steps=steps, poses=poses)
    assert caught.value.field == field
    assert "line" not in caught.value.what


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"", "no column"),
        (b"part\n", "lists no parts"),
        ("part\n3001 für\n".encode("latin-1"), "line 2 is not UTF-8"),
    ],
)
def test_a_file_that_is_no_list_is_refused(path: Path, text: bytes, what: str) -> None:
    assert what in refused(path, text).what


def test_a_list_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(BadInput, match="there is no file"):
        read_parts_list(path, lambda order: None)
