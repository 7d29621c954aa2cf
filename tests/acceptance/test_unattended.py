"""`rig sort` on a real rig that nobody sits at."""

import signal
import sys
from pathlib import Path

import pytest

from rig.clock import SystemClock
from rig.sim.ways import PinExit
from rig.sorting.ledger import Ledger
from tests.acceptance.conftest import Shell
from tests.acceptance.real_rig import real_rig
from tests.sim.boards import LIGHT_PIN, make_world
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


_JET_PIN = 10
_WITH_AIR = f"""
[sorting]
wait_for_part_s = 20
reject_threshold = 0
false_strangers = 0
[actuator]
kind = "air_jets"
pulse_s = 2
[[bins]]
name = "reject"
jet_pin = 4
[[bins]]
name = "bricks"
jet_pin = {_JET_PIN}
rest = true
"""


def test_terminated_while_air_blows_it_closes_the_valve_and_puts_the_part_on_record(tmp_path: Path) -> None:
    write_single_minded(tmp_path / "models" / "bars", "3001", labels=("3001", "3004"))
    world = make_world(SystemClock(), exits=[PinExit(_JET_PIN)], chute=None)
    with real_rig(tmp_path, world=world) as rig, rig.streaming():
        with (tmp_path / "rig.toml").open("a", encoding="utf-8") as file:
            file.write(_WITH_AIR)
        with Shell(tmp_path).start("sort", "--count", "3") as process:
            assert process.stderr is not None
            said = iter(process.stderr.readline, "")
            assert any("The empty table is learned" in line for line in said)
            rig.lay()
            while world.pin(_JET_PIN) == 0:
                assert process.poll() is None
                world.clock.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            _, told = process.communicate(timeout=60)
        assert process.returncode == 130, told
        assert "under way was part 1 (3001, for bin bricks" in told
        assert world.pin(_JET_PIN) == world.pin(LIGHT_PIN) == 0
        assert not world.motors_on()
    with Ledger(tmp_path / "ledger") as ledger:
        assert [row.outcome for run in ledger.runs() for row in ledger.rows(run)] == ["unfinished"]
