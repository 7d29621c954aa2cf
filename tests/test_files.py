"""Files are whole or absent, lines are whole or cut away."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rig.errors import StorageError
from rig.files import (
    append_json_line,
    is_running,
    remove_leftovers,
    require_room,
    storage_errors,
    write_whole,
)


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
    append_json_line(path, "next")
    whole = torn[: torn.rfind(b"\n") + 1]
    assert path.read_bytes() == whole + b"next\n"


def test_a_last_line_that_only_lacks_its_newline_stays(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n{"b": 2}')
    append_json_line(path, '{"c": 3}')
    assert path.read_text() == '{"a": 1}\n{"b": 2}\n{"c": 3}\n'


_APPEND = """
import sys
from pathlib import Path
from rig.files import append_json_line
sys.stdin.readline()
path, name = Path(sys.argv[1]), sys.argv[2]
for number in range(150):
    append_json_line(path, '{"by": "%s", "number": %d, "padding": "%s"}' % (name, number, "x" * 500))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs locks on files")
def test_two_processes_that_append_lose_nothing_of_each_other(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    writers = [
        subprocess.Popen([sys.executable, "-c", _APPEND, str(path), name], stdin=subprocess.PIPE)
        for name in ("one", "two")
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == 300
    for name in ("one", "two"):
        assert [row["number"] for row in rows if row["by"] == name] == list(range(150))


_KILLED = """
import os, signal, sys
from pathlib import Path
from rig import files
os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
files.write_whole(Path(sys.argv[1]) / "a.jpg", b"half")
"""


@pytest.mark.skipif(os.name != "posix", reason="needs to ask for a process by its id")
def test_what_a_killed_process_left_half_written_is_removed_and_nothing_else(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], check=False)
    assert killed.returncode < 0
    (left_over,) = tmp_path.iterdir()
    others = {f".b.jpg.{os.getpid()}.tmp", ".notes.tmp", "c.99999999.tmp", ".d.session.json"}
    for name in others:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert not left_over.exists()
    assert {path.name for path in tmp_path.iterdir()} == others


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_whoever_has_ended_runs_no_more_though_nobody_has_asked_how() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not is_running(process.pid)
    assert is_running(os.getpid())


_FILL = """
import resource, signal, sys
from pathlib import Path
from rig.errors import StorageError
from rig.files import append_json_line, write_whole
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
folder = Path(sys.argv[1])
for write, name, content in ((write_whole, "big", b"x" * 5000), (append_json_line, "rows", "x" * 5000)):
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
    with pytest.raises(StorageError) as caught, storage_errors(Path("x.jpg")):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "free some space" in caught.value.hint


def test_too_little_room_is_a_full_disk(tmp_path: Path) -> None:
    require_room(tmp_path, 1)
    with pytest.raises(StorageError, match="No space left") as caught:
        require_room(tmp_path, 2**62)
    assert "free some space" in caught.value.hint
