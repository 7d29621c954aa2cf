"""What is handed on is split by brick and session, whole, reproducible, and read by other tools."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.dataset.exporting import Exported, Format, export
from rig.dataset.index import indexed
from rig.dataset.reader import read_dataset
from rig.dataset.splits import Shares, deal_splits
from rig.errors import BadInput, DatasetError
from tests.dataset.pictures import Rows, contents, rows_of, session, write_dataset

_SHARES = Shares(0.6, 0.2, 0.2)


def quiet(progress: object) -> None:
    """Nobody looks at the progress."""


def hand_on(
    data: Path, target: Path, form: Format = "folder", seed: int = 0, *, allow_mixed: bool = False
) -> Exported:
    """Export a dataset."""
    with indexed(data, quiet) as index:
        return export(index, target, form, _SHARES, seed, allow_mixed=allow_mixed, emit=quiet)


@pytest.fixture
def captures(tmp_path: Path) -> Path:
    """Five sessions of one part, two of them of one brick; and one session of another."""
    rows: Rows = {}
    for name, brick in (("s1", "p"), ("s2", "p"), ("s3", "q"), ("s4", "r"), ("s5", None)):
        rows |= session("3001", name, 2, physical_part=brick, box=None if name == "s5" else [1, 2, 3, 4])
    return write_dataset(tmp_path / "captures", rows | session("3002", "s6", 2))


@given(
    sizes=st.dictionaries(st.text(min_size=1), st.integers(1, 200), min_size=1, max_size=30),
    seed=st.integers(0, 1000),
)
def test_every_group_is_dealt_once_and_every_split_gets_one_where_there_are_enough(
    sizes: dict[str, int], seed: int
) -> None:
    dealt = deal_splits(sizes, Shares(0.7, 0.15, 0.15), seed)
    assert dealt.keys() == sizes.keys()
    assert dealt == deal_splits(dict(reversed(sizes.items())), Shares(0.7, 0.15, 0.15), seed)
    expected = [{"train"}, {"train", "test"}, {"train", "validation", "test"}][min(len(sizes), 3) - 1]
    assert set(dealt.values()) == expected


def test_shares_are_kept_where_groups_are_many() -> None:
    dealt = list(deal_splits({f"s{n}": 72 for n in range(100)}, Shares(0.7, 0.2, 0.1), 1).values())
    assert (dealt.count("train"), dealt.count("validation"), dealt.count("test")) == (70, 20, 10)
    assert set(deal_splits({"a": 1, "b": 1, "c": 1}, Shares(0.8, 0, 0.2), 0).values()) == {"train", "test"}


@pytest.mark.parametrize("shares", [(0.7, 0.2, 0.2), (0, 0.5, 0.5), (1.2, -0.1, -0.1), (float("nan"), 0, 1)])
def test_shares_that_are_none_are_refused(shares: tuple[float, float, float]) -> None:
    with pytest.raises(BadInput, match="no shares"):
        Shares(*shares)


def test_no_brick_is_in_two_splits_and_every_picture_in_one(captures: Path, tmp_path: Path) -> None:
    exported = hand_on(captures, tmp_path / "out")
    splits = {split: rows_of(tmp_path / "out" / split) for split in ("train", "validation", "test")}
    assert exported.images == {split: len(rows) for split, rows in splits.items()}
    assert exported.groups == {"train": 3, "validation": 1, "test": 1}
    assert exported.untested == ("3002",)
    bricks = {}
    for split, rows in splits.items():
        bricks[split] = {row["part"] for row in rows.values() if row["label"] == "3001"}
        for name in rows:
            assert (tmp_path / "out" / split / name).read_bytes() == (captures / name).read_bytes()
    assert sorted(brick for found in bricks.values() for brick in found) == ["p", "q", "r", "s5"]
    handed_on = {name: row for rows in splits.values() for name, row in rows.items()}
    assert handed_on.keys() == rows_of(captures).keys()
    for name, row in rows_of(captures).items():
        assert {column: row[column] for column in handed_on[name] if column != "part"}.items() <= row.items()
    # The groups of the copy are those of the original.
    groups = {sample.path.name: sample.group for sample in read_dataset(captures).samples}
    assert {row["part"] for name, row in handed_on.items()} == set(groups.values())
    for split in splits:
        for sample in read_dataset(tmp_path / "out" / split, least_classes=1).samples:
            assert sample.group == groups[sample.path.name]


def test_the_same_seed_gives_the_same_bytes_and_another_one_another_split(
    captures: Path, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        hand_on(captures, tmp_path / name)
        hand_on(captures, tmp_path / f"{name}.zip", "zip")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        zipped = {name: archive.read(name) for name in archive.namelist()}
    assert zipped == {
        name: content for name, content in contents(tmp_path / "one").items() if content != b"<folder>"
    }
    for seed in range(1, 6):
        hand_on(captures, tmp_path / f"seed {seed}", seed=seed)
    assert len({tuple(sorted(contents(tmp_path / f"seed {seed}"))) for seed in range(1, 6)}) > 1


def test_a_class_of_unknown_bricks_trains_only(tmp_path: Path) -> None:
    captures = write_dataset(tmp_path / "captures", dict.fromkeys(f"3001/{n}.jpg" for n in range(9)))
    exported = hand_on(captures, tmp_path / "out")
    assert (exported.images, exported.untested) == ({"train": 9}, ("3001",))
    assert rows_of(tmp_path / "out" / "train")["3001/0.jpg"]["part"] == ""


def test_what_would_spoil_it_is_refused_and_leaves_nothing(captures: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"

    def refused(message: str) -> None:
        with pytest.raises(DatasetError, match=message):
            hand_on(captures, target)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["captures"]

    orphan = captures / "3001" / "orphan.jpg"
    orphan.write_bytes(b"x")
    refused("orphan.jpg has no row")
    orphan.unlink()
    first = captures / "3001" / "s1_000.jpg"
    whole = first.read_bytes()
    first.write_bytes(whole[:-100])
    refused("s1_000.jpg is truncated")
    first.write_bytes((captures / "3001" / "s3_000.jpg").read_bytes())
    for seed in range(20):
        split = {
            name: split
            for split in ("train", "validation", "test")
            for name in ("p", "q")
            if deal_splits({"p": 4, "q": 2, "r": 2, "s5": 2}, _SHARES, seed)[name] == split
        }
        if split["p"] != split["q"]:
            break
    with pytest.raises(DatasetError, match="are the same picture"):
        hand_on(captures, target, seed=seed)
    first.write_bytes(whole)
    write_dataset(captures, {"3001/simulated.jpg": {"label": "3001", "session": "s", "source": "simulated"}})
    refused("mixes simulated and real")
    hand_on(captures, target, allow_mixed=True)
    with pytest.raises(BadInput, match="exists already"):
        hand_on(captures, target, allow_mixed=True)
    with pytest.raises(BadInput, match="exported dataset itself"):
        hand_on(target, tmp_path / "again")


@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_a_killed_export_leaves_nothing_that_looks_whole(captures: Path, tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from tests.dataset.test_exporting import _SHARES, export, indexed\n"
        "def emit(progress):\n"
        "    if progress.stage == 'Exporting' and progress.done == 7: os.kill(os.getpid(), signal.SIGKILL)\n"
        "with indexed(Path(sys.argv[1]), emit) as index:\n"
        "    export(index, Path(sys.argv[2]), 'folder', _SHARES, 0, allow_mixed=False, emit=emit)\n"
    )
    target = tmp_path / "out"
    ran = subprocess.run([sys.executable, "-c", script, captures, target], capture_output=True, check=False)
    assert ran.returncode == -9, ran.stderr
    assert not target.exists()
    hand_on(captures, target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["captures", "out"]
