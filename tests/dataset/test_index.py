"""The index says of files, rows and groups what the reader of datasets says."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.dataset.folders import splits_in
from rig.dataset.index import indexed
from rig.dataset.layout import MANIFEST
from rig.dataset.reader import Sample, read_dataset
from rig.dataset.stats import stats_of_all, stats_of_parts
from rig.errors import BadInput, DatasetError
from tests.dataset.pictures import add_row, session, write_dataset

_NAMES = st.sampled_from([None, "", "x", "y", "z", 7])
_ROWS = st.lists(
    st.tuples(
        st.sampled_from(["3001", "3002"]),
        st.fixed_dictionaries(
            {"session": _NAMES, "physical_part": _NAMES},
            optional={"part": _NAMES, "source": st.sampled_from(["camera", "photo"])},
        ),
    ),
    min_size=1,
    max_size=12,
)


def quiet(progress: object) -> None:
    """Nobody looks at the progress."""


def samples(folder: Path) -> list[Sample]:
    """What the index says of each picture."""
    with indexed(folder, quiet) as index:
        return [picture.sample(folder) for picture in index.walk()]


@given(rows=_ROWS)
def test_groups_are_those_of_the_reader(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, dict[str, str | int | None]]]
) -> None:
    folder = tmp_path_factory.mktemp("data")
    for place, (label, row) in enumerate(rows):
        (folder / label).mkdir(exist_ok=True)
        (folder / label / f"{place}.jpg").touch()
        add_row(folder, f"{label}/{place}.jpg", {"label": label, **row})
    add_row(folder, "3001/not-there.jpg", {"label": "3001", "session": "x", "physical_part": "y"})
    read = read_dataset(folder, least_classes=1).samples
    assert samples(folder) == [replace(sample, placement="", angle_deg=None) for sample in read]


def test_without_a_manifest_it_says_the_same_too(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path, {"b/1.jpg": None, "a/2.PNG": None, "a/1.jpg": None})
    (folder / "a" / "notes.txt").write_text("no picture")
    (folder / ".cache").mkdir()
    assert samples(folder) == list(read_dataset(folder).samples)


def test_a_manifest_without_a_row_is_one(tmp_path: Path) -> None:
    write_dataset(tmp_path, {"a/1.jpg": None})
    for has_manifest in (False, True):
        with indexed(tmp_path, lambda progress: None) as index:
            assert index.has_manifest is has_manifest
        (tmp_path / "metadata.jsonl").touch()


def test_stats_count_each_part_and_all(tmp_path: Path) -> None:
    folder = write_dataset(
        tmp_path / "captures",
        session("3001", "s1", 3, physical_part="p", colour=4)
        | session("3001", "s2", 2, physical_part="p", colour=4)
        | session("3001", "s3", 1, physical_part="q", colour=1, source="simulated")
        | {"3002/a.jpg": {"label": "3002", "source": "photo"}, "3002/b.jpg": None},
    )
    (folder / "3003").mkdir()
    with indexed(folder, quiet) as index:
        brick, other, empty = stats_of_parts(index)
        total = stats_of_all(index)
    assert (brick.label, brick.images, brick.sessions, brick.physical_parts) == ("3001", 6, 3, 2)
    assert (brick.groups, brick.poses, brick.colours) == (2, 3, 2)
    assert (brick.camera, brick.simulated, brick.other_source, brick.without_row) == (5, 1, 0, 0)
    assert (other.images, other.sessions, other.groups, other.other_source, other.without_row) == (
        2,
        0,
        0,
        2,
        1,
    )
    assert (empty.label, empty.images) == ("3003", 0)
    assert (total.label, total.images, total.sessions, total.groups) == ("", 8, 3, 2)


def test_an_exported_dataset_is_one_with_splits(tmp_path: Path) -> None:
    for split in ("train", "test"):
        write_dataset(tmp_path / split, session("3001", f"s-{split}", 2))
    assert splits_in(tmp_path) == ("train", "test")
    with indexed(tmp_path, quiet) as index:
        assert [picture.name for picture in index.walk("label = ?", "3001")] == [
            "train/3001/s-train_000.jpg",
            "train/3001/s-train_001.jpg",
            "test/3001/s-test_000.jpg",
            "test/3001/s-test_001.jpg",
        ]


def test_classes_that_are_called_like_splits_are_classes(tmp_path: Path) -> None:
    write_dataset(tmp_path, {"train/1.jpg": None, "test/1.jpg": None})
    assert splits_in(tmp_path) == ()
    with indexed(tmp_path, quiet) as index:
        assert index.labels() == ("test", "train")


def test_what_is_no_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no folder"), indexed(tmp_path / "nowhere", quiet):
        pass
    with pytest.raises(DatasetError, match="no class folder"), indexed(tmp_path, quiet):
        pass
    (tmp_path / "3001").mkdir()
    (tmp_path / MANIFEST).write_text("[]\n")
    with pytest.raises(DatasetError, match="line 1 is not a manifest row"), indexed(tmp_path, quiet):
        pass


@pytest.mark.skipif(os.name != "posix", reason="such names cannot be")
def test_a_name_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "3001").mkdir()
    try:
        Path(os.fsdecode(bytes(tmp_path / "3001") + b"/\xff.jpg")).touch()
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(DatasetError, match="not UTF-8"), indexed(tmp_path, quiet):
        pass
