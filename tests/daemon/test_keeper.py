"""The thread that owns the rig: stops and emergencies, boards that go and come back, mistakes of ours."""

import logging
import os
import select
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from rig.catalog import PartNumber
from rig.clock import SystemClock
from rig.config import Config, SimConfig
from rig.daemon.board import BoardStatus
from rig.daemon.daemon import Daemon
from rig.daemon.job import Job, JobState
from rig.daemon.journal import logging_as_daemon
from rig.daemon.log_ring import LogRing
from rig.daemon.notify import Notifier, Watchdog
from rig.errors import MarlinTimeout, RigBusy
from rig.jobs.requests import CalibrateTurnRequest, CaptureRequest
from rig.jobs.run import JobEvent
from rig.opening import open_rig
from rig.sim.faults import Direction, Fault, FaultKind
from tests.daemon.daemons import API, OverSocket, Served, daemon, looking, within
from tests.daemon.rigs import Kept, configured, kept_rig
from tests.sim.boards import LIGHT_PIN, desk

PART = PartNumber("3001")

SIMULATED = Config(sim=SimConfig(enabled=True, seed=1))


# In this process, whose main thread it takes.


class Helper:
    """What another thread does with a daemon while the main thread keeps its rig."""

    def __init__(self, daemon: Daemon, do: Callable[[Daemon], None]) -> None:
        self._daemon = daemon
        self._do = do
        self._thread = threading.Thread(target=self._run)
        self.error: BaseException | None = None

    def _run(self) -> None:
        try:
            self._do(self._daemon)
        except BaseException as error:  # noqa: BLE001 - raised in the thread of the test
            self.error = error
        finally:
            if not self._daemon.keeper.is_ending:
                self._daemon.keeper.end()

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *of_error: object) -> None:
        self._thread.join()


def keep(config: Config, do: Callable[[Daemon], None]) -> Daemon:
    """Keep a rig in this thread until another one has done what it does."""
    with open_rig(config) as rig:
        kept = Daemon(config, None, rig, Watchdog(Notifier(None)), LogRing())
        helper = Helper(kept, do)
        with kept.keeper.heeding_signals(), helper:
            kept.keeper.run()
        kept.close()
    if helper.error is not None:
        raise helper.error
    return kept


def ended(job: Job) -> Job:
    assert job.await_end(60)
    return job


@pytest.mark.usefixtures("own_folder")
class TestInThisProcess:
    def test_it_runs_one_job_after_the_other(self) -> None:
        def do(daemon: Daemon) -> None:
            jobs = [ended(daemon.begin(CaptureRequest(part=PART, steps=3))) for _ in range(3)]
            assert [job.state for job in jobs] == [JobState.FINISHED] * 3
            assert daemon.jobs == jobs[::-1]
            assert daemon.running is None

        keep(SIMULATED, do)
        assert not Path("daemon/job.json").exists()

    def test_whatever_is_logged_during_a_job_is_about_it(self) -> None:
        """Also what packages say, which know nothing of jobs."""

        def do(daemon: Daemon) -> None:
            package = logging.getLogger("some.package")
            daemon.on_event.append(lambda job, event: package.warning("during"))
            job = ended(daemon.begin(CaptureRequest(part=PART, steps=3)))
            package.warning("after")
            assert {(record.message, record.job) for record in log.ring.page().records} >= {
                ("capture begins", job.id),
                ("during", job.id),
                ("capture finished", job.id),
                ("after", None),
            }

        with logging_as_daemon({}) as log:
            keep(SIMULATED, do)

    def test_a_job_is_cancelled_at_whatever_moment(self) -> None:
        """Also before it has begun, and just as it ends."""

        def do(daemon: Daemon) -> None:
            for number in range(12):
                job = daemon.begin(CaptureRequest(part=PART, steps=3))
                with following(daemon) as heard:
                    while len(heard) < number % 6 and not job.state.is_over:
                        heard.news.wait(0.01)
                daemon.keeper.cancel(job)
                assert ended(job).state in (JobState.CANCELLED, JobState.FINISHED)
                if number % 6 == 0:
                    assert job.state is JobState.CANCELLED
            # None of that reaches the next.
            assert ended(daemon.begin(CaptureRequest(part=PART, steps=3))).state is JobState.FINISHED

        keep(SIMULATED, do)

    def test_a_stop_of_one_job_never_reaches_the_next(self) -> None:
        def do(daemon: Daemon) -> None:
            job = daemon.begin(CaptureRequest(part=PART, steps=3))
            stopping = threading.Event()

            def stop_for_ever() -> None:
                while not stopping.is_set():
                    daemon.keeper.stop(job)

            ended(job)
            thread = threading.Thread(target=stop_for_ever)
            thread.start()
            try:
                assert ended(daemon.begin(CaptureRequest(part=PART, steps=12))).state is JobState.FINISHED
            finally:
                stopping.set()
                thread.join()

        keep(SIMULATED, do)

    def test_a_mistake_in_a_job_ends_that_job_alone(self) -> None:
        def do(daemon: Daemon) -> None:
            # No folder can be called so, and nobody has looked.
            mistaken = CalibrateTurnRequest(kind="calibrate_table", folder="\0")
            job = ended(daemon.begin(mistaken))
            problem = job.view().problem
            assert job.state is JobState.FAILED
            assert problem is not None
            assert problem.status == 500
            assert "a mistake in this program ended the job (ValueError" in problem.detail
            assert daemon.rig.not_at_rest == ()
            assert ended(daemon.begin(CaptureRequest(part=PART, steps=3))).state is JobState.FINISHED

        keep(SIMULATED, do)

    def test_a_mistake_of_who_looks_on_ends_nothing(self, caplog: pytest.LogCaptureFixture) -> None:
        def do(daemon: Daemon) -> None:
            def mistake(job: Job, event: JobEvent) -> None:
                raise ZeroDivisionError

            daemon.on_event.append(mistake)
            assert ended(daemon.begin(CaptureRequest(part=PART, steps=3))).state is JobState.FINISHED

        keep(SIMULATED, do)
        assert "an event was not taken" in caplog.messages

    def test_a_job_that_meets_the_end_of_the_daemon_is_over_or_refused(self) -> None:
        begun: list[Job] = []

        def do(daemon: Daemon) -> None:
            daemon.keeper.board.await_known(30)
            begun.append(daemon.begin(CaptureRequest(part=PART, steps=144)))
            daemon.keeper.end()
            ended(begun[0])
            with pytest.raises(RigBusy, match="about to end"):
                daemon.begin(CaptureRequest(part=PART, steps=72))

        keep(SIMULATED, do)
        assert begun[0].state is JobState.CANCELLED

    def test_a_job_is_begun_while_the_board_is_being_connected(self) -> None:
        def do(daemon: Daemon) -> None:
            assert daemon.keeper.board.view.status is BoardStatus.CONNECTING
            assert ended(daemon.begin(CaptureRequest(part=PART, steps=3))).state is JobState.FINISHED
            daemon.reconnect()
            assert ended(daemon.begin(CaptureRequest(part=PART, steps=3))).state is JobState.FINISHED

        keep(SIMULATED, do)

    def test_a_stop_comes_to_a_job_that_waits_for_the_board_to_be_connected(self) -> None:
        with open_rig(SIMULATED) as rig:
            kept = Daemon(SIMULATED, None, rig, Watchdog(Notifier(None)), LogRing())
            refused: list[RigBusy] = []

            def begin() -> None:
                with pytest.raises(RigBusy, match="told to stop before the job began") as busy:
                    kept.begin(CaptureRequest(part=PART, steps=3))
                refused.append(busy.value)

            thread = threading.Thread(target=begin)
            thread.start()
            # Nobody connects the board yet.
            thread.join(1.0)
            assert thread.is_alive()
            assert kept.stop_and_wait(emergency=False) is None

            def do(daemon: Daemon) -> None:
                thread.join(60)
                assert refused
                assert ended(daemon.begin(CaptureRequest(part=PART, steps=3))).state is JobState.FINISHED

            helper = Helper(kept, do)
            with kept.keeper.heeding_signals(), helper:
                kept.keeper.run()
            kept.close()
        assert helper.error is None

    def test_the_angle_of_the_table_is_known_while_it_works(self) -> None:
        angles: set[float | None] = set()

        def do(daemon: Daemon) -> None:
            daemon.on_event.append(lambda job, event: angles.add(daemon.rig.angle_deg))
            ended(daemon.begin(CaptureRequest(part=PART, steps=4)))
            assert daemon.rig.angle_deg is None

        keep(SIMULATED, do)
        assert {0.0, 270.0} <= angles


class Heard(list[JobEvent]):
    def __init__(self) -> None:
        super().__init__()
        self.news = threading.Event()


@contextmanager
def following(daemon: Daemon) -> Iterator[Heard]:
    heard = Heard()

    def take(job: Job, event: JobEvent) -> None:
        heard.append(event)
        heard.news.set()

    daemon.on_event.append(take)
    try:
        yield heard
    finally:
        daemon.on_event.remove(take)


# A process of its own, and a board and a camera of this one.


@contextmanager
def rig_of(folder: Path, *faults: Fault, speed_deg_s: float = 180.0) -> Iterator[tuple[Served, Kept]]:
    with kept_rig(folder, *faults, speed_deg_s=speed_deg_s) as kept:
        yield kept.served, kept


def test_an_emergency_while_idle_is_certain_and_lifted_by_reconnecting(tmp_path: Path) -> None:
    with rig_of(tmp_path) as (served, kept):
        assert served.post("/emergency-stop") == {"job": None}
        served.await_board("halted")
        status, problem = served.ask("POST", "/jobs", {"kind": "capture", "part": "3001"})
        assert (status, problem["hint"]) == (409, "see that all is well, then reset the board")
        served.post("/machine/reconnect")
        served.await_board("ready")
        assert kept.is_at_rest()


def test_an_emergency_during_a_job_kills_the_board_and_ends_the_job(tmp_path: Path) -> None:
    with rig_of(tmp_path, speed_deg_s=15.0) as (served, kept):
        job = kept.begin_turning()
        stopped = served.post("/emergency-stop")
        assert (stopped["job"]["id"], stopped["job"]["state"]) == (job, "stopped")
        served.await_board("halted")
        # Marlin says so before it does so.
        assert within(10, lambda: not kept.board.world.motors_on())
        served.post("/machine/reconnect")
        served.await_board("ready")


def test_an_emergency_that_the_board_does_not_confirm_is_no_success_and_not_lifted_by_itself(
    tmp_path: Path,
) -> None:
    deaf = Fault(FaultKind.DROP, Direction.TO_BOARD, b"M112")
    with rig_of(tmp_path, deaf) as (served, _):
        status, problem = served.ask("POST", "/emergency-stop", {})
        assert (status, problem["type"]) == (503, f"/problems/{MarlinTimeout.__name__}")
        assert "did not confirm the emergency stop" in problem["detail"]
        assert served.await_board("halted")["hint"] == "cut the motor power now"
        assert served.ask("POST", "/jobs", {"kind": "capture", "part": "3001"})[0] == 409


def test_a_board_that_somebody_resets_after_an_emergency_is_found_again(tmp_path: Path) -> None:
    button = Fault(FaultKind.RESET_LATER, Direction.TO_BOARD, b"M112", delay_s=4.0)
    with rig_of(tmp_path, button) as (served, _):
        served.post("/emergency-stop")
        served.await_board("halted")
        served.await_board("ready")


def test_no_stop_waits_behind_requests_that_wait_themselves(tmp_path: Path) -> None:
    """More than the daemon has threads for: each is a job that shall begin once the board is connected."""
    deaf = Fault(FaultKind.DROP, Direction.TO_HOST)
    request = '{"kind": "capture", "part": "3001"}'
    with ExitStack() as stack:
        stack.enter_context(configured(tmp_path, deaf, boot_timeout_s=60))
        served = stack.enter_context(daemon(tmp_path, ready=False))
        waiting = [stack.enter_context(closing(OverSocket(served.socket))) for _ in range(50)]
        for connection in waiting:
            connection.request("POST", f"{API}/jobs", request, {"Content-Type": "application/json"})
        status, problem = served.ask("POST", "/emergency-stop", {})
        assert (status, problem["detail"]) == (503, "there is no board to be killed")
        assert served.ask("GET", "/health")[0] == 200
        assert select.select([connection.sock for connection in waiting], [], [], 0)[0] == []


def test_a_stop_ends_a_long_move_at_once(tmp_path: Path) -> None:
    with rig_of(tmp_path, speed_deg_s=15.0) as (served, kept):
        job = kept.begin_turning()
        assert served.post("/stop")["job"]["id"] == job
        assert kept.is_at_rest()


def test_a_stop_comes_to_a_job_that_is_being_cancelled(tmp_path: Path) -> None:
    with rig_of(tmp_path, speed_deg_s=15.0) as (served, kept):
        job = kept.begin_turning()
        served.post(f"/jobs/{job}/cancel")
        served.post("/stop")
        assert kept.is_at_rest()
        assert served.job(job)["state"] == "stopped"


def test_a_job_waits_for_a_person_with_everything_still(tmp_path: Path) -> None:
    with rig_of(tmp_path) as (served, _):
        job = served.begin("capture", part="3001", steps=4, attended=True)
        waiting = served.await_job(job, "waiting")
        assert waiting["question"]["sentence"].startswith("Lay one part 3001 in the middle of the table")
        assert waiting["question"]["answers"] == []
        served.post(f"/jobs/{job}/cancel")
        ended = served.await_job(job)
        assert (ended["state"], ended["question"]) == ("cancelled", None)


def test_a_board_that_is_unplugged_while_nothing_runs_is_found_again(tmp_path: Path) -> None:
    # Each look at an idle board asks so.
    unplugged = Fault(FaultKind.REPLUG, Direction.TO_BOARD, b"M114", at=6, duration_s=1.0)
    with rig_of(tmp_path, unplugged) as (served, _):
        board = served.await_board("offline")
        assert "unplugged" in board["reason"]
        status, problem = served.ask("POST", "/jobs", {"kind": "capture", "part": "3001"})
        assert status == 409
        assert problem["detail"].startswith("the board is offline")
        served.await_board("ready")
        job = served.begin("capture", part="3001", steps=3, attended=True)
        assert served.await_job(job, "waiting")["state"] == "waiting"


def test_a_board_that_is_unplugged_while_somebody_looks_on_is_missed(tmp_path: Path) -> None:
    unplugged = Fault(FaultKind.REPLUG, Direction.TO_BOARD, b"M114", at=6, duration_s=1.0)
    with rig_of(tmp_path, unplugged) as (served, _), looking(served) as read:
        read()
        served.await_board("offline")
        served.await_board("ready")


def test_a_board_that_is_unplugged_during_a_job_ends_it_and_is_found_again(tmp_path: Path) -> None:
    unplugged = Fault(FaultKind.REPLUG, Direction.TO_BOARD, rb"G[01] X", at=2, duration_s=1.0)
    with rig_of(tmp_path, unplugged) as (served, kept):
        job = served.begin("calibrate_settle")
        ended = served.await_job(job)
        assert ended["state"] == "failed"
        assert "unplugged" in ended["problem"]["detail"]
        served.await_board("ready")
        assert within(10, lambda: not kept.board.world.motors_on())


def test_a_stop_is_none_while_a_board_is_gone_that_was_not_left_at_rest(tmp_path: Path) -> None:
    unplugged = Fault(FaultKind.REPLUG, Direction.TO_BOARD, rb"G[01] X", at=2, duration_s=4.0)
    with rig_of(tmp_path, unplugged) as (served, _):
        assert served.await_job(served.begin("calibrate_settle"))["state"] == "failed"
        status, problem = served.ask("POST", "/stop", {})
        assert status == 503
        assert "could not release the motors" in problem["detail"]
        assert problem["hint"] == "cut the motor power"
        served.await_board("ready")
        assert served.post("/stop")["job"] is None


def test_a_board_that_no_adapter_resets_is_put_at_rest_when_it_is_found(tmp_path: Path) -> None:
    with configured(tmp_path, speed_deg_s=15.0) as board:
        # Its far end is open already: to open it once more resets nothing.
        held = os.open(board.stable_url, os.O_RDWR | os.O_NOCTTY)
        try:
            with daemon(tmp_path) as served:
                Kept(served, board).begin_turning()
                served.send(signal.SIGKILL)
                served.process.wait(timeout=30)
            assert board.world.motors_on()
            assert board.world.pin(LIGHT_PIN) > 0
            with daemon(tmp_path) as served:
                assert Kept(served, board).is_at_rest()
        finally:
            os.close(held)


def test_a_camera_that_is_gone_leaves_the_board_ready(tmp_path: Path) -> None:
    with desk(clock=SystemClock()) as board:
        (tmp_path / "rig.toml").write_text(
            f'[serial]\nport = "{board.stable_url}"\nboot_timeout_s = 1.5\n'
            '[camera]\ndevice = "http://127.0.0.1:9/none.mjpg"\ntimeout_s = 1\n',
            encoding="utf-8",
        )
        with daemon(tmp_path) as served:
            status, problem = served.ask("GET", "/live.jpg")
            assert (status, problem["type"]) == (503, "/problems/FrameTimeout")
            assert served.state()["board"]["status"] == "ready"
            assert board.world.pin(LIGHT_PIN) == 0


def test_a_second_daemon_of_the_same_rig_is_refused_with_who_runs_it(tmp_path: Path) -> None:
    with daemon(tmp_path) as first:
        with pytest.raises(AssertionError, match="does not serve"), daemon(tmp_path):
            pass
        said = (tmp_path / "serve.log").read_text()
        assert f"the rig is in use by: rig --json serve --port 0 (process {first.pid})" in said
        assert f"end it first: kill {first.pid}" in said
        assert first.state()["board"]["status"] == "ready"


def test_a_socket_that_was_left_over_is_taken_over(tmp_path: Path) -> None:
    with daemon(tmp_path) as first:
        first.process.kill()
        first.process.wait()
        assert first.socket.exists()
        with daemon(tmp_path) as second:
            assert second.socket == first.socket
            assert second.state()["rig"]["pid"] == second.pid
    assert not first.socket.exists()


def test_what_a_pretended_rig_finds_has_no_place_in_the_rig_toml_of_the_real_one(tmp_path: Path) -> None:
    text = '[serial]\nport = "/dev/ttyNone"\n'
    (tmp_path / "rig.toml").write_text(text)
    with daemon(tmp_path, "--sim", "--port", "0") as served:
        job = served.begin("calibrate_camera")
        assert served.await_job(job)["state"] == "finished"
    assert (tmp_path / "rig.toml").read_text() == text


def test_a_daemon_whose_folder_is_moved_or_deleted_still_says_how_it_is(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    with daemon(tmp_path / "here") as served:
        name = served.state()["rig"]["name"]
        (tmp_path / "here").rename(tmp_path / "there")
        assert served.state()["rig"]["name"] == name
        shutil.rmtree(tmp_path / "there")
        assert served.state()["rig"]["name"] == name
        job = served.begin("capture", part="3001", steps=3)
        assert served.await_job(job)["state"] == "failed"
        assert served.state()["board"]["status"] == "ready"
        assert served.end() == 0
