"""Two parts that lie near each other are seen to be two, and one part is never seen to be two."""

from rig.catalog import part_number
from rig.config import Config, SimConfig
from rig.devices.operator import Subject
from rig.opening import open_machine
from rig.pile_config import PileConfig
from rig.vision.apart import lie_apart
from rig.vision.table import EmptyTable

PARTS = [part_number(text) for text in ("3001", "3004", "3010", "3039", "3701")]
CONFIG = Config(sim=SimConfig(enabled=True, pile=PileConfig(double=1.0)))


def test_table_between_two_parts_tells_them_apart() -> None:
    pairs = seen = 0
    for seed in (21, 22):
        with open_machine(CONFIG, ask=lambda sentence: None, seed=seed) as machine:
            empty = EmptyTable(machine.look().image)
            for number, part in enumerate(PARTS):
                machine.operator.place(Subject(part, seed=100 * seed + number), pose=0)
                assert not lie_apart(machine.look().image, empty), f"{part}, seed {seed}"
            machine.operator.pour(PARTS)
            for _ in PARTS:
                machine.clock.sleep(2 * CONFIG.sim.feed_gap_s)
                seen += lie_apart(machine.look().image, empty)
                pairs += 1
                machine.operator.clear_table()
    assert seen >= 0.6 * pairs


def test_without_the_empty_table_nobody_can_tell() -> None:
    with open_machine(CONFIG, ask=lambda sentence: None, seed=21) as machine:
        machine.operator.pour(PARTS)
        machine.clock.sleep(2 * CONFIG.sim.feed_gap_s)
        assert not lie_apart(machine.look().image, None)
