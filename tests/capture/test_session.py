"""A capture session on a desk where things go wrong: the bad is noticed, the good is kept."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.capture.plan import CapturePlan, is_open, new_plan
from rig.capture.session import PoseStarted, ViewRejected, ViewTaken, run_capture
from rig.clock import Clock, LeapingClock
from rig.config import CameraConfig, Config
from rig.dataset.store import DatasetStore
from rig.devices.actuators import actuator_for
from rig.devices.light import Light
from rig.devices.turntable import Turntable
from rig.errors import CaptureStopped
from rig.machine import Machine, wiring_of
from rig.marlin.controller import Marlin
from rig.sim.build import Build
from rig.sim.camera import SimulatedCamera
from rig.sim.drivetrain import Motion
from rig.sim.firmware import Firmware
from rig.sim.hand import SimulatedHand
from rig.sim.port import SimulatedPort
from rig.sim.scene import draw_scene
from rig.sim.world import ServoChute, ServoExit, World
from rig.vision.quality import Flaw
from tests.sim.boards import SERIAL

CONFIG = Config(camera=CameraConfig(width_px=320, height_px=240))
STEPS = 24


class TrickyWorld(World):
    """Whatever turns the table for the `after`-th time finds that something has happened."""

    after = 10**9
    happens: Callable[["TrickyWorld"], None] | None = None
    turned = 0
    held_deg: float | None = None

    def drive_table(self, motion: Motion) -> None:
        self.turned += 1
        if self.turned == self.after and self.happens is not None:
            self.happens(self)
        super().drive_table(motion)

    def table_angle_deg(self, at_s: float) -> float:
        return super().table_angle_deg(at_s) if self.held_deg is None else self.held_deg

    def slip(self) -> None:
        """The motor turns on without the table."""
        self.held_deg = self.table_angle_deg(self.clock.monotonic())


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


def plan() -> CapturePlan:
    return new_plan("3001", steps=STEPS, poses=1, microsteps_per_turn=3200, source="simulated", seed=1)


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
        with pytest.raises(CaptureStopped, match="0 degrees cannot be kept: no part is to be seen"):
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


def test_a_table_that_turns_no_more_is_noticed(tmp_path: Path) -> None:
    world, session, store = tricky_world(), plan(), DatasetStore(tmp_path)
    world.after, world.happens = 36, TrickyWorld.slip
    with rig(world) as machine, pytest.raises(CaptureStopped, match="has not turned"):
        list(run_capture(machine, session, store))
    # Nothing that shows the same view again was kept.
    assert all(row.microsteps <= 12 * 3200 / STEPS for row in store.rows())


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
