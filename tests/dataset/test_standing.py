"""A standing index says, after whatever changes, what a new one says."""

import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rig.catalog import PartNumber
from rig.dataset.index import indexed
from rig.dataset.journal import undo
from rig.dataset.relabel import merge
from rig.dataset.standing import Listed, StandingIndex
from rig.dataset.stats import stats_of_parts
from rig.dataset.store import DatasetStore
from rig.errors import BadInput, DatasetError, NotFound
from rig.files import append_json_line
from tests.dataset.pictures import session, write_dataset

_LABELS = ("3001", "3002")


def quiet(progress: object) -> None:
    """Nobody looks at the progress."""


def _file(folder: Path, number: int) -> str:
    name = f"{_LABELS[number % 2]}/s{number % 3}_{number:03d}.jpg"
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).touch()
    return name


def _row(folder: Path, name: str, **said: object) -> None:
    append_json_line(folder / "metadata.jsonl", json.dumps({"file_name": name, **said}))


def _add(folder: Path, number: int) -> None:
    name = _file(folder, number)
    _row(folder, name, label=name[:4], session=f"s{number % 3}", pose=number % 2)


def _add_bare(folder: Path, number: int) -> None:
    _file(folder, number)


def _add_row_alone(folder: Path, number: int) -> None:
    _row(folder, f"{_LABELS[number % 2]}/s{number % 3}_{number:03d}.jpg", session="late")


def _delete_one(folder: Path, number: int) -> None:
    files = sorted(folder.glob("*/*.jpg"))
    if files:
        files[number % len(files)].unlink()


def _merge(folder: Path, number: int) -> None:
    if all((folder / label).is_dir() for label in _LABELS):
        merge(folder, _LABELS[number % 2], PartNumber(_LABELS[1 - number % 2]), quiet)


def _undo(folder: Path, number: int) -> None:
    # There may be nothing to take back, or it can no longer be.
    with suppress(BadInput, DatasetError):
        undo(folder, quiet)


def _edit(folder: Path, number: int) -> None:
    """As an editor does that writes a file anew in its place, in as many bytes, and a while later."""
    path = folder / "metadata.jsonl"
    if path.exists():
        text, later_ns = path.read_text(), path.stat().st_mtime_ns + 10**9
        path.write_text(text.replace('"session": "s1"', '"session": "s2"'))
        os.utime(path, ns=(later_ns, later_ns))


def _append_torn(folder: Path, number: int) -> None:
    """A row that is being written, and then whole but for its newline."""
    path = folder / "metadata.jsonl"
    text = path.read_text() if path.exists() else ""
    if not text or text.endswith("\n"):
        with path.open("a") as file:
            row = json.dumps({"file_name": _file(folder, number), "session": "torn"})
            file.write(row if number % 2 else row[:-5])
    elif text.endswith("}"):
        with path.open("a") as file:
            file.write("\n")
    else:
        path.write_text(text[: text.rfind("\n") + 1])


_CHANGES = [_add, _add_bare, _add_row_alone, _delete_one, _merge, _undo, _edit, _append_torn]


def _all(index: StandingIndex) -> object:
    labels = index.labels()
    found: list[object] = [labels, index.parts(), index.sessions()]
    found += [index.of_part(label, begin=0, most=1000) for label in labels]
    return found


@settings(max_examples=40)
@given(
    changes=st.lists(st.tuples(st.sampled_from(_CHANGES), st.integers(0, 20)), min_size=1, max_size=8),
)
def test_it_says_what_a_new_one_says(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[Callable[[Path, int], None], int]]
) -> None:
    folder = tmp_path_factory.mktemp("data") / "captures"
    folder.mkdir()
    standing = StandingIndex(folder)
    for change, number in changes:
        change(folder, number)
        fresh = StandingIndex(folder)
        assert _all(standing) == _all(fresh), change
        if fresh.labels():
            with indexed(folder, quiet) as index:
                assert list(standing.parts()) == stats_of_parts(index)
        fresh.close()
    standing.close()


def test_a_folder_that_was_listed_long_after_its_change_is_not_listed_again(tmp_path: Path) -> None:
    """Else each question about a hundred thousand pictures would take as long as the first."""
    folder = write_dataset(tmp_path / "captures", session("3001", "s1", 3))
    os.utime(folder / "3001", (1_700_000_000, 1_700_000_000))
    index = StandingIndex(folder)
    assert index.of_part("3001", begin=0, most=10)[0] == 3
    (folder / "3001" / "s1_000.jpg").unlink()
    os.utime(folder / "3001", (1_700_000_000, 1_700_000_000))
    assert index.of_part("3001", begin=0, most=10)[0] == 3
    os.utime(folder / "3001", (1_700_000_001, 1_700_000_001))
    assert index.of_part("3001", begin=0, most=10)[0] == 2


def test_pictures_come_some_at_a_time_with_what_the_manifest_says(tmp_path: Path) -> None:
    folder = write_dataset(
        tmp_path / "captures",
        session("3001", "s1", 5, colour=4)
        | session("3001", "s2", 2, physical_part="brick")
        | {"3001/x.jpg": None},
    )
    index = StandingIndex(folder)
    count, some = index.of_part("3001", begin=4, most=3)
    assert count == 8
    assert [listed.name for listed in some] == ["3001/s1_004.jpg", "3001/s2_000.jpg", "3001/s2_001.jpg"]
    assert some[0].document["colour"] == 4
    assert index.of_part("3001", begin=7, most=3) == (8, [Listed("3001/x.jpg", "3001", {})])
    count, some = index.of_session("s2", begin=1, most=9)
    assert (count, [listed.name for listed in some]) == (2, ["3001/s2_001.jpg"])
    one, other = index.sessions()
    assert (one.session, one.images, one.physical_parts, one.sources) == ("s1", 5, (), ("camera",))
    assert (other.session, other.images, other.physical_parts) == ("s2", 2, ("brick",))
    assert other.first.name == "3001/s2_000.jpg"
    names = index.names_of_part("3001")
    assert len(names) == 8
    assert index.named([names[6], names[0], "3001/not-there.jpg"]) == [
        index.of_part("3001", begin=place, most=1)[1][0] for place in (0, 6)
    ]
    assert index.rows_of_session("s2") == {"3001/s2_000.jpg", "3001/s2_001.jpg"}


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    index = StandingIndex(tmp_path / "captures")
    assert (index.labels(), index.parts(), index.sessions()) == ((), (), ())
    with pytest.raises(NotFound, match="no pictures of part 3001"):
        index.of_part("3001", begin=0, most=1)
    with pytest.raises(NotFound, match="no session 'x'"):
        index.of_session("x", begin=0, most=1)
    (tmp_path / "captures").touch()
    with pytest.raises(BadInput, match="is not a folder"):
        index.labels()


def test_a_damaged_manifest_is_named_until_it_is_mended(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "captures", session("3001", "s1", 1))
    index = StandingIndex(folder)
    assert len(index.sessions()) == 1
    sound = (folder / "metadata.jsonl").read_text()
    (folder / "metadata.jsonl").write_text(sound + "[]\n")
    for _ in range(2):
        with pytest.raises(DatasetError, match="line 2 is not a manifest row"):
            index.sessions()
    (folder / "metadata.jsonl").write_text(sound)
    assert len(index.sessions()) == 1


def test_a_change_of_a_class_alone_is_a_new_version_of_it_alone(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "captures", session("3001", "s1", 1) | session("3002", "s2", 1))
    index = StandingIndex(folder)
    before = [index.version(label) for label in _LABELS]
    assert [index.version(label) for label in _LABELS] == before
    DatasetStore(folder).add_document({"file_name": "3002/new.jpg"}, b"jpeg")
    after = [index.version(label) for label in _LABELS]
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_threads_may_ask_while_pictures_come(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "captures", session("3001", "s1", 1))
    index = StandingIndex(folder)
    store = DatasetStore(folder)
    seen: list[list[int]] = [[] for _ in range(4)]

    def ask(mine: list[int]) -> None:
        while not mine or mine[-1] < 41:
            mine.append(index.of_part("3001", begin=0, most=1)[0])

    threads = [threading.Thread(target=ask, args=(mine,), daemon=True) for mine in seen]
    for thread in threads:
        thread.start()
    for number in range(40):
        store.add_document({"file_name": f"3001/new{number}.jpg", "session": "new"}, b"jpeg")
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    for mine in seen:
        assert mine == sorted(mine)
