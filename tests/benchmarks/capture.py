"""Sessions of 72 views: stop and go beside a loop that does one thing after the other, and a sweep."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rig.capture.plan import CapturePlan, new_plan
from rig.capture.session import TurnEnded, run_capture
from rig.clock import Clock, LeapingClock, SystemClock
from rig.config import CameraConfig, Config
from rig.dataset.layout import ImageRow
from rig.dataset.store import DatasetStore
from rig.machine import Machine
from rig.vision.jpeg import encode_jpeg
from rig.vision.locate import locate_all
from rig.vision.quality import Judge, sharpness
from tests.benchmarks.figure import Figure
from tests.capture.test_session import rig, tricky_world
from tests.capture.test_sweep import Witness
from tests.dataset.test_store import ROW

_CONFIG = Config(camera=CameraConfig(kind="picamera2"))
_VIEWS = 72
# What Marlin takes for 5 degrees from rest to rest at 180 degrees/s and 720 degrees/s^2, as measured.
_MOVE_S = 0.136
# For 25 degrees it never gets up to speed: 2 * sqrt(25 / 720). A session turns so far and back at first, and
# looks before and after, to see that the table turns at all.
_PROOF_MOVE_S = 0.373
_SESSIONS = 10
_PROMISED_RATIO = 1.10
_PROMISED_SWEEP_S = 8.0
_PROMISED_ERROR_DEG = 0.5


def stop_and_go() -> Iterator[Figure]:
    """In real time, against the sum of motion, settling and exposure."""
    exposure_s = _CONFIG.camera.exposure_us * 1e-6
    moves_s = (_VIEWS - 1) * _MOVE_S + 2 * _PROOF_MOVE_S
    ideal_s = moves_s + (_VIEWS + 2) * (_CONFIG.turntable.settle_s + exposure_s)
    session_s = _seconds(lambda machine, store: _run(machine, _plan(sweep=False), store))
    naive_s = _seconds(_one_after_the_other)
    yield Figure(
        f"{_VIEWS} views, stop and go, real time",
        f"{session_s:.1f} s, {session_s / ideal_s:.2f} of the ideal",
        f"{_PROMISED_RATIO:.2f} of {ideal_s:.1f} s",
        _PROMISED_RATIO * ideal_s / session_s,
    )
    yield Figure(
        "the same, beside a naive loop",
        f"{session_s:.1f} s",
        f"{naive_s:.1f} s: one thing after the other",
        naive_s / session_s,
    )


def memory_of_sessions() -> Iterator[Figure]:
    """Resident memory after the second session, which has loaded everything, and after the last."""
    after_mib = []
    for _ in range(_SESSIONS):
        with tempfile.TemporaryDirectory() as folder, rig(tricky_world(), _CONFIG) as machine:
            _run(machine, _plan(sweep=False), DatasetStore(Path(folder)))
        after_mib.append(resident_mib())
    yield Figure(
        f"memory after {_SESSIONS} sessions",
        f"{after_mib[-1]:.0f} MiB",
        f"{after_mib[1]:.0f} MiB: after 2",
        after_mib[1] / after_mib[-1],
    )


def sweep() -> Iterator[Figure]:
    """On both clocks, from the first look at the part to the last view on disk, and off by how much."""
    for name, clock in (("waits leapt over", LeapingClock()), ("real time", SystemClock())):
        witness = Witness()
        with tempfile.TemporaryDirectory() as folder, witness.rig(_CONFIG, clock=clock) as machine:
            store = DatasetStore(Path(folder))
            started_s = clock.monotonic()
            turns = _run(machine, _plan(sweep=True), store)
            written_s = clock.monotonic() - started_s
            rows = list(store.rows())
        yield from _sweep_figures(name, witness, rows, started_s, written_s, turns)


def _sweep_figures(
    name: str, witness: Witness, rows: list[ImageRow], started_s: float, written_s: float, turns: int
) -> Iterator[Figure]:
    exposed_s = max(row.exposed_until_s for row in rows) - started_s
    true_deg = [witness.angles_deg[row.exposed_from_s] for row in rows]
    worst_deg = _worst(true_deg, [row.angle_deg for row in rows])
    told_deg = _worst(true_deg, [row.measured_angle_deg or 0.0 for row in rows])
    yield Figure(
        f"{len(rows)} views, sweep, {name}",
        f"{exposed_s:.1f} s, turns: {turns}, {written_s:.1f} s until all are written",
        f"{_PROMISED_SWEEP_S:.0f} s",
        _PROMISED_SWEEP_S / exposed_s,
    )
    yield Figure(
        f"worst angle of that sweep, {name}",
        f"{worst_deg:.2f} degrees off; the row is {told_deg:.2f} off",
        f"{_PROMISED_ERROR_DEG} degrees",
        _PROMISED_ERROR_DEG / worst_deg,
    )


def _worst(angles_deg: Sequence[float], others_deg: Sequence[float]) -> float:
    """The largest angle between two directions of a pair."""
    pairs = zip(angles_deg, others_deg, strict=True)
    return max(abs((angle_deg - other_deg + 180.0) % 360.0 - 180.0) for angle_deg, other_deg in pairs)


def _plan(*, sweep: bool) -> CapturePlan:
    return new_plan(
        "3001", steps=_VIEWS, poses=1, microsteps_per_turn=3200, source="simulated", seed=1, sweep=sweep
    )


def _run(machine: Machine, plan: CapturePlan, store: DatasetStore) -> int:
    """Run a session; how many turns were swept."""
    return 1 + sum(isinstance(event, TurnEnded) for event in run_capture(machine, plan, store))


def _seconds(session: Callable[[Machine, DatasetStore], object]) -> float:
    clock: Clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder, rig(tricky_world(clock), _CONFIG) as machine:
        started_s = clock.monotonic()
        session(machine, DatasetStore(Path(folder)))
        return clock.monotonic() - started_s


def _one_after_the_other(machine: Machine, store: DatasetStore) -> None:
    """The same work for each view, with nothing at the same time."""
    machine.operator.place(_plan(sweep=False).subject, pose=0)
    judge = Judge()
    for view in _plan(sweep=False).views():
        image = machine.expose_from(view.microsteps).latent.develop().image
        boxes = locate_all(image)
        assert judge.flaw(image, boxes, view.angle_deg) is None, "a good view"
        sharpness(image, boxes[0])
        name = f"3001/naive_pose0_{view.angle_deg:03.0f}deg.jpg"
        store.add_document(ROW.to_json() | {"file_name": name}, encode_jpeg(image))
        judge.keep(image, boxes[0], view.angle_deg)


def resident_mib() -> float:
    """What this process holds in memory."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


if __name__ == "__main__":
    for measure in (sweep, stop_and_go, memory_of_sessions):
        for figure in measure():
            print(figure)
