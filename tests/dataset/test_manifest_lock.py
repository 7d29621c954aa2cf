"""Rows that are appended while the manifest is replaced go into the new one."""

import threading
import time
from pathlib import Path

import pytest

from rig.files import append_json_line, locked_lines

_LOCKS = Path("/proc/locks")


def _is_waited_for(inode: int) -> bool:
    return any("->" in line and f":{inode} " in line for line in _LOCKS.read_text().splitlines())


@pytest.mark.skipif(not _LOCKS.exists(), reason="only Linux says who waits for a lock")
def test_an_append_that_waited_while_the_file_was_replaced_is_not_lost(tmp_path: Path) -> None:
    path, other = tmp_path / "rows.jsonl", tmp_path / "new.jsonl"
    path.write_text('{"row": 1}\n')
    other.write_text('{"row": 2}\n')
    appending = threading.Thread(target=append_json_line, args=(path, '{"row": 3}'))
    with locked_lines(path):
        appending.start()
        deadline_s = time.monotonic() + 30
        while not _is_waited_for(path.stat().st_ino):
            assert time.monotonic() < deadline_s, "nobody waits"
        other.rename(path)
    appending.join()
    assert path.read_text() == '{"row": 2}\n{"row": 3}\n'
