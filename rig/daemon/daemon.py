"""The daemon as everybody else sees it: its rig, its job, and what it tells."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rig.config import Config, load_config
from rig.daemon.board import BoardStatus, BoardView
from rig.daemon.event_log import EventLog
from rig.daemon.interrupted import Interrupted, JobFile, request_to_go_on
from rig.daemon.job import Job, JobView
from rig.daemon.keeper import Keeper
from rig.daemon.library import Library
from rig.daemon.live import LivePicture, Shot
from rig.daemon.log_ring import LogRing
from rig.daemon.notify import Watchdog
from rig.daemon.recogniser import Recogniser
from rig.errors import BadInput, BoardNotReady, DeviceError, NotFound, RigBusy
from rig.jobs.requests import JobRequest
from rig.jobs.run import JobEvent, Workplace
from rig.jobs.wire import to_wire
from rig.opening import Rig
from rig.owner import rig_name

_log = logging.getLogger(__name__)
_JOBS_KEPT = 50
# A quick stop takes Marlin a second, and clearing its queue another; then the rig is put at rest.
_STOP_TIMEOUT_S = 20.0
# A board that is being connected is waited for by who wants to begin a job.
_CONNECT_TIMEOUT_S = 15.0

RIG, LIVE, SERVERS = "rig", "live picture", "servers"
WORKERS_S = {RIG: 120.0, LIVE: 60.0, SERVERS: 30.0}
"""The workers, and the longest in seconds that each shows no life: that of the rig waits for a lost board."""


class Daemon:
    """One rig, one job at a time, and everybody who looks on. All of it may be called from any thread.

    Made by the thread that owns the rig, which then calls `keeper.run`.

    Args:
        config: of the rig.
        config_file: where it came from; None where there is no rig.toml.
        rig: not connected yet.
        watchdog: told whenever a worker shows life.
        logs: what the daemon has said lately.
        is_pretended: the rig is simulated though rig.toml has a real one: what calibration finds has no place
            in there.
    """

    def __init__(
        self,
        config: Config,
        config_file: Path | None,
        rig: Rig,
        watchdog: Watchdog,
        logs: LogRing,
        *,
        is_pretended: bool = False,
    ) -> None:
        self.config = config
        self.config_file = config_file
        # Those of the start: the folder may be moved meanwhile.
        self.folder = Path.cwd()
        self.name = rig_name(config)
        self.started_at = datetime.now(UTC)
        self.watchdog = watchdog
        self.logs = logs
        for name, limit_s in WORKERS_S.items():
            watchdog.watch(name, limit_s)
        self.events = EventLog()
        self.library = Library(self)
        self.recogniser = Recogniser(lambda: self.config.paths.models, self.library.classifier)
        self.live = LivePicture(
            config.daemon, self.recogniser, self._tell_shot, beat=partial(watchdog.beat, LIVE)
        )
        self.rig = rig
        self._was_lost = rig.is_lost
        self._simulated = config.sim.enabled
        self._lock = threading.RLock()
        self._jobs: deque[Job] = deque(maxlen=_JOBS_KEPT)
        self._stops = 0
        self._job_file = JobFile(config.paths.daemon)
        self._left = self._job_file.left_over()
        if self._left is not None:
            _log.warning("%s; go on with it, or dismiss it, on the page", self._left.what)
        self.on_event: list[Callable[[Job, JobEvent], None]] = []
        self.keeper = Keeper(
            rig,
            lambda: Workplace(self.config, None if is_pretended else self.config_file),
            self.live,
            self._job_file,
            tell_board=self._tell_board,
            tell_event=self._tell_event,
            beat=partial(watchdog.beat, RIG),
        )

    # Jobs.

    @property
    def jobs(self) -> list[Job]:
        """The jobs of this daemon, the newest first."""
        with self._lock:
            return list(self._jobs)

    @property
    def running(self) -> Job | None:
        """The job that runs now."""
        with self._lock:
            return self._jobs[0] if self._jobs and not self._jobs[0].state.is_over else None

    def job(self, job_id: str) -> Job:
        """A job by its id.

        Raises:
            NotFound: there is none, or it was long ago.
        """
        for job in self.jobs:
            if job.id == job_id:
                return job
        raise NotFound(f"there is no job {job_id}", hint="see those that there are: GET /api/v1/jobs")

    def begin(self, request: JobRequest) -> Job:
        """Start a job.

        Raises:
            RigBusy: another one runs, the daemon is about to end, or the rig was told to stop meanwhile.
            BoardNotReady: it is offline, or was killed.
        """
        self._refuse_another()
        stops = self._stops
        board = self.keeper.board.await_known(_CONNECT_TIMEOUT_S)
        with self._lock:
            self._refuse_another()
            if self._stops != stops:
                raise RigBusy("the rig was told to stop before the job began", hint="start it again")
            if board.status is not BoardStatus.READY:
                reason = board.reason or "it is being looked for"
                hint = board.hint or "ask again in a moment"
                raise BoardNotReady(f"the board is {board.status.value}: {reason}", hint=hint)
            job = Job(request, self.events.last_id, self._tell_job)
            self._tell_job(job.view())
            self.keeper.begin(job)
            self._jobs.appendleft(job)
            self._left = None
            return job

    def _refuse_another(self) -> None:
        if (running := self.running) is not None:
            view = running.view()
            raise RigBusy(
                f"the rig is in use by a job: {view.what} (since {view.started_at})",
                hint="wait until that has ended, or cancel it",
            )

    def stop_and_wait(self, *, emergency: bool) -> Job | None:
        """Stop all motion at once, whatever runs, or kill the board; returns when the rig is at rest.

        Returns:
            The job that was stopped; None where none ran.

        Raises:
            DeviceError: it does not come to rest, or a board does not confirm that it was killed.
        """
        with self._lock:
            # Nor does one begin that waits for the board.
            self._stops += 1
            job = self.running
        if job is not None:
            self.keeper.stop(job, emergency=emergency)
            if not job.await_end(_STOP_TIMEOUT_S):
                raise DeviceError("the rig was told to stop and is not at rest", hint="cut the motor power")
        if emergency:
            # Also where the job has ended by itself just before, and left nothing to be interrupted.
            self.keeper.kill_board()
        # Also of an earlier job, until the board is found again.
        if failures := self.rig.not_at_rest:
            raise DeviceError(
                f"the rig was told to stop, but {'; '.join(failures)}", hint="cut the motor power"
            )
        return job

    def reconnect(self) -> None:
        """Reset the board and find it anew.

        Raises:
            RigBusy: a job runs.
        """
        if (job := self.running) is not None:
            raise RigBusy(f"a job runs: {job.view().what}", hint="cancel it first")
        self.keeper.reconnect()

    @property
    def left_over(self) -> Interrupted | None:
        """What an earlier daemon did when it died, until that is gone on with, dismissed or overtaken."""
        return self._left

    def go_on(self) -> Job:
        """Go on with what was left over.

        Raises:
            NotFound: there is nothing.
            RigError: as `begin`.
        """
        left = self._left
        if left is None:
            raise NotFound("no job was cut short", hint="start one")
        return self.begin(request_to_go_on(left, self.config))

    def dismiss(self) -> None:
        """Forget what was left over."""
        with self._lock:
            if self.running is None:
                self._job_file.end()
            self._left = None
            self.tell_state()

    # Configuration.

    def reload_config(self) -> None:
        """Read rig.toml anew; the next job goes by it.

        Raises:
            BadInput: there is none.
            ConfigError: it cannot be used; what held before holds on.
        """
        if self.config_file is None:
            raise BadInput("there is no rig.toml", hint="write one with: rig init; then start rig serve anew")
        config = load_config(self.config_file)
        # Which rig it is was decided at the start.
        sim = config.sim.model_copy(update={"enabled": self._simulated})
        self.config = config.model_copy(update={"sim": sim})
        self.tell_state()

    def close(self) -> None:
        """Let everybody go who looks on."""
        self.events.close()
        self.live.close()
        self.library.close()

    # What is told.

    def _tell_job(self, view: JobView) -> None:
        self.events.tell("job", view.model_dump(mode="json"))

    def _tell_event(self, job: Job, event: JobEvent) -> None:
        self.events.tell("event", {"job": job.id, "event": to_wire(event)})
        for told in self.on_event:
            try:
                told(job, event)
            except Exception:  # noqa: BLE001 - whoever looks on does not end the job
                _log.exception("an event was not taken")

    def _tell_board(self, board: BoardView) -> None:
        self.tell_state()

    def note_position(self) -> None:
        """Tell everybody once where the table stands has become known or unknown; for one thread, and often.

        A reset, a stop or a lost line makes it so in the middle of whatever is done: nobody else would tell.
        """
        is_lost = self.rig.is_lost
        if is_lost != self._was_lost:
            self._was_lost = is_lost
            self.tell_state()

    def tell_state(self) -> None:
        """Have everybody look anew who shows how the rig is."""
        self.events.tell("state", {})

    def _tell_shot(self, shot: Shot) -> None:
        box = None if shot.box is None else [shot.box.x, shot.box.y, shot.box.width, shot.box.height]
        candidates = [{"label": label, "probability": probability} for label, probability in shot.candidates]
        self.events.tell_in_passing(
            "live",
            {
                "width_px": shot.width_px,
                "height_px": shot.height_px,
                "box": box,
                "candidates": candidates,
                "exposed_at": shot.exposed_at,
            },
        )
