"""Looking again on the simulated rig: the table really turns, and stops where a part is decided."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rig.bin_config import DEFAULT_BINS
from rig.catalog import ColourCode, PartNumber
from rig.looks import fuse
from rig.machine import Machine
from rig.model import Bundle
from rig.sim.drivetrain import Motion
from rig.sim.passages import LyingPart
from rig.sorting.events import PartSorted, PartStrayed
from rig.sorting.evidence import Doubt
from rig.sorting.examine import Examination, Examiner, Strayed
from rig.sorting.ledger import Ledger, RunId
from rig.sorting.model_in_use import LoadedModel, ModelInUse
from rig.sorting.policy import Policy
from rig.sorting.routing import Routing
from rig.sorting.sorter import Sorter
from rig.sorting.thresholds import Forecast, Rule, one_threshold
from rig.sorting.trouble import Trouble, TroubleOver, Troubles
from rig.sorting.watch import Sight
from rig.sorting_config import SortingConfig
from rig.vision.classifier import Classifier
from rig.vision.locate import locate
from rig.vision.quality import change
from tests.capture.test_session import TrickyWorld, rig, tricky_world
from tests.vision.single_minded import write_single_minded

LABELS = ("3001", "3004", "3039")
NEVER, ALWAYS = Rule(2.0, 0.0), Rule(0.0, 0.0)
WEIGHTS = (1.0, 0.8, 0.6, 0.5)
RUN = RunId("r")
# Of held-out parts nearly all needed a second look.
LOOKED_AGAIN = Forecast(parts=30, rejected=0.0, error=0.0, feared=0.0, looks=2.0, goes_on=(0.95, 0.0))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A model that takes everything for a 3004, and is not at all sure of it."""
    made = write_single_minded(tmp_path_factory.mktemp("model") / "m", "3004", labels=LABELS)
    return replace(made, card=made.card.model_copy(update={"temperature": 3e4}))


@contextmanager
def a_part_on_the_table(world: TrickyWorld) -> Iterator[tuple[Machine, Sight]]:
    with rig(world) as machine:
        world.lay(LyingPart(PartNumber("3001"), ColourCode(4), 0, (4.0, -3.0), 20.0))
        frame = machine.look()
        box = locate(frame.image)
        assert box is not None
        yield machine, Sight(frame, box, machine.turntable.angle_deg)


def examiner(machine: Machine, bundle: Bundle, policy: Policy) -> Examiner:
    return Examiner(machine, Classifier(bundle), policy, turn_deg=60.0)


def test_a_part_that_is_decided_at_once_is_not_turned(bundle: Bundle) -> None:
    with a_part_on_the_table(tricky_world()) as (machine, sight):
        seen = examiner(machine, bundle, Policy((ALWAYS, ALWAYS), WEIGHTS)).examine(sight)
        assert isinstance(seen, Examination)
        assert [view.angle_deg for view in seen.views] == [0.0]
        assert machine.turntable.angle_deg == 0.0
    assert seen.decision.part == "3004"
    assert seen.decision.doubt is None


def test_the_table_turns_until_all_looks_together_decide(bundle: Bundle) -> None:
    with a_part_on_the_table(tricky_world()) as (machine, sight):
        seen = examiner(machine, bundle, Policy((NEVER, NEVER, ALWAYS, ALWAYS), WEIGHTS)).examine(sight)
        assert isinstance(seen, Examination)
        once = Classifier(bundle).classify(sight.frame.image)
    assert [view.angle_deg for view in seen.views] == pytest.approx([0.0, 60.0, 120.0], abs=0.1)
    first, second, third = ((view.image, view.box) for view in seen.views)
    assert change(first, second) > 3, "the part has turned with the table"
    assert change(second, third) > 3
    looks = np.tile(once.probabilities, (3, 1))  # the part's size differs a little from look to look
    assert seen.decision.probability == pytest.approx(fuse(looks, 0.6).max(), abs=0.02)
    assert seen.views[0].best is not None
    assert seen.decision.probability > seen.views[0].best.probability
    assert seen.views[0].best.label == "3004"


def test_who_is_never_sure_rejects_after_the_last_look(bundle: Bundle) -> None:
    with a_part_on_the_table(tricky_world()) as (machine, sight):
        look = examiner(machine, bundle, Policy(one_threshold(0.999, 3), WEIGHTS))
        seen, at_once = look.examine(sight), look.examine(sight, once=True)
        assert isinstance(seen, Examination)
        assert isinstance(at_once, Examination)
    assert len(seen.views) == 3
    assert (seen.decision.part, seen.decision.doubt) == (None, Doubt.UNSURE)
    assert len(at_once.views) == 1
    assert at_once.decision.doubt is Doubt.UNSURE


def test_where_held_out_parts_nearly_always_needed_it_the_table_does_not_wait(bundle: Bundle) -> None:
    """Seen in the one case where it turns in vain: what it had begun is not taken for a look."""
    with a_part_on_the_table(tricky_world()) as (machine, sight):
        seen = examiner(machine, bundle, Policy((ALWAYS, ALWAYS), WEIGHTS, LOOKED_AGAIN)).examine(sight)
        assert isinstance(seen, Examination)
        assert [view.angle_deg for view in seen.views] == [0.0]
        assert machine.turntable.angle_deg == pytest.approx(60.0, abs=0.1)


def _lift(world: TrickyWorld) -> None:
    world.clear()


@pytest.mark.parametrize(
    ("happens", "how"),
    [
        (_lift, "no longer in view"),
        (TrickyWorld.lay_aside, "has moved"),
        (TrickyWorld.switch_lamp_off, "gone dark"),
    ],
)
def test_a_part_that_does_not_come_round_is_not_classified(
    bundle: Bundle, happens: Callable[[TrickyWorld], None], how: str
) -> None:
    world = tricky_world()
    with a_part_on_the_table(world) as (machine, sight):
        world.after, world.happens = world.turned + 1, happens
        seen = examiner(machine, bundle, Policy((NEVER, ALWAYS), WEIGHTS)).examine(sight)
    assert isinstance(seen, Strayed)
    assert how in seen.how


def sorter(machine: Machine, bundle: Bundle, policy: Policy, ledger: Ledger) -> Sorter:
    model = ModelInUse(
        bundle, lambda: ledger.folder / "nowhere", lambda made: LoadedModel(made, Classifier(made), policy)
    )
    routing, troubles = Routing(DEFAULT_BINS, "reject"), Troubles(ledger, RUN)
    return Sorter(machine, model, routing, SortingConfig(), ledger, RUN, troubles)


class RollingWorld(TrickyWorld):
    """What lies on this table rolls whenever it turns."""

    rolls = False

    def drive_table(self, motion: Motion) -> None:
        super().drive_table(motion)
        lying = self.part_on_table()
        if self.rolls and lying is not None:
            self.lay(replace(lying, offset_mm=(48.0 - lying.offset_mm[0], lying.offset_mm[1])))


def test_a_part_that_rolls_is_watched_anew_and_in_the_end_decided_by_one_look(
    bundle: Bundle, tmp_path: Path
) -> None:
    world = tricky_world()
    world.__class__ = RollingWorld
    with a_part_on_the_table(world) as (machine, _), Ledger(tmp_path) as ledger:
        assert isinstance(world, RollingWorld)
        world.rolls = True
        events = list(sorter(machine, bundle, Policy((NEVER, ALWAYS), WEIGHTS), ledger).sort(1))
        rows = ledger.rows(RUN)
    assert [type(event) for event in events] == [PartStrayed] * 3 + [PartSorted]
    assert [(row.part, row.outcome) for row in rows] == [("3004", "dropped")]


class LargeWorld(TrickyWorld):
    """What lies on this table goes out of view when it turns."""

    def part_on_table(self) -> LyingPart | None:
        is_in_view = abs(self.table_angle_deg(self.clock.monotonic())) < 30
        return super().part_on_table() if is_in_view else None


def test_a_part_that_goes_out_of_view_is_not_lost(bundle: Bundle, tmp_path: Path) -> None:
    world = tricky_world()
    world.__class__ = LargeWorld
    with a_part_on_the_table(world) as (machine, _), Ledger(tmp_path) as ledger:
        events = list(sorter(machine, bundle, Policy((NEVER, ALWAYS), WEIGHTS), ledger).sort(1))
        rows = ledger.rows(RUN)
    assert [type(event) for event in events] == [PartStrayed] * 3 + [PartSorted]
    assert [row.outcome for row in rows] == ["dropped"]


class StallingWorld(TrickyWorld):
    """Whenever this table turns, the camera's cable is pulled a little."""

    pulls = False

    def drive_table(self, motion: Motion) -> None:
        super().drive_table(motion)
        if self.pulls:
            self.stall_camera(8.0)


def test_a_camera_that_fails_at_each_turn_leaves_what_the_first_look_shows(
    bundle: Bundle, tmp_path: Path
) -> None:
    world = tricky_world()
    world.__class__ = StallingWorld
    with a_part_on_the_table(world) as (machine, _), Ledger(tmp_path) as ledger:
        assert isinstance(world, StallingWorld)
        world.pulls = True
        events = list(sorter(machine, bundle, Policy((NEVER, ALWAYS), WEIGHTS), ledger).sort(1))
    assert [type(event) for event in events] == [Trouble, TroubleOver] * 3 + [PartSorted]


class StickyWorld(TrickyWorld):
    """The first push on this table moves nothing, and the camera is late to show it."""

    pushed = 0

    def turn_servo(self, index: int, angle_deg: float) -> None:
        if index == 1 and angle_deg > 109:
            self.pushed += 1
            if self.pushed == 1:
                self.jam_way()
                self.stall_camera(2.0)
            else:
                self.free_way()
        super().turn_servo(index, angle_deg)


def test_a_part_that_the_table_turned_in_vain_is_known_again_where_it_lies(
    bundle: Bundle, tmp_path: Path
) -> None:
    world = tricky_world()
    world.__class__ = StickyWorld
    with a_part_on_the_table(world) as (machine, _), Ledger(tmp_path) as ledger:
        policy = Policy((ALWAYS, ALWAYS), WEIGHTS, LOOKED_AGAIN)
        events = list(sorter(machine, bundle, policy, ledger).sort(1))
        rows = ledger.rows(RUN)
    assert isinstance(world, StickyWorld)
    assert world.pushed == 2
    assert len(world.fallen()) == 1
    assert [type(event) for event in events] == [PartSorted]
    assert [row.outcome for row in rows] == ["dropped"]
