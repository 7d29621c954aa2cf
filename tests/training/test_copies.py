"""Identical files count once, whatever their groups, and contradict each other under two labels."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.dataset.reader import Dataset, Sample
from rig.errors import DatasetError
from training.pictures.copies import without_copies


def _dataset(folder: Path, files: dict[str, bytes]) -> Dataset:
    """Files by `label/group/name`; the group is a row of no manifest."""
    samples = []
    for place, content in files.items():
        label, group, name = place.split("/")
        path = folder / label / f"{group}_{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        samples.append(Sample(path, label, group, "camera"))
    return Dataset(folder, tuple(samples))


def test_copies_count_once_and_tie_their_groups(tmp_path: Path) -> None:
    dataset = _dataset(
        tmp_path,
        {"a/1/x": b"one", "a/1/y": b"one", "a/2/x": b"one", "a/2/y": b"two", "a/3/x": b"two",
         "a/4/x": b"three"},
    )  # fmt: skip
    distinct = without_copies(dataset)
    assert [sample.path.name for sample in distinct.dataset.samples] == ["1_x", "2_y", "4_x"]
    assert distinct.left_out == 3
    assert distinct.unit_of == {"a/1": "a/1", "a/2": "a/1", "a/3": "a/1"}


def test_nothing_is_left_out_of_different_files(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path, {"a/1/x": b"one", "a/2/x": b"two", "b/1/x": b"three"})
    distinct = without_copies(dataset)
    assert (distinct.dataset, distinct.left_out, distinct.unit_of) == (dataset, 0, {})


def test_one_picture_under_two_labels_names_both(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path, {"a/1/x": b"one", "a/1/y": b"two", "b/1/z": b"one"})
    with pytest.raises(DatasetError, match=r"a/1_x and .*b/1_z are the same picture under two labels"):
        without_copies(dataset)


def test_a_file_that_went_away_is_named(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path, {"a/1/x": b"one", "b/1/x": b"two"})
    dataset.samples[0].path.unlink()
    with pytest.raises(DatasetError, match="a/1_x cannot be read"):
        without_copies(dataset)


@given(st.dictionaries(st.tuples(st.integers(0, 4), st.integers(0, 3)), st.integers(0, 5), min_size=1))
def test_each_content_is_kept_once_and_never_torn_apart(
    tmp_path_factory: pytest.TempPathFactory, drawn: dict[tuple[int, int], int]
) -> None:
    files = {f"a/{group}/{name}": b"%d" % content for (group, name), content in drawn.items()}
    dataset = _dataset(tmp_path_factory.mktemp("files"), files)
    distinct = without_copies(dataset)
    assert len(distinct.dataset.samples) == len(set(drawn.values()))
    assert len(distinct.dataset.samples) + distinct.left_out == len(drawn)
    for (group, _), content in drawn.items():
        for (other, _), same in drawn.items():
            if content == same and group != other:
                assert distinct.unit_of[f"a/{group}"] == distinct.unit_of[f"a/{other}"]
