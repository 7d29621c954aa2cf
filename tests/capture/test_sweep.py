"""A sweep on the simulated rig: the world tells where the table really was, and things go wrong."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.capture.pilot import FrameGrid, choose_speed
from rig.capture.plan import CapturePlan, is_open, new_plan
from rig.capture.session import CaptureEvent, TurnEnded, ViewRejected, run_capture
from rig.capture.sweep import prepare_sweep, sharp_speed
from rig.clock import Clock
from rig.config import CameraConfig, Config
from rig.dataset.store import DatasetStore
from rig.errors import BadInput, CaptureStopped, ConfigError, TableStalled
from rig.machine import Machine
from rig.sim.build import Build
from rig.sim.camera import LatentView, SimulatedCamera
from rig.vision.locate import locate
from tests.capture.test_session import rig, tricky_world

CONFIG = Config(camera=CameraConfig(kind="picamera2", width_px=240, height_px=180))
STEPS = 36


class Witness:
    """Sees where the table really was in the middle of each exposure, and may do something before one.

    Args:
        before: called with the number of an exposure, from 1, before it begins.
    """

    def __init__(self, before: Callable[[int], None] = lambda number: None) -> None:
        self._before = before
        self.angles_deg: dict[float, float] = {}

    def camera_type(self) -> type[SimulatedCamera]:
        witness = self

        class Camera(SimulatedCamera):
            def expose(self, not_before_s: float) -> LatentView:
                witness._before(len(witness.angles_deg) + 1)
                view = super().expose(not_before_s)
                middle_s = (view.exposed_from_s + view.exposed_until_s) / 2
                witness.angles_deg[view.exposed_from_s] = witness.world.table_angle_deg(middle_s)
                return view

        return Camera

    @contextmanager
    def rig(
        self, config: Config = CONFIG, *, build: Build | None = None, clock: Clock | None = None
    ) -> Iterator[Machine]:
        self.world = tricky_world(clock)
        with rig(self.world, config.for_sweep(), build=build, camera_type=self.camera_type()) as machine:
            yield machine

    def agrees(self, store: DatasetStore, session: CapturePlan) -> bool:
        """Whether all views are there, once, each within half a degree and with its true angle in the row."""
        rows = list(store.rows())
        for row in rows:
            true_deg = self.angles_deg[row.exposed_from_s]
            assert _between(true_deg, row.angle_deg) <= 0.5
            assert row.measured_angle_deg is not None
            assert 0.0 <= row.measured_angle_deg < 360.0
            assert _between(true_deg, row.measured_angle_deg) <= 0.3
            assert row.motion_end_s is None
            assert cv2.imread(str(store.root / row.file_name)) is not None
        return sorted(row.angle_deg for row in rows) == [view.angle_deg for view in session.views()]


def plan(steps: int = STEPS) -> CapturePlan:
    return new_plan(
        "3001", steps=steps, poses=1, microsteps_per_turn=3200, source="simulated", seed=1, sweep=True
    )


def turns(events: list[CaptureEvent]) -> list[int]:
    """How many views were missing after each turn."""
    return [event.missing for event in events if isinstance(event, TurnEnded)]


def nearly_all_met(events: list[CaptureEvent]) -> bool:
    """Whether one turn met nearly all views: a busy computer misses some, and turns again for these."""
    missing = turns(events)
    return not missing or missing[0] <= 12


def _between(angle_deg: float, other_deg: float) -> float:
    return abs((angle_deg - other_deg + 180.0) % 360.0 - 180.0)


def test_every_view_is_met_in_one_turn_of_a_few_seconds_and_sharp(tmp_path: Path) -> None:
    witness, session, store = Witness(), plan(72), DatasetStore(tmp_path)
    with witness.rig() as machine:
        assert nearly_all_met(list(run_capture(machine, session, store)))
    assert witness.agrees(store, session)
    assert not is_open(session, tmp_path)
    rows = list(store.rows())
    # Two frames a view.
    gaps_s = np.diff([row.exposed_from_s for row in rows])
    assert np.median(gaps_s) == pytest.approx(2 / 30, abs=1e-6)
    assert gaps_s * 30 == pytest.approx(np.round(gaps_s * 30), abs=1e-4)
    assert {row.exposure_us for row in rows} == {1500}
    assert {row.gain for row in rows} == {8000 / 1500}
    # Where the part went round, by its boxes: a measure that the speed was not chosen by.
    boxes = np.array([row.box for row in rows], float)
    corners = np.stack([boxes[:, :2] + boxes[:, 2:] * share for share in ((0, 0), (0, 1), (1, 0), (1, 1))])
    radius_px = np.linalg.norm(corners - corners.mean(axis=(0, 1)), axis=2).max()
    assert np.radians(5.0 / gaps_s.min()) * 1.5e-3 * radius_px <= 0.5


@pytest.mark.parametrize("phase", [0.0, 0.25, 0.5, 0.75])
def test_the_table_falls_into_step_whenever_it_begins(phase: float) -> None:
    witness, session = Witness(), plan(24)
    with witness.rig() as machine:
        machine.operator.place(session.subject, pose=0)
        still = machine.look()
        box = locate(still.image)
        assert box is not None
        sweep = prepare_sweep(machine, still, box, step_deg=15.0)
        machine.clock.sleep_until(still.exposed_from_s + (60 + phase) / 30)
        met = [swept.view for swept in sweep.turn(session.views()[:12])]
    # A computer that is busy with something else may miss one; out of step, half of them would be.
    assert len({view.angle_deg for view in met}) >= 11


def test_views_that_were_not_met_come_in_the_next_turn(tmp_path: Path) -> None:
    def doze(number: int) -> None:
        # So long that views pass by, and so long that the table comes to a stop.
        witness.world.clock.sleep({20: 0.4, 30: 1.5}.get(number, 0.0))

    witness, session, store = Witness(doze), plan(), DatasetStore(tmp_path)
    with witness.rig() as machine:
        missing = turns(list(run_capture(machine, session, store)))
    assert missing
    assert 2 < missing[0] < 20
    assert witness.agrees(store, session)


@pytest.mark.parametrize("sweep", [False, True])
def test_a_table_that_never_turns_is_noticed_before_anything_is_kept(tmp_path: Path, *, sweep: bool) -> None:
    witness, store = Witness(), DatasetStore(tmp_path)
    session = replace(plan(), sweep=sweep)
    with witness.rig() as machine:
        witness.world.jam_table()
        with pytest.raises(TableStalled, match=r"cannot be \w+: the part has not turned") as caught:
            list(run_capture(machine, session, store))
        assert "--round" in caught.value.hint
        assert list(store.rows()) == []
        # A sweep that was broken off has stopped the table by now, and with that lost its position.
        machine.turntable.find_zero()
        # Who says that nothing is to be seen of it is believed.
        list(run_capture(machine, replace(session, is_round=True), store))
    assert len(list(store.rows())) == 36


def test_a_view_with_a_flaw_is_taken_again_in_the_next_turn(tmp_path: Path) -> None:
    witness = Witness(lambda number: witness.world.write_pin(8, 0 if number in (30, 31) else 255))
    session, store = plan(), DatasetStore(tmp_path)
    with witness.rig() as machine:
        events = list(run_capture(machine, session, store))
    flaws = [event.flaw for event in events if isinstance(event, ViewRejected)]
    assert len(flaws) == 2
    # A computer that is busy with something else may miss another view.
    assert turns(events)[0] in (2, 3)
    assert witness.agrees(store, session)


def test_a_part_that_falls_off_stops_the_session_and_the_table(tmp_path: Path) -> None:
    witness = Witness(lambda number: witness.world.pour(iter(())) if number == 30 else None)
    session, store = plan(), DatasetStore(tmp_path)
    with witness.rig() as machine, pytest.raises(CaptureStopped, match="no part is to be seen"):
        list(run_capture(machine, session, store))
    assert 10 < len(list(store.rows())) < 24
    assert is_open(session, tmp_path)


def test_an_empty_table_is_not_turned(tmp_path: Path) -> None:
    witness, session = Witness(), plan()
    with witness.rig() as machine:
        events = run_capture(machine, session, DatasetStore(tmp_path))
        next(events)
        witness.world.pour(iter(()))
        with pytest.raises(CaptureStopped, match="3001 cannot be captured: no part is to be seen"):
            list(events)
        assert machine.turntable.position == 0
    assert not is_open(session, tmp_path)


def test_an_interrupt_stops_the_table_and_what_is_missing_is_taken_on_resume(tmp_path: Path) -> None:
    def interrupt(number: int) -> None:
        if number == 25:
            raise KeyboardInterrupt

    first, session, store = Witness(interrupt), plan(), DatasetStore(tmp_path)
    with first.rig() as machine:
        with pytest.raises(KeyboardInterrupt):
            list(run_capture(machine, session, store))
        clock = machine.clock
        stopped_deg = first.world.table_angle_deg(clock.monotonic())
        clock.sleep(0.5)
        assert first.world.table_angle_deg(clock.monotonic()) == stopped_deg
        assert not machine.turntable.is_known
    assert is_open(session, tmp_path)
    kept = [row.file_name for row in store.rows()]
    # Of the 24 frames, two were to find the part and see it turn, and five to find the grid.
    assert 14 <= len(kept) <= 17
    second = Witness()
    with second.rig() as machine:
        assert nearly_all_met(list(run_capture(machine, session, store)))
    second.angles_deg |= first.angles_deg
    assert second.agrees(store, session)
    assert [row.file_name for row in store.rows()][: len(kept)] == kept


def test_a_few_views_need_only_a_part_of_a_turn(tmp_path: Path) -> None:
    witness, session, store = Witness(), plan(), DatasetStore(tmp_path)
    with witness.rig() as machine:
        list(run_capture(machine, session, store))
        before_deg = machine.turntable.angle_deg
        rows = (tmp_path / "metadata.jsonl").read_text().splitlines(keepends=True)
        # Ahead by what a sweep needs to come into step, and a little more.
        lost = {f"{(int(before_deg / 10) + ahead) % 36 * 10:03}deg" for ahead in (15, 16)}
        kept = [row for row in rows if not any(name in row for name in lost)]
        assert len(kept) == len(rows) - 2
        (tmp_path / "metadata.jsonl").write_text("".join(kept))
        assert nearly_all_met(list(run_capture(machine, session, store)))
        assert machine.turntable.angle_deg - before_deg < 330.0
    assert witness.agrees(store, session)


def test_a_board_with_a_lower_limit_is_followed_at_its_own_speed(tmp_path: Path) -> None:
    witness, session, store = Witness(), plan(), DatasetStore(tmp_path)
    with witness.rig(build=Build(max_speed_deg_s=45.0)) as machine:
        assert nearly_all_met(list(run_capture(machine, session, store)))
    assert witness.agrees(store, session)


def test_an_exposure_that_is_too_long_is_one_line_and_keeps_nothing(tmp_path: Path) -> None:
    camera = CONFIG.camera.model_copy(
        update={"sweep_exposure_us": 50_000, "exposure_us": 50_000, "gain": 0.16}
    )
    witness, session = Witness(), plan()
    with (
        witness.rig(CONFIG.model_copy(update={"camera": camera})) as machine,
        pytest.raises(BadInput, match="an exposure of 50000 us blurs a turning part") as caught,
    ):
        list(run_capture(machine, session, DatasetStore(tmp_path)))
    assert list(DatasetStore(tmp_path).rows()) == []
    assert "sweep_exposure_us = " in caught.value.hint
    assert not is_open(session, tmp_path)


def test_the_exposure_that_an_error_suggests_will_do() -> None:
    with pytest.raises(BadInput) as caught:
        sharp_speed(0.05, 200.0)
    wanted_us = float(caught.value.hint.split("= ")[1].split()[0])
    assert sharp_speed(wanted_us * 1e-6, 200.0) == pytest.approx(80.0, rel=0.01)


@given(steps=st.integers(1, 2160), frames_per_s=st.floats(30.0, 120.0), most_deg_s=st.floats(5.001, 80.0))
def test_the_speed_brings_every_view_to_a_frame(steps: int, frames_per_s: float, most_deg_s: float) -> None:
    step_deg, period_s = 360.0 / steps, 1.0 / frames_per_s
    try:
        speed_deg_s = choose_speed(step_deg, period_s, most_deg_s)
    except BadInput:
        # The next slower speed is too slow for the board.
        assert step_deg / (math.floor(step_deg / (most_deg_s * period_s) + 1) * period_s) < 5.0
        return
    frames = step_deg / (speed_deg_s * period_s)
    assert frames == pytest.approx(round(frames))
    assert 5.0 <= speed_deg_s <= most_deg_s * (1 + 1e-6)


def test_too_many_views_are_refused_with_how_many_there_may_be() -> None:
    with pytest.raises(BadInput, match="3200 views are too many for a sweep with 30 frames/s") as caught:
        choose_speed(360 / 3200, 1 / 30, 80.0)
    assert "--steps 2160" in caught.value.hint
    assert choose_speed(360 / 2160, 1 / 30, 80.0) == pytest.approx(5.0)


def test_a_grid_tells_the_nearest_frame() -> None:
    grid = FrameGrid(100.0, 0.04)
    assert [grid.nearest(at_s) for at_s in (99.99, 100.019, 100.021)] == pytest.approx([100.0, 100.0, 100.04])


def test_a_webcam_cannot_sweep() -> None:
    with pytest.raises(ConfigError, match="webcam does not say when"):
        Config().for_sweep()


def test_a_camera_that_is_quick_enough_is_left_as_it_is() -> None:
    quick = CONFIG.model_copy(update={"camera": CONFIG.camera.model_copy(update={"exposure_us": 1000})})
    assert (quick.for_sweep().camera.exposure_us, quick.for_sweep().camera.gain) == (1000, 1.0)
