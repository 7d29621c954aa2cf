"""A capture session on a desk where things go wrong: the bad is noticed, the good is kept."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.camera.frame import Frame, Latent
from rig.capture.plan import CapturePlan, is_open, new_plan
from rig.capture.session import PoseStarted, ViewRejected, ViewTaken, _name, run_capture
from rig.clock import Clock, LeapingClock
from rig.config import CameraConfig, Config
from rig.dataset.store import DatasetStore
from rig.devices.actuators import actuator_for
from rig.devices.light import Light
from rig.devices.turntable import Turntable
from rig.devices.wiring import wiring_of
from rig.errors import CaptureStopped, TableStalled
from rig.machine import Machine
from rig.marlin.controller import Marlin
from rig.sim.build import Build
from rig.sim.camera import SimulatedCamera
from rig.sim.drivetrain import Motion
from rig.sim.firmware import Firmware
from rig.sim.hand import SimulatedHand
from rig.sim.port import SimulatedPort
from rig.sim.scene import draw_scene
from rig.sim.ways import ServoChute, ServoExit
from rig.sim.world import World
from rig.vision.quality import Flaw
from tests.sim.boards import SERIAL

CONFIG = Config(camera=CameraConfig(width_px=320, height_px=240))
STEPS = 24


class TrickyWorld(World):
    """Whatever turns the table for the `after`-th time finds that something has happened."""

    after = 10**9
    happens: Callable[["TrickyWorld"], None] | None = None
    turned = 0
    slipping_from_deg: float | None = None
    slipped_deg = 0.0

    def drive_table(self, motion: Motion) -> None:
        self.turned += 1
        if self.turned == self.after and self.happens is not None:
            self.happens(self)
        super().drive_table(motion)

    def table_angle_deg(self, at_s: float) -> float:
        if self.slipping_from_deg is not None:
            return self.slipping_from_deg
        return super().table_angle_deg(at_s) - self.slipped_deg

    def slip(self) -> None:
        """The motor turns on without the table."""
        self.slipping_from_deg = self.table_angle_deg(self.clock.monotonic())

    def catch(self) -> None:
        """The table follows the motor again, by so much behind."""
        held_deg, self.slipping_from_deg = self.slipping_from_deg, None
        assert held_deg is not None
        self.slipped_deg += self.table_angle_deg(self.clock.monotonic()) - held_deg

    def lay_aside(self) -> None:
        """Somebody pushes the part to the rim of the table."""
        lying = self.part_on_table()
        assert lying is not None
        self.lay(replace(lying, offset_mm=(48.0, 0.0)))


class Litter:
    """A camera that may see something lie on the table beside the part."""

    def __init__(self, camera: SimulatedCamera) -> None:
        self.start, self.close, self.describe = camera.start, camera.close, camera.describe
        self.reach, self.relock = camera.reach, camera.relock
        self.there = False
        self._camera = camera

    def capture(self, not_before_s: float) -> Frame:
        return self.expose(not_before_s).develop()

    def expose(self, not_before_s: float) -> "Littered":
        return Littered(self._camera.expose(not_before_s), self.there)


@dataclass(frozen=True)
class Littered:
    """What met the sensor of such a camera."""

    latent: Latent
    there: bool

    @property
    def exposed_until_s(self) -> float:
        return self.latent.exposed_until_s

    def develop(self) -> Frame:
        frame = self.latent.develop()
        if self.there:
            image = frame.image.copy()
            cv2.rectangle(image, (30, 180), (56, 206), (30, 30, 120), -1)
            cv2.rectangle(image, (36, 186), (50, 200), (60, 60, 200), -1)
            return replace(frame, image=image)
        return frame


@contextmanager
def rig(
    world: TrickyWorld,
    config: Config = CONFIG,
    *,
    build: Build | None = None,
    camera_type: type[SimulatedCamera] = SimulatedCamera,
) -> Iterator[Machine]:
    camera = camera_type(
        world, draw_scene(np.random.default_rng(5)), config.camera, frames_per_s=30.0, seed=5
    )
    with SimulatedPort(world, board=Firmware(world, build)) as port:
        marlin = Marlin.connect(port.url, SERIAL, wiring=wiring_of(config), clock=world.clock)
        with closing(marlin), closing(camera):
            machine = Machine(
                turntable=Turntable(marlin, config.turntable, world.clock),
                actuator=actuator_for(config.actuator, config.bins, marlin, world.clock),
                light=Light(marlin, config.light),
                camera=camera,
                operator=SimulatedHand(world, np.random.default_rng(5)),
                clock=world.clock,
                firmware=marlin.firmware.name,
                source="simulated",
                reconnect=lambda: marlin.reconnect(1.0),
            )
            machine.light.on()
            camera.start()
            machine.turntable.zero()
            yield machine


def tricky_world(clock: Clock | None = None) -> TrickyWorld:
    return TrickyWorld(
        clock or LeapingClock(),
        microsteps_per_turn=CONFIG.turntable.microsteps_per_turn,
        exits=[ServoExit(1, 110.0)],
        chute=ServoChute(0),
        light_pin=CONFIG.light.pin,
        feed_gap_s=0.5,
    )


def plan(steps: int = STEPS) -> CapturePlan:
    return new_plan("3001", steps=steps, poses=1, microsteps_per_turn=3200, source="simulated", seed=1)


def names(store: DatasetStore) -> list[str]:
    return [row.file_name for row in store.rows()]


def taken_and_rejected(machine: Machine, plan: CapturePlan, store: DatasetStore) -> tuple[int, list[Flaw]]:
    events = list(run_capture(machine, plan, store))
    assert isinstance(events[0], PoseStarted)
    flaws = [event.flaw for event in events if isinstance(event, ViewRejected)]
    return sum(isinstance(event, ViewTaken) for event in events), flaws


def test_every_view_is_taken_in_order_and_on_disk(tmp_path: Path) -> None:
    session, store = plan(), DatasetStore(tmp_path)
    with rig(tricky_world()) as machine:
        assert taken_and_rejected(machine, session, store) == (STEPS, [])
    rows = list(store.rows())
    assert [row.angle_deg for row in rows] == [15.0 * step for step in range(STEPS)]
    for row in rows:
        assert cv2.imread(str(tmp_path / row.file_name)) is not None
        assert row.motion_end_s is not None
        assert row.exposed_from_s >= row.motion_end_s + CONFIG.turntable.settle_s
    assert not is_open(session, tmp_path)


def test_no_view_was_exposed_while_the_table_turned(tmp_path: Path) -> None:
    """The next move begins while a view is developed, and never before it is exposed."""
    world = tricky_world()
    still: list[bool] = []
    with rig(world) as machine:
        for event in run_capture(machine, plan(), DatasetStore(tmp_path)):
            if isinstance(event, ViewTaken):
                times_s = np.linspace(event.row.exposed_from_s, event.row.exposed_until_s, 9)
                still.append(
                    {world.table_microsteps(float(time_s)) for time_s in times_s} == {event.row.microsteps}
                )
    assert still == [True] * STEPS


def test_an_empty_table_stops_before_anything_is_written(tmp_path: Path) -> None:
    world, session = tricky_world(), plan()
    with rig(world) as machine:
        events = run_capture(machine, session, DatasetStore(tmp_path))
        next(events)
        world.pour(iter(()))  # which clears the table
        with pytest.raises(CaptureStopped, match="3001 cannot be captured: no part is to be seen"):
            list(events)
    assert not list(tmp_path.rglob("*.jpg"))
    assert not is_open(session, tmp_path)


def test_a_part_that_falls_off_stops_the_session_which_can_be_resumed(tmp_path: Path) -> None:
    world, session, store = tricky_world(), plan(), DatasetStore(tmp_path)
    # Three pieces a move: in the twelfth move or so.
    world.after, world.happens = 36, lambda world: world.pour(iter(()))
    with rig(world) as machine:
        with pytest.raises(CaptureStopped, match="no part is to be seen") as caught:
            list(run_capture(machine, session, store))
        assert "lay the part" in caught.value.hint
        kept = names(store)
        assert 5 < len(kept) < 15
        assert is_open(session, tmp_path)
        list(run_capture(machine, session, store))
    assert len(names(store)) == len(set(names(store))) == STEPS
    assert names(store)[: len(kept)] == kept


def stopped(machine: Machine, session: CapturePlan, store: DatasetStore, flaw: Flaw) -> list[str]:
    """Run a session that must stop because of a flaw, retaken twice; the angles that were kept."""
    rejected = []
    with pytest.raises(CaptureStopped, match=f"cannot be kept: {flaw.value}") as caught:
        for event in run_capture(machine, session, store):
            if isinstance(event, ViewRejected):
                rejected.append((event.angle_deg, event.flaw))
    assert caught.value.hint
    # Some views were exposed before the first flaw was found.
    assert {found for _, found in rejected} == {flaw}
    assert max(Counter(angle_deg for angle_deg, _ in rejected).values()) == 3
    kept = names(store)
    assert kept == [_name(session, 0, view) for view in session.views()[: len(kept)]]
    assert rejected[0][0] == session.views()[len(kept)].angle_deg
    assert sorted(f"3001/{path.name}" for path in store.root.glob("3001/*")) == kept
    assert is_open(session, store.root)
    return kept


def test_a_motor_that_stalls_is_noticed(tmp_path: Path) -> None:
    world, session, store = tricky_world(), plan(), DatasetStore(tmp_path)
    world.after, world.happens = 36, World.jam_table
    with rig(world) as machine:
        kept = stopped(machine, session, store, Flaw.NOT_TURNED)
        # Nothing that shows the same view again is kept; two of the moves were there to see it turn.
        assert len(kept) <= 11
        # A session that goes on finds out as well, before it keeps anything.
        with pytest.raises(TableStalled):
            list(run_capture(machine, session, store))
    assert names(store) == kept


def test_a_motor_that_stalls_after_the_first_view_is_noticed_with_the_second(tmp_path: Path) -> None:
    world, session, store = tricky_world(), plan(), DatasetStore(tmp_path)
    world.after, world.happens = 7, World.jam_table
    with rig(world) as machine, pytest.raises(TableStalled, match="cannot be kept"):
        list(run_capture(machine, session, store))
    # The first one is kept only once the second has shown that the table turned on.
    assert len(names(store)) <= 1


@pytest.mark.parametrize(("steps", "pieces_a_move"), [(144, 3), (360, 1)])
def test_a_motor_that_stalls_between_small_steps_is_noticed_within_5_degrees(
    tmp_path: Path, steps: int, pieces_a_move: int
) -> None:
    """The views that show the same again were good when they were judged; none of them is kept."""
    world, session, store = tricky_world(), plan(steps), DatasetStore(tmp_path)
    world.after, world.happens = 6 + 15 * pieces_a_move, World.jam_table
    rejected = []
    with rig(world) as machine:
        with pytest.raises(TableStalled):
            for event in run_capture(machine, session, store):
                if isinstance(event, ViewRejected):
                    rejected.append((event.angle_deg, event.flaw))
        stalled_deg = world.table_angle_deg(world.clock.monotonic())
    step_deg = 360.0 / steps
    assert {flaw for _, flaw in rejected} == {Flaw.NOT_TURNED}
    assert stalled_deg < rejected[0][0] <= stalled_deg + 5.0 + step_deg
    kept = [row.angle_deg for row in store.rows()]
    assert kept == [view.angle_deg for view in session.views()[: len(kept)]]
    assert stalled_deg - 5.0 - step_deg <= kept[-1] < stalled_deg + step_deg
    assert len(list(tmp_path.glob("3001/*"))) == len(kept)


def test_a_motor_that_stalls_in_the_last_small_steps_is_noticed_too(tmp_path: Path) -> None:
    world, session, store = tricky_world(), plan(120), DatasetStore(tmp_path)
    for view in session.views()[:-6]:
        row = {"file_name": _name(session, 0, view), "session": session.session, "angle_deg": view.angle_deg}
        store.add_document(row, b"")
    # Three pieces a move: in the last one, so that only one view shows the same again.
    world.after, world.happens = 3 * 7 + 1, TrickyWorld.slip
    with rig(world) as machine:
        with pytest.raises(TableStalled, match="has not turned"):
            list(run_capture(machine, session, store))
        slipped_deg = world.table_angle_deg(world.clock.monotonic()) % 360.0
        assert slipped_deg == pytest.approx(354.0, abs=0.1)
        kept = [row.angle_deg for row in store.rows()]
        assert 345.0 <= max(kept) <= 354.0
        world.catch()
        assert taken_and_rejected(machine, session, store) == (120 - len(kept), [])
    assert [row.angle_deg for row in store.rows()] == [view.angle_deg for view in session.views()]


def test_a_table_that_slips_is_noticed_and_the_session_goes_on_once_it_follows(tmp_path: Path) -> None:
    world, session, store = tricky_world(), plan(), DatasetStore(tmp_path)
    world.after, world.happens = 36, TrickyWorld.slip
    with rig(world) as machine:
        kept = stopped(machine, session, store, Flaw.NOT_TURNED)
        world.catch()
        assert taken_and_rejected(machine, session, store) == (STEPS - len(kept), [])
    assert len(set(names(store))) == STEPS


def test_a_part_that_is_pushed_out_of_view_is_noticed(tmp_path: Path) -> None:
    world, session, store = tricky_world(), plan(), DatasetStore(tmp_path)
    world.after, world.happens = 36, TrickyWorld.lay_aside
    with rig(world) as machine:
        stopped(machine, session, store, Flaw.CUT_OFF)
    assert all(row.box is not None for row in store.rows())


def test_something_beside_the_part_is_noticed(tmp_path: Path) -> None:
    world, session, store = tricky_world(), plan(), DatasetStore(tmp_path)
    with rig(world) as machine:
        assert isinstance(machine.camera, SimulatedCamera)
        litter = Litter(machine.camera)

        def drop_something(world: TrickyWorld) -> None:
            litter.there = True

        world.after, world.happens = 36, drop_something
        machine = replace(machine, camera=litter)
        kept = stopped(machine, session, store, Flaw.SEVERAL_PARTS)
        litter.there = False
        assert taken_and_rejected(machine, session, store) == (STEPS - len(kept), [])


def test_a_lamp_that_fails_for_a_moment_costs_a_retake(tmp_path: Path) -> None:
    world, session, store = tricky_world(), plan(), DatasetStore(tmp_path)
    world.after, world.happens = 36, lambda world: world.write_pin(8, 0)
    with rig(world) as machine:
        events = run_capture(machine, session, store)
        flaws = []
        for event in events:
            if isinstance(event, ViewRejected):
                flaws.append(event.flaw)
                world.write_pin(8, 255)
    assert flaws
    assert len(names(store)) == len(set(names(store))) == STEPS
