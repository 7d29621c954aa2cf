"""`rig sort` on a real rig that nobody sits at."""

import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import Shell
from tests.acceptance.real_rig import real_rig
from tests.vision.single_minded import write_single_minded

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs pseudo-terminals")


def test_sorting_begins_and_ends_without_a_question(tmp_path: Path) -> None:
    write_single_minded(tmp_path / "models" / "bars", "3001", labels=("3001", "3004"))
    with real_rig(tmp_path) as rig, rig.streaming():
        with (tmp_path / "rig.toml").open("a", encoding="utf-8") as file:
            file.write("[sorting]\nwait_for_part_s = 1\n")
        done = Shell(tmp_path).run("sort", "--count", "3")
    said = " ".join(done.stderr.split())
    assert done.returncode == 0, said
    assert "lay the next once the last one is gone" in said
    assert "the pile seems to be empty" in said
