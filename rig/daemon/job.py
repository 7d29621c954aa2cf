"""One job of the daemon: what it is doing, as anybody may see it, and what anybody may tell it."""

import queue
import secrets
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from rig.daemon.problems import Problem
from rig.errors import AnsweredAlready, BadInput
from rig.jobs.person import nobody_to_ask
from rig.jobs.progress import Progress
from rig.jobs.requests import JobRequest
from rig.jobs.run import Beginning, JobEvent


class JobState(StrEnum):
    """How a job stands."""

    RUNNING = "running"
    PAUSED = "paused"
    """Between two events: the motors hold, the lamp is on, valves are closed."""
    WAITING = "waiting"
    """For a person, who is asked something."""
    CANCELLING = "cancelling"
    """The move under way ends, then the rig is put at rest."""
    STOPPING = "stopping"
    """Motion was stopped at once, and the rig is put at rest."""
    FINISHED = "finished"
    CANCELLED = "cancelled"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether it has ended, and the rig is at rest."""
        return self in (JobState.FINISHED, JobState.CANCELLED, JobState.STOPPED, JobState.FAILED)

    @property
    def is_ending(self) -> bool:
        """Whether it was told to end."""
        return self in (JobState.CANCELLING, JobState.STOPPING)


class Question(BaseModel):
    """What somebody is asked.

    Attributes:
        answers: one of which is to be chosen; none where the sentence only has to be done.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    sentence: str
    answers: tuple[str, ...]


class JobView(BaseModel):
    """A job as everybody sees it.

    Attributes:
        request: what it is to do, without the text of a list or a plan: it is told anew at each step.
        first_event: the id of the event before its first one.
        done, total: how far it is, in steps of its own; None where nobody knows.
        what: it is doing, a sentence without a full stop.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    request: dict[str, Any]
    state: JobState
    started_at: str
    ended_at: str | None
    done: int | None
    total: int | None
    what: str
    question: Question | None
    problem: Problem | None
    first_event: str


class Job:
    """A job that is run by the thread that owns the rig; all other threads may look, answer and pause.

    Args:
        request: what it is to do.
        first_event: the id of the latest event before it.
        tell: told whenever something changed that can be seen.
    """

    def __init__(self, request: JobRequest, first_event: str, tell: Callable[[JobView], None]) -> None:
        self.id = secrets.token_hex(6)
        self.request = request
        self.begun: Beginning | None = None
        self._first_event = first_event
        self._tell = tell
        self._lock = threading.RLock()
        self._has_ended = threading.Event()
        self._goes_on = threading.Event()
        self._goes_on.set()
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._state = JobState.RUNNING
        self._started_at = _now()
        self._ended_at: str | None = None
        self._progress = Progress()
        self._question: Question | None = None
        self._problem: Problem | None = None

    @property
    def state(self) -> JobState:
        """How it stands."""
        # Without the lock: a signal handler asks, too, and may not wait for anybody.
        return self._state

    def view(self) -> JobView:
        """All that can be seen of it now."""
        with self._lock:
            return JobView(
                id=self.id,
                kind=self.request.kind,
                request=self.request.in_short(),
                state=self._state,
                started_at=self._started_at,
                ended_at=self._ended_at,
                done=self._progress.done,
                total=self._progress.total,
                what=self._progress.what,
                question=self._question,
                problem=self._problem,
                first_event=self._first_event,
            )

    # For the thread that runs it.

    def follow(self, event: JobEvent) -> None:
        """Take note of an event."""
        with self._lock:
            if isinstance(event, Beginning):
                self.begun = event
            progress = self._progress.after(event)
            if progress != self._progress:
                self._progress = progress
                self._tell(self.view())

    def wait_while_paused(self) -> None:
        """Return once it may go on."""
        self._goes_on.wait()

    @property
    def somebody_is_there(self) -> bool:
        """Whether anybody can be asked."""
        return self.request.attended

    def ask(self, sentence: str) -> None:
        """As `Person.ask`: whoever looks at the page, or at the command that began it, may see to it."""
        if not self.somebody_is_there:
            raise nobody_to_ask(sentence)
        self._await_answer(sentence, ())

    def choose(self, question: str, answers: Sequence[str]) -> str:
        """As `Person.choose`."""
        return self._await_answer(question, tuple(answers))

    def end(self, state: JobState, problem: Problem | None = None) -> None:
        """It is over, and the rig is at rest."""
        with self._lock:
            self._state, self._problem, self._question = state, problem, None
            self._ended_at = _now()
            self._tell(self.view())
        self._has_ended.set()

    # For everybody else.

    def pause(self) -> None:
        """Have it stand still before its next event; after the answer where it waits for one."""
        with self._lock:
            if self._state in (JobState.RUNNING, JobState.WAITING):
                self._goes_on.clear()
            if self._state is JobState.RUNNING:
                self._change(JobState.PAUSED)

    def go_on(self) -> None:
        """Have it go on after a pause."""
        with self._lock:
            if self._state is JobState.PAUSED:
                self._change(JobState.RUNNING)
            self._goes_on.set()

    def answer(self, question_id: str, answer: str) -> None:
        """Answer what it asks; the first answer counts.

        Raises:
            AnsweredAlready: it does not ask that any more.
            BadInput: it asks that, and takes no such answer.
        """
        with self._lock:
            question = self._question
            if question is None or question.id != question_id:
                raise AnsweredAlready("that question is not asked any more", hint="look at the job anew")
            if question.answers and answer not in question.answers:
                raise BadInput(f"{answer!r} is no answer to it", hint=f"such as {question.answers[0]!r}")
            self._question = None
            # It may have been paused on its way to the question, or since.
            self._change(JobState.RUNNING if self._goes_on.is_set() else JobState.PAUSED)
            self._answers.put(answer)

    def begin_to_end(self, state: JobState, tell_its_thread: Callable[[], None]) -> None:
        """Note that it was told to end; nothing where it is over.

        Args:
            tell_its_thread: called before the job can be over and another begin, so that what is meant for
                this one never reaches that. Not again where somebody has said the same before, unless it is a
                stop: of these each counts.
        """
        with self._lock:
            if self._state.is_over or self._state is state is JobState.CANCELLING:
                return
            if self._state is JobState.STOPPING and state is JobState.CANCELLING:
                return
            if self._state is not state:
                # Nobody needs to answer any more.
                self._question = None
                self._change(state)
            tell_its_thread()

    def await_end(self, timeout_s: float) -> bool:
        """Wait until it is over, and the rig at rest; False if it is not in time."""
        return self._has_ended.wait(timeout_s)

    def _await_answer(self, sentence: str, answers: tuple[str, ...]) -> str:
        with self._lock:
            # One that was told to end is about to be told so here.
            if not self._state.is_ending:
                self._question = Question(id=secrets.token_hex(4), sentence=sentence, answers=answers)
                self._change(JobState.WAITING)
        return self._answers.get()

    def _change(self, state: JobState) -> None:
        self._state = state
        self._tell(self.view())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
