"""The thread that owns the rig: it runs one job at a time, and looks after the board in between.

It is the main thread, so that a job is cancelled and stopped here exactly as it is on a terminal: by signals
(`rig.at_rest`). What other threads want of it they put into a queue, or send it a signal.
"""

import logging
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from enum import StrEnum
from types import FrameType

from pydantic import BaseModel, ConfigDict

from rig.at_rest import CANCEL_SIGNALS, KILL_SIGNALS, STOP_SIGNALS
from rig.camera.frame import Frame
from rig.config import Config
from rig.daemon.interrupted import Interrupted as LeftOver
from rig.daemon.interrupted import JobFile
from rig.daemon.job import Job, JobState
from rig.daemon.live import LivePicture
from rig.daemon.problems import Problem, problem_of
from rig.daemon.watched_camera import WatchedCamera
from rig.devices.operator import Ask
from rig.errors import Interrupted, MarlinHalted, RigError
from rig.jobs.run import Beginning, JobEvent, Workplace, run, what_is_kept
from rig.machine import Machine, Rig

# How often an idle board is asked whether it is still there, and a lost one looked for.
_LOOK_AFTER_S = 2.0
_log = logging.getLogger(__name__)


class BoardStatus(StrEnum):
    """How the board is."""

    CONNECTING = "connecting"
    READY = "ready"
    OFFLINE = "offline"
    HALTED = "halted"
    """It was killed, and takes nothing until it is reset."""


class BoardView(BaseModel):
    """The board as everybody sees it.

    Attributes:
        reason, hint: why it is not ready, and what to do; empty where it is.
    """

    model_config = ConfigDict(frozen=True)

    status: BoardStatus = BoardStatus.CONNECTING
    reason: str = ""
    hint: str = ""
    firmware: str = ""


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
        self._tell_board = tell_board
        self._tell_event = tell_event
        self._beat = beat
        self._thread = threading.get_ident()
        # Its `put` may be called from a signal handler, even in the middle of its `get`.
        self._wishes: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._board = BoardView()
        self._job: Job | None = None
        self._is_ending = False
        self._ending_since_s: float | None = None
        self._is_cancelled = False
        self._reconnect_wanted = False
        self._look_wanted = True
        # Only while a job runs may a signal raise.
        self._is_interruptible = False
        live.call_when_watched(self._wake)

    @property
    def board(self) -> BoardView:
        """How the board is."""
        return self._board

    # For other threads.

    def begin(self, job: Job) -> None:
        """Have a job run; whoever asks has seen that no other one does."""
        self._job = job
        self._wishes.put(job)

    def cancel(self, job: Job) -> None:
        """Have a job end once the move under way has."""
        if job.begin_to_end(JobState.CANCELLING):
            self._is_cancelled = True
            self._signal(CANCEL_SIGNALS[0])

    def stop(self, job: Job, *, emergency: bool = False) -> None:
        """Stop all motion of a job at once, or kill the board."""
        job.begin_to_end(JobState.STOPPING)
        self._signal((KILL_SIGNALS if emergency else STOP_SIGNALS)[0])

    def kill_board(self) -> None:
        """Kill the board while no job runs."""
        self._rig.kill_at_once()
        self._look_wanted = True
        self._wake()

    def reconnect(self) -> None:
        """Have the board reset and found anew."""
        self._reconnect_wanted = self._look_wanted = True
        self._wake()

    def hurry(self, after_s: float) -> None:
        """Stop at once what still moves so long after the thread was told to end."""
        job, since_s = self._job, self._ending_since_s
        if job is not None and since_s is not None and time.monotonic() - since_s > after_s:
            self._ending_since_s = None
            self.stop(job)

    def _signal(self, number: signal.Signals) -> None:
        signal.pthread_kill(self._thread, number)

    def _wake(self) -> None:
        self._wishes.put(None)

    # For its own thread.

    def run(self) -> None:
        """Look after the rig until SIGTERM or Ctrl-C; returns with the rig at rest.

        Raises:
            RigError: the rig could not be put at rest.
        """
        numbers = (*CANCEL_SIGNALS, *STOP_SIGNALS, *KILL_SIGNALS)
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            while not self._is_ending:
                self._beat()
                if self._look_wanted:
                    self._look_wanted = False
                    self._look_after_board()
                if self._live.viewers and self._board.status is BoardStatus.READY:
                    self._show_live()
                elif (job := self._next_wish(_LOOK_AFTER_S)) is not None:
                    self._run(job)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if number in CANCEL_SIGNALS and not self._is_cancelled:
            self._is_ending = True
            self._ending_since_s = time.monotonic()
            if self._job is not None:
                self._job.begin_to_end(JobState.CANCELLING)
        self._is_cancelled = False
        if self._is_interruptible:
            self._is_interruptible = False
            raise Interrupted
        self._wake()

    def _next_wish(self, timeout_s: float) -> Job | None:
        """A job to run, if one comes in time; the board is looked after whenever none does."""
        try:
            return self._wishes.get(timeout=timeout_s)
        except queue.Empty:
            self._look_wanted = self._look_wanted or timeout_s >= _LOOK_AFTER_S
            return None

    def _look_after_board(self) -> None:
        try:
            if self._reconnect_wanted or self._board.status is not BoardStatus.READY:
                if self._board.status is BoardStatus.HALTED and not self._reconnect_wanted:
                    return
                self._reconnect_wanted = False
                self._rig.connect()
            self._rig.check()
        except MarlinHalted as halted:
            self._note_board(
                BoardView(
                    status=BoardStatus.HALTED,
                    reason=halted.what,
                    hint="see that all is well, then reset the board",
                )
            )
        except RigError as error:
            self._note_board(BoardView(status=BoardStatus.OFFLINE, reason=error.what, hint=error.hint))
        else:
            self._note_board(BoardView(status=BoardStatus.READY, firmware=self._rig.firmware))

    def _note_board(self, board: BoardView) -> None:
        if board != self._board:
            if board.status is not self._board.status:
                _log.info("board %s", ": ".join(filter(None, (board.status.value, board.reason))))
            self._board = board
            self._tell_board(board)

    def _show_live(self) -> None:
        """Take pictures as long as somebody looks and nothing else is wanted."""
        config = self._place().config
        interval_s = 1.0 / config.daemon.live_fps
        wish: Job | None = None
        try:
            with self._rig.looking(config) as (camera, clock):
                while wish is None and self._live.viewers and not self._is_ending:
                    self._beat()
                    due_s = time.monotonic() + interval_s
                    self._live.show(camera.capture(clock.monotonic()), clock)
                    if self._look_wanted:
                        break
                    wish = self._next_wish(max(0.0, due_s - time.monotonic()))
        except RigError as error:
            self._note_board(BoardView(status=BoardStatus.OFFLINE, reason=error.what, hint=error.hint))
            self._look_wanted = True
        if wish is not None:
            self._run(wish)

    def _run(self, job: Job) -> None:
        """Run a job to its end, whatever that is; the daemon outlives all of them."""
        _log.info("%s begins", job.request.kind, extra={"job_id": job.id})
        state, problem = self._outcome(job)
        self._job = None
        self._look_wanted = True
        if not self._is_ending or state is not JobState.CANCELLED:
            # What was cut short by the end of the daemon is offered again by the next one.
            try:
                self._job_file.end()
            except RigError as error:
                _log.error("%s", error, extra={"job_id": job.id})
        how = "" if problem is None else f": {problem.detail}"
        _log.info("%s %s%s", job.request.kind, state.value, how, extra={"job_id": job.id})
        job.end(state, problem)

    def _outcome(self, job: Job) -> tuple[JobState, Problem | None]:
        place = self._place()
        try:
            try:
                self._is_interruptible = True
                self._follow(job, place)
            finally:
                self._is_interruptible = False
        except Interrupted as stop:
            is_stop = job.state is JobState.STOPPING
            state = JobState.STOPPED if is_stop else JobState.CANCELLED
            notes = (*getattr(stop, "__notes__", ()), *_kept(job, place.config))
            return state, Problem(
                title="Stopped", status=409, detail=f"the job was {state.value}", notes=notes
            )
        except RigError as error:
            for note in _kept(job, place.config):
                error.add_note(note)
            state = JobState.STOPPED if job.state is JobState.STOPPING else JobState.FAILED
            return state, problem_of(error)
        except Exception as error:  # noqa: BLE001 - the daemon outlives it, and it is told and logged
            # A mistake of ours: it ends this job, and is told; what it left behind was put at rest.
            _log.exception("%s failed", job.request.kind, extra={"job_id": job.id})
            kind = type(error).__name__
            detail = f"a mistake in this program ended the job ({kind}: {error})"
            return JobState.FAILED, Problem(title="Mistake", status=500, detail=detail, hint="see the log")
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
        """The machine with a camera that is looked over the shoulder."""
        with self._rig.at_work(config, ask=ask, seed=seed) as machine:

            def show(frame: Frame) -> None:
                self._beat()
                self._live.show(frame, machine.clock)

            watched = WatchedCamera(machine.camera, show)
            yield replace(machine, camera=watched)


def _kept(job: Job, config: Config) -> Iterator[str]:
    kept = None if job.begun is None else what_is_kept(job.begun, config)
    if kept is not None:
        yield kept
