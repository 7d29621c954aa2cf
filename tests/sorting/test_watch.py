"""Knowing the empty table, and telling what lies on it from it."""

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from rig.catalog import ColourCode, PartNumber
from rig.sim.passages import LyingPart
from rig.sorting.evidence import Doubt
from rig.sorting.ledger import Ledger, RunId
from rig.sorting.looking import learn_table
from rig.sorting.trouble import Troubles, Waits
from rig.sorting.watch import await_sight, see_whole
from rig.vision.locate import locate
from tests.capture.test_session import rig, tricky_world

_Found = TypeVar("_Found")
MIDDLE = LyingPart(PartNumber("3001"), ColourCode(4), 0, (4.0, -3.0), 20.0)


def found(waits: Waits[_Found]) -> _Found:
    """What is found without any trouble on the way."""
    try:
        trouble = next(waits)
    except StopIteration as end:
        result: _Found = end.value
        return result
    raise AssertionError(f"met {trouble}")


def test_who_learns_the_table_has_it_cleared_first(tmp_path: Path) -> None:
    world = tricky_world()
    with rig(world) as machine, Ledger(tmp_path) as ledger:
        world.lay(MIDDLE)
        empty = found(learn_table(machine, Troubles(ledger, RunId("r"))))
        assert world.part_on_table() is None
        assert locate(machine.look().image, empty) is None
        world.lay(MIDDLE)
        assert locate(machine.look().image, empty) is not None


def test_a_part_that_is_half_in_view_is_turned_until_it_is_whole(tmp_path: Path) -> None:
    world = tricky_world()
    with rig(world) as machine, Ledger(tmp_path) as ledger:
        troubles = Troubles(ledger, RunId("r"))
        machine = replace(machine, empty_table=found(learn_table(machine, troubles)))
        world.lay(replace(MIDDLE, offset_mm=(48.0, 0.0)))
        sight = found(await_sight(machine, 5.0, troubles))
        assert sight is not None
        assert sight.doubt is Doubt.CUT_OFF
        stood_deg = machine.turntable.angle_deg
        assert found(see_whole(machine, sight, troubles)).doubt is None
        assert machine.turntable.angle_deg == stood_deg + 90.0


def test_what_lies_out_of_view_is_found_before_the_feeder_counts_as_empty(tmp_path: Path) -> None:
    world = tricky_world()
    with rig(world) as machine, Ledger(tmp_path) as ledger:
        troubles = Troubles(ledger, RunId("r"))
        machine = replace(machine, empty_table=found(learn_table(machine, troubles)))
        assert found(await_sight(machine, 1.0, troubles)) is None
        # It comes into view as the table turns.
        world.after, world.happens = world.turned + 1, lambda world: world.lay(MIDDLE)
        assert found(await_sight(machine, 1.0, troubles)) is not None
