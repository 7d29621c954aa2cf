"""Leaving the rig at rest: every step is taken, whatever ended the work and whatever the others met."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import FrameType, TracebackType
from typing import Self

from rig.errors import RigError


@contextmanager
def leaving(steps: Mapping[str, Callable[[], None]]) -> Iterator[None]:
    """Take every step, whatever becomes of the others, when the block ends; no signal stops them.

    What a step could not do is noted on the error that ended the block, and is the error where there is none.

    Args:
        steps: by what they do, in the order in which they are taken.
    """
    failures: list[tuple[str, RigError]] = []
    try:
        with _StopSignals() as stop_signals:
            try:
                yield
            finally:
                stop_signals.held = True
                _take(steps, failures)
    except GeneratorExit:
        # The end was asked for from outside (`close` of a job), and this exception never gets there.
        _raise_first(failures)
        raise
    except BaseException as error:
        _note(error, failures)
        raise
    _raise_first(failures)


def _take(steps: Mapping[str, Callable[[], None]], failures: list[tuple[str, RigError]]) -> None:
    def attempt(deed: str, step: Callable[[], None]) -> None:
        try:
            step()
        except RigError as error:
            failures.append((deed, error))

    with ExitStack() as stack:
        for deed, step in reversed(list(steps.items())):
            stack.callback(attempt, deed, step)


def _note(error: BaseException, failures: list[tuple[str, RigError]]) -> None:
    for deed, failure in failures:
        error.add_note(f"could not {deed}: {failure.what}")


def _raise_first(failures: list[tuple[str, RigError]]) -> None:
    if failures:
        first = failures[0][1]
        _note(first, failures)
        raise first


class _StopSignals:
    """Ctrl-C and SIGTERM: once `held` is set they wait, and one that came is raised when the block ends.

    Signals are not masked: a signal that the main thread masks goes to another thread, and Python runs its
    handler in the main thread all the same. For that reason, too, there is nothing to hold in other threads.
    """

    def __init__(self) -> None:
        self.held = False
        self._waiting: list[int] = []
        self._handlers: dict[int, Callable[[int, FrameType | None], object]] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                handler = signal.getsignal(number)
                # One that is ignored, or that kills at once, is left as it is.
                if callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._waiting:
            signal.raise_signal(self._waiting[0])

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.held:
            self._waiting.append(number)
        else:
            self._handlers[number](number, frame)
