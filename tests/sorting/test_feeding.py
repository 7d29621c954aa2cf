"""Sorting's watch over the table, on a simulated rig whose feeder has to be asked."""

from pathlib import Path
from typing import Any

import pytest

from rig.catalog import PartNumber
from rig.config import Config
from rig.machine import Machine
from rig.opening import open_machine
from rig.sorting.ledger import Ledger, RunId
from rig.sorting.trouble import Troubles
from rig.sorting.watch import Sight, await_sight

pytestmark = pytest.mark.usefixtures("own_folder")

PIN = {"kind": "pin", "pin": 10, "pulse_s": 0.1, "retry_s": 5, "most_tries": 2}
LONG_S = 600.0


def _config(feeder: dict[str, Any], **pile: Any) -> Config:
    document = {
        "feeder": feeder,
        "camera": {"width_px": 320, "height_px": 240},
        "sim": {"enabled": True, "pile": pile},
    }
    return Config.model_validate(document)


def _await(machine: Machine, folder: Path, timeout_s: float = LONG_S) -> Sight | None:
    """What comes to lie on the table; nothing is the matter with this rig."""
    with Ledger(folder) as ledger:
        watching = await_sight(machine, timeout_s, Troubles(ledger, RunId("r")))
        with pytest.raises(StopIteration) as done:
            next(watching)
    found: Sight | None = done.value.value
    return found


def _sort(machine: Machine, config: Config, count: int, folder: Path) -> None:
    for done in range(count):
        assert _await(machine, folder) is not None
        assert len(machine.operator.fates(0)) == done + 1
        machine.actuator.drop(config.bins[1])


@pytest.mark.parametrize("feeder", [PIN, {"kind": "hand"}], ids=["pin", "hand"])
def test_each_part_is_asked_for(feeder: dict[str, Any], tmp_path: Path) -> None:
    config = _config(feeder)
    with open_machine(config, ask=lambda sentence: None, seed=3) as machine:
        machine.operator.pour([PartNumber("3001")])
        _sort(machine, config, 3, tmp_path)
        machine.clock.sleep(LONG_S)
        machine.look()
        assert len(machine.operator.fates(0)) == 3, "nobody asked for a fourth"


def test_a_part_that_comes_late_is_asked_for_again(tmp_path: Path) -> None:
    config = _config(PIN, gap_spread_s=3.0)
    with open_machine(config, ask=lambda sentence: None, seed=3) as machine:
        machine.operator.pour([PartNumber("3001")])
        _sort(machine, config, 2, tmp_path)


def test_a_feeder_may_take_longer_than_an_empty_table_is_waited_for(tmp_path: Path) -> None:
    config = _config(PIN | {"retry_s": 60}, jams=1.0, jam_s=40)
    with open_machine(config, ask=lambda sentence: None, seed=3) as machine:
        machine.operator.pour([PartNumber("3001")])
        assert _await(machine, tmp_path, timeout_s=10.0) is not None


def test_a_feeder_from_which_nothing_comes_is_empty_long_before_the_time_is_up(tmp_path: Path) -> None:
    config = _config(PIN, jams=1.0, jam_s=1000)
    with open_machine(config, ask=lambda sentence: None, seed=3) as machine:
        machine.operator.pour([PartNumber("3001")])
        before_s = machine.clock.monotonic()
        assert _await(machine, tmp_path) is None
        assert machine.clock.monotonic() - before_s == pytest.approx(10, abs=5)
