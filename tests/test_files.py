"""Files are whole or absent, lines are whole or cut away."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rig.errors import StorageError
from rig.files import append_line, write_whole


def test_a_written_file_is_there_and_no_temporary_one_is_left(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b.txt", b"content")
    assert (tmp_path / "a" / "b.txt").read_bytes() == b"content"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]


def test_a_folder_in_the_way_is_a_storage_error_and_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "b.txt").mkdir()
    with pytest.raises(StorageError, match=r"b\.txt cannot be written"):
        write_whole(tmp_path / "b.txt", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["b.txt"]


@pytest.mark.parametrize("torn", [b"", b'{"half', b'{"a": 1}\n{"half', b"x" * 10_000, b"1\n" + b"x" * 10_000])
def test_a_torn_last_line_is_cut_away_before_the_next_one(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(torn)
    append_line(path, "next")
    whole = torn[: torn.rfind(b"\n") + 1]
    assert path.read_bytes() == whole + b"next\n"


_FILL = """
import resource, signal, sys
from pathlib import Path
from rig.errors import StorageError
from rig.files import append_line, write_whole
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
folder = Path(sys.argv[1])
for write, name, content in ((write_whole, "big", b"x" * 5000), (append_line, "rows", "x" * 5000)):
    try:
        write(folder / name, content)
    except StorageError as error:
        print(type(error).__name__)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a limit on the size of files")
def test_what_does_not_fit_leaves_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(b"first\n")
    (tmp_path / "big").write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", _FILL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["StorageError", "StorageError"]
    assert (tmp_path / "rows").read_bytes() == b"first\n"
    assert (tmp_path / "big").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big", "rows"]


def test_a_full_disk_says_what_to_do() -> None:
    from rig.files import storage_errors

    with pytest.raises(StorageError) as caught, storage_errors(Path("x.jpg")):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "free some space" in caught.value.hint
