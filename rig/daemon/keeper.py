"""The thread that owns the rig: it runs one job at a time, and looks after the board in between.

It is the main thread, so that a job is cancelled and stopped here exactly as it is on a terminal: by signals
(`rig.at_rest`). What other threads want of it they put into a queue, or send it a signal.
"""

import logging
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from types import FrameType

from rig.at_rest import CANCEL_SIGNALS, KILL_SIGNALS, STOP_SIGNALS
from rig.camera.frame import Frame
from rig.config import Config
from rig.daemon.board import LOOK_AFTER_S, Board, BoardView
from rig.daemon.interrupted import Interrupted as LeftOver
from rig.daemon.interrupted import JobFile
from rig.daemon.job import Job, JobState
from rig.daemon.journal import about_job
from rig.daemon.live import LivePicture
from rig.daemon.problems import Problem, problem_of
from rig.daemon.watched_camera import WatchedCamera
from rig.devices.operator import Ask
from rig.errors import CameraError, Interrupted, RigBusy, RigError
from rig.jobs.run import Beginning, JobEvent, Workplace, run, what_is_kept
from rig.machine import Machine
from rig.opening import Rig

_log = logging.getLogger(__name__)


class Keeper:
    """Runs jobs with a rig, until it is told to end.

    Args:
        rig: to have and to hold.
        place: what jobs are run by; asked anew for each, since rig.toml may have changed.
        live: shows what the camera sees.
        job_file: remembers what is under way.
        tell_board: told whenever something of the board changed.
        tell_event: told of each event of a job.
        beat: called whenever this thread shows life.
    """

    def __init__(
        self,
        rig: Rig,
        place: Callable[[], Workplace],
        live: LivePicture,
        job_file: JobFile,
        *,
        tell_board: Callable[[BoardView], None],
        tell_event: Callable[[Job, JobEvent], None],
        beat: Callable[[], None],
    ) -> None:
        self._rig = rig
        self._place = place
        self._live = live
        self._job_file = job_file
        self._tell_event = tell_event
        self._beat = beat
        self._thread = threading.get_ident()
        # Its `put` may be called from a signal handler, even in the middle of its `get`.
        self._wake_ups: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.board = Board(rig, tell_board)
        """How the board is."""
        self._beginning = threading.Lock()
        # Set by whoever begins it, cleared by the thread that has run it.
        self._job: Job | None = None
        self._is_ending = False
        self._ending_since_s: float | None = None
        # The end of the daemon is what ended its last job.
        self._cuts_short = False
        self._has_ended = False
        self._cancel_sent = False
        self._stop_came = False
        self._live_at_s = 0.0
        # Only then may a signal raise.
        self._is_interruptible = False
        # `nohup` has SIGHUP ignored, and a shell SIGINT for what it runs in the background: they mean it.
        self._cancel_signals = [
            number for number in CANCEL_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN
        ]
        live.call_when_watched(self._wake)

    @property
    def is_ending(self) -> bool:
        """Whether it was told to end."""
        return self._is_ending

    # For other threads.

    def begin(self, job: Job) -> None:
        """Have a job run; whoever asks has seen that no other one does.

        Raises:
            RigBusy: the daemon is about to end.
        """
        with self._beginning:
            if self._is_ending or self._has_ended:
                raise RigBusy("the daemon is about to end", hint="start it again: rig serve")
            self._job = job
        self._wake()

    def cancel(self, job: Job) -> None:
        """Have a job end once the move under way has."""

        def tell() -> None:
            self._cancel_sent = True
            self._signal(self._cancel_signals[0])

        job.begin_to_end(JobState.CANCELLING, tell)

    def stop(self, job: Job, *, emergency: bool = False) -> None:
        """Stop all motion of a job at once, or kill the board."""
        number = (KILL_SIGNALS if emergency else STOP_SIGNALS)[0]
        job.begin_to_end(JobState.STOPPING, lambda: self._signal(number))

    def kill_board(self) -> None:
        """Kill the board while no job runs; returns once that is certain.

        Raises:
            DeviceError: there is no board, or it does not confirm.
        """
        try:
            self._rig.emergency_stop()
        finally:
            self.board.look_soon()
            self._wake()

    def reconnect(self) -> None:
        """Have the board reset and found anew."""
        self.board.reset_wanted = True
        self._wake()

    def end(self) -> None:
        """Have the thread end as Ctrl-C would."""
        self._signal(self._cancel_signals[0])

    def hurry(self, after_s: float) -> None:
        """Stop at once what still moves so long after the thread was told to end."""
        job, since_s = self._job, self._ending_since_s
        if job is None or since_s is None:
            return
        job.begin_to_end(JobState.CANCELLING, lambda: None)
        # While nothing moves there is nothing to stop, and to stop for certain would only take its time.
        if time.monotonic() - since_s > after_s and self._rig.may_be_moving:
            self._ending_since_s = None
            self.stop(job)

    def _signal(self, number: signal.Signals) -> None:
        signal.pthread_kill(self._thread, number)

    def _wake(self) -> None:
        self._wake_ups.put(None)

    # For its own thread.

    @contextmanager
    def heeding_signals(self) -> Iterator[None]:
        """While the block runs, SIGTERM and Ctrl-C end `run`, and nothing else, however often they come."""
        numbers = (*self._cancel_signals, *STOP_SIGNALS, *KILL_SIGNALS)
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def run(self) -> None:
        """Look after the rig until it is told to end; returns with the rig at rest. Signals are heeded."""
        while not self._is_ending:
            self._beat()
            if (job := self._job) is None:
                self._look_after_rig()
            else:
                self._run(job)
        self._end_what_never_began()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Takes no lock: this thread, or one that waits for it, may hold any of them."""
        if number == self._cancel_signals[0] and self._cancel_sent:
            self._cancel_sent = False
        elif number in CANCEL_SIGNALS:
            job = self._job
            self._cuts_short = self._cuts_short or (job is not None and not job.state.is_ending)
            self._is_ending = True
            self._ending_since_s = self._ending_since_s or time.monotonic()
        else:
            self._stop_came = True
            if number in KILL_SIGNALS:
                # Whoever sent it from outside has not asked the daemon to.
                with suppress(RigError):
                    self._rig.kill_at_once()
        self.board.look_soon()
        if self._is_interruptible:
            self._is_interruptible = False
            raise Interrupted
        self._wake()

    @contextmanager
    def _interruptible(self, job: Job | None = None) -> Iterator[None]:
        """Have signals end the block."""
        try:
            self._is_interruptible = True
            # What came before could not raise.
            if self._is_ending or (job is not None and job.state.is_ending):
                raise Interrupted
            yield
        finally:
            self._is_interruptible = False

    def _is_wanted(self, within_s: float) -> bool:
        """Whether there is something else to do; waits for it for so long."""
        if self._job is None and not self._is_ending and not self.board.reset_wanted:
            with suppress(queue.Empty):
                self._wake_ups.get(timeout=max(0.0, within_s))
        return self._job is not None or self._is_ending or self.board.reset_wanted

    def _look_after_rig(self) -> None:
        """One round of what there is to do while no job runs."""
        try:
            with self._interruptible():
                if self.board.due_in_s <= 0:
                    self.board.look_after()
                elif self._live.viewers and self.board.is_ready and time.monotonic() >= self._live_at_s:
                    self._show_live()
                else:
                    self._is_wanted(self.board.due_in_s)
        except Interrupted:
            return
        except Exception:  # noqa: BLE001 - a mistake of ours, which the daemon outlives
            _log.exception("looking after the rig failed")
            self._live_at_s = time.monotonic() + LOOK_AFTER_S

    def _show_live(self) -> None:
        """Take pictures as long as somebody looks and nothing else is wanted."""
        config = self._place().config
        interval_s = 1.0 / config.daemon.live_fps
        try:
            with self._rig.looking(config) as (camera, clock):
                due_s = time.monotonic()
                while self._live.viewers and not self._is_wanted(due_s - time.monotonic()):
                    self._beat()
                    if self.board.due_in_s <= 0:
                        self.board.check()
                    due_s = time.monotonic() + interval_s
                    self._live.show(camera.capture(clock.monotonic()), clock)
        except CameraError as error:
            # The board is none the worse for it.
            _log.warning("no live picture: %s", error)
            self._live_at_s = time.monotonic() + LOOK_AFTER_S
        except RigError:
            self.board.look_soon()
            self._live_at_s = time.monotonic() + LOOK_AFTER_S

    def _run(self, job: Job) -> None:
        """Run a job to its end, whatever that is; the daemon outlives all of them."""
        with about_job(job.id):
            what = job.request.kind.replace("_", " ")
            _log.info("%s begins", what)
            state, problem = self._outcome(job)
            self.board.look_soon()
            if not self._cuts_short or state is JobState.FINISHED:
                # What was cut short by the end of the daemon is offered again by the next one.
                try:
                    self._job_file.end()
                except RigError as error:
                    _log.error("%s", error)
            how = "" if problem is None else f": {problem.detail}"
            _log.info("%s %s%s", what, state.value, how)
        self._job = None
        job.end(state, problem)

    def _end_what_never_began(self) -> None:
        with self._beginning:
            self._has_ended = True
            job, self._job = self._job, None
        if job is not None:
            job.end(JobState.CANCELLED, _stopped(JobState.CANCELLED))

    def _outcome(self, job: Job) -> tuple[JobState, Problem | None]:
        place = self._place()
        self._stop_came = False
        try:
            with self._interruptible(job):
                self._follow(job, place)
        except Interrupted as stop:
            is_stop = self._stop_came or job.state is JobState.STOPPING
            state = JobState.STOPPED if is_stop else JobState.CANCELLED
            return state, _stopped(state, *getattr(stop, "__notes__", ()), *_kept(job, place.config))
        except RigError as error:
            for note in _kept(job, place.config):
                error.add_note(note)
            state = JobState.STOPPED if job.state is JobState.STOPPING else JobState.FAILED
            return state, problem_of(error)
        except Exception as error:  # noqa: BLE001 - the daemon outlives it, and it is told and logged
            # A mistake of ours: it ends this job, and is told; what it left behind was put at rest.
            _log.exception("%s failed", job.request.kind)
            kind = type(error).__name__
            detail = f"a mistake in this program ended the job ({kind}: {error})"
            return JobState.FAILED, Problem(
                title="Mistake",
                status=500,
                detail=detail,
                hint="see the log",
                notes=tuple(_kept(job, place.config)),
            )
        return JobState.FINISHED, None

    def _follow(self, job: Job, place: Workplace) -> None:
        left = LeftOver(started_at=job.view().started_at, request=job.request)
        self._job_file.begin(left)
        with closing(run(job.request, replace(place, open_machine=self._at_work), job)) as events:
            for event in events:
                self._beat()
                job.follow(event)
                if isinstance(event, Beginning):
                    left = self._job_file.note(left, event)
                self._tell_event(job, event)
                job.wait_while_paused()

    @contextmanager
    def _at_work(self, config: Config, *, ask: Ask, seed: int) -> Iterator[Machine]:
        """The machine with a camera that is looked over the shoulder, and a board that everybody misses."""
        with self._rig.at_work(config, ask=ask, seed=seed) as machine:

            def show(frame: Frame) -> None:
                self._beat()
                self._live.show(frame, machine.clock)

            def reconnect() -> None:
                with self.board.missing():
                    machine.reconnect()

            yield replace(machine, camera=WatchedCamera(machine.camera, show), reconnect=reconnect)


def _stopped(state: JobState, *notes: str) -> Problem:
    return Problem(title="Stopped", status=409, detail=f"the job was {state.value}", notes=notes)


def _kept(job: Job, config: Config) -> Sequence[str]:
    """What is kept of a job that did not come to its end; nothing where that cannot be found out."""
    try:
        kept = None if job.begun is None else what_is_kept(job.begun, config)
    except Exception:  # noqa: BLE001 - the job is over already, and has to be told of
        _log.exception("cannot tell what is kept")
        return ()
    return () if kept is None else (kept,)
