"""Leaving the rig at rest: every step is taken, whatever ended the work and whatever the others met."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType, TracebackType
from typing import Protocol, Self

from rig.errors import MarlinHalted, RigError

CANCEL_SIGNALS: tuple[signal.Signals, ...] = tuple(
    # SIGHUP: the terminal was closed.
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if hasattr(signal, name)
)
# What `rig stop` sends; systems without them have no `rig stop`.
STOP_SIGNALS: tuple[signal.Signals, ...] = tuple(
    getattr(signal, name) for name in ("SIGUSR1",) if hasattr(signal, name)
)
KILL_SIGNALS: tuple[signal.Signals, ...] = tuple(
    getattr(signal, name) for name in ("SIGUSR2",) if hasattr(signal, name)
)


class Motion(Protocol):
    """What turns, and how it is stopped from a signal handler: both return as soon as that is on its way."""

    def stop_at_once(self) -> None:
        """Stop all motion."""
        ...

    def kill_at_once(self) -> None:
        """Kill the board: an emergency."""
        ...


@contextmanager
def leaving(
    steps: Mapping[str, Callable[[], None]], motion: Motion, confess: Callable[[str], None]
) -> Iterator[None]:
    """Take every step, whatever becomes of the others, when the block ends; no signal keeps one from it.

    The first Ctrl-C (SIGINT, SIGTERM) ends the block and lets the motion under way end. Another one stops it
    at once, and so does SIGUSR1; SIGUSR2 kills the board. What a step could not do is noted on the error that
    ended the block, and is the error where there is none.

    Args:
        steps: by what they do, in the order in which they are taken.
        motion: what a stop stops.
        confess: told of each step that could not be taken, in a clause: whoever asked for the stop wants to
            know, and may not see this process.
    """
    failures: list[tuple[str, RigError]] = []
    try:
        with _StopSignals(motion) as stop_signals:
            try:
                yield
            finally:
                stop_signals.held = True
                _take(steps, failures)
                # A board that was killed refuses everything else, as it was asked to.
                expected = MarlinHalted if stop_signals.killed else ()
                _confess([told for told in failures if not isinstance(told[1], expected)], confess)
    except GeneratorExit:
        # The end was asked for from outside (`close` of a job), and this exception never gets there.
        _raise_first(failures)
        raise
    except BaseException as error:
        _note(error, failures)
        raise
    _raise_first(failures)


def is_stoppable() -> bool:
    """Whether another Ctrl-C would stop at once what moves."""
    return bool(_guarded)


@contextmanager
def stoppable_elsewhere() -> Iterator[None]:
    """While the block runs, something moves that another process has put into motion for this one."""
    something = object()
    _guarded.append(something)
    try:
        yield
    finally:
        _guarded.remove(something)


@contextmanager
def signals_held() -> Iterator[None]:
    """Have whatever would end the block wait until it is over, and then come as it came."""
    came: list[int] = []
    with ExitStack() as stack:
        stack.callback(_raise_again, came)
        if threading.current_thread() is threading.main_thread():
            for number in (*CANCEL_SIGNALS, *STOP_SIGNALS, *KILL_SIGNALS):
                handler = signal.getsignal(number)
                # One that is ignored, or that kills at once, is left as it is.
                if callable(handler):
                    stack.callback(signal.signal, number, handler)
                    signal.signal(number, lambda number, frame: came.append(number))
        yield


def _raise_again(numbers: Sequence[int]) -> None:
    with ExitStack() as stack:
        # Each of them, whatever the others raise: one may end the work, another the whole process.
        for number in reversed(numbers):
            stack.callback(signal.raise_signal, number)


def _take(steps: Mapping[str, Callable[[], None]], failures: list[tuple[str, RigError]]) -> None:
    def attempt(deed: str, step: Callable[[], None]) -> None:
        try:
            step()
        except RigError as error:
            failures.append((deed, error))

    with ExitStack() as stack:
        for deed, step in reversed(list(steps.items())):
            stack.callback(attempt, deed, step)


def _confess(failures: Sequence[tuple[str, RigError]], confess: Callable[[str], None]) -> None:
    for deed, failure in failures:
        try:
            confess(_confession(deed, failure))
        except RigError as silenced:
            failure.add_note(f"could not tell that to rig stop: {silenced}")


def _note(error: BaseException, failures: list[tuple[str, RigError]]) -> None:
    for deed, failure in failures:
        is_known = failure is not error and str(failure) == str(error)
        error.add_note(f"could not {deed}, for the same reason" if is_known else _confession(deed, failure))


def _confession(deed: str, failure: RigError) -> str:
    return f"could not {deed}: {failure}"


def _raise_first(failures: list[tuple[str, RigError]]) -> None:
    if failures:
        first = failures[0][1]
        _note(first, failures)
        raise first


class _StopSignals:
    """The stop signals while something may move; once `held` is set, they end nothing before the block ends.

    Signals are not masked: a signal that the main thread masks goes to another thread, and Python runs its
    handler in the main thread all the same. For that reason, too, there is nothing to hold in other threads.
    """

    def __init__(self, motion: Motion) -> None:
        self.held = False
        self.killed = False
        self._motion = motion
        self._came = 0
        self._waiting: list[int] = []
        self._handlers: dict[int, Callable[[int, FrameType | None], object]] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (*CANCEL_SIGNALS, *STOP_SIGNALS, *KILL_SIGNALS):
                handler = signal.getsignal(number)
                # One that is ignored, or that kills at once, is left as it is.
                if callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self._handle)
            _guarded.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self in _guarded:
            _guarded.remove(self)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        _raise_again(self._waiting)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._came += 1
        if number in KILL_SIGNALS:
            self.killed = True
            self._motion.kill_at_once()
        elif number in STOP_SIGNALS or self._came > 1:
            self._motion.stop_at_once()
        # The first one ends the block; what comes while it is on its way out is not to cut that short.
        if self.held or self._came > 1:
            self._waiting.append(number)
        else:
            self._handlers[number](number, frame)


_guarded: list[object] = []
