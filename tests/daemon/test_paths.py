"""No path from a request leads out of its folder: a property, tried on a real tree full of links."""

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rig.daemon.paths import file_below
from rig.errors import NotFound

INSIDE = b"may be shown"
OUTSIDE = b"a secret"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of files, with everything in and around it that must not be reached."""
    above = tmp_path_factory.mktemp("tree")
    root = above / "captures"
    for name in ("3001/a.jpg", "3001/b.jpg", "deep/er/c.jpg", "d e.jpg", "é.jpg"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(INSIDE)
    for name in (
        "captures.txt",
        "other/secret.jpg",
        "captures/.hidden/secret.jpg",
        "captures/3001/.secret.jpg",
    ):
        (above / name).parent.mkdir(parents=True, exist_ok=True)
        (above / name).write_bytes(OUTSIDE)
    links = {
        "in.jpg": root / "3001/a.jpg",
        "folder": root / "deep",
        "out.jpg": above / "other/secret.jpg",
        "out": above / "other",
        "up": Path(".."),
        "3001/up": Path("../.."),
        "root": Path("/"),
        "self": Path("self"),
        "dangling": Path("nothing"),
        "seen": root / ".hidden/secret.jpg",
        "seen_folder": root / ".hidden",
        "null": Path("/dev/null"),
        "passwd": Path("/etc/passwd"),
        "chain": Path("3001/up/other/secret.jpg"),
        "in_and_out": Path("../captures/out.jpg"),
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(root / "socket.jpg"))
        yield root


NAMES = st.sampled_from(
    ["3001", "deep", "er", "a.jpg", "b.jpg", "c.jpg", "d e.jpg", "é.jpg", "in.jpg", "folder", "out.jpg",
     "out", "up", "root", "self", "dangling", "seen", "seen_folder", "null", "passwd", "chain",
     "in_and_out", "pipe.jpg", "socket.jpg", ".hidden", ".secret.jpg", "secret.jpg", "captures.txt",
     "other", "captures", "etc", "tmp", "dev", "..", ".", "", "...", "~", "%2e%2e", "..%2f", "\0",
     "a.jpg\0", "\\", "..\\", "C:", "\n", "\ud800", "x" * 300, "file:", "*"]
)  # fmt: skip
PATHS = st.one_of(
    st.lists(NAMES, max_size=20).map("/".join),
    st.text(st.characters(), max_size=40),
    st.text(st.sampled_from("./\\ae3jpg~\0"), max_size=20),
)


@given(relative=PATHS)
@example(relative="/etc/passwd")
@example(relative="../other/secret.jpg")
@example(relative="3001/../../other/secret.jpg")
@example(relative="chain")
@example(relative="seen_folder/secret.jpg")
@example(relative="root/etc/passwd")
@example(relative="pipe.jpg")
@example(relative="folder/er/c.jpg")
def test_whatever_is_asked_for_is_below_the_folder_or_not_found(tree: Path, relative: str) -> None:
    try:
        path = file_below(tree, relative)
    except NotFound as error:
        str(error).encode()  # can be written to a log
        return
    # Asked of the file itself, not of its name.
    assert path.read_bytes() == INSIDE
    status = path.lstat()
    assert stat.S_ISREG(status.st_mode)
    assert path == path.resolve()
    assert tree.resolve() in path.parents
    assert not any(part.startswith(".") for part in path.relative_to(tree.resolve()).parts)


@given(absolute=st.sampled_from(["/etc/passwd", "//etc/passwd", "/", "//", "/dev/null"]))
def test_absolute_paths_are_not_found_even_where_they_lead_below(tree: Path, absolute: str) -> None:
    for relative in (absolute, f"{tree}/3001/a.jpg", f"/{tree}/3001/a.jpg"):
        with pytest.raises(NotFound):
            file_below(tree, relative)


@pytest.mark.parametrize(
    "relative", ["3001/a.jpg", "deep/er/c.jpg", "d e.jpg", "é.jpg", "in.jpg", "folder/er/c.jpg"]
)
def test_what_is_there_is_found(tree: Path, relative: str) -> None:
    assert file_below(tree, relative).read_bytes() == INSIDE


@pytest.mark.parametrize(
    "relative",
    ["", ".", "3001", "3001/", "3001//a.jpg", "./3001/a.jpg", "3001/./a.jpg", "nothing.jpg", "3001/a.jpg/",
     "3001/a.jpg/x", "deep/../3001/a.jpg", "3001\\a.jpg", "a\0", "self", "dangling", "pipe.jpg",
     "socket.jpg", "null", "out.jpg", "seen", "in_and_out", "x" * 5000, "/".join(["deep"] * 5000)],
)  # fmt: skip
def test_what_must_not_be_shown_is_not_found(tree: Path, relative: str) -> None:
    with pytest.raises(NotFound, match="there is no file") as caught:
        file_below(tree, relative)
    assert len(caught.value.what) < 200
    assert str(tree) not in caught.value.what


def test_the_folder_itself_may_be_a_link_or_absent(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "captures").symlink_to(tree)
    assert file_below(tmp_path / "captures", "3001/a.jpg").read_bytes() == INSIDE
    with pytest.raises(NotFound):
        file_below(tmp_path / "captures", "out.jpg")
    with pytest.raises(NotFound):
        file_below(tmp_path / "nowhere", "a.jpg")


def test_a_folder_that_is_hidden_itself_can_be_shown(tree: Path, tmp_path: Path) -> None:
    (tmp_path / ".data").mkdir()
    (tmp_path / ".data" / "a.jpg").write_bytes(INSIDE)
    assert file_below(tmp_path / ".data", "a.jpg").read_bytes() == INSIDE


def test_a_neighbour_whose_name_begins_alike_is_not_below(tmp_path: Path) -> None:
    for name in ("runs", "runs_simulated"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").write_bytes(INSIDE)
    (tmp_path / "runs" / "link.jpg").symlink_to(tmp_path / "runs_simulated" / "a.jpg")
    with pytest.raises(NotFound):
        file_below(tmp_path / "runs", "link.jpg")
