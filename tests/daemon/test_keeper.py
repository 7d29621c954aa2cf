"""The thread that owns the rig, in this process: one job after the other, stops, and mistakes of ours."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rig.catalog import PartNumber
from rig.config import Config, SimConfig
from rig.daemon.board import BoardStatus
from rig.daemon.daemon import Daemon
from rig.daemon.job import Job, JobState
from rig.daemon.journal import logging_as_daemon
from rig.daemon.log_ring import LogRing
from rig.daemon.notify import Notifier, Watchdog
from rig.errors import RigBusy
from rig.jobs.requests import CalibrateTurnRequest, CaptureRequest
from rig.jobs.run import JobEvent
from rig.opening import open_rig

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
