"""Work spread over processes, which end with the one that began them, whatever ends that.

ProcessPoolExecutor alone leaves two gaps. Workers of a process that was killed wait for it for ever; and
Ctrl-C, which a terminal sends to all of them, ends each with a traceback of its own.
"""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from typing import TypeVar

from rig.errors import Interrupted, WorkerLost

Item = TypeVar("Item")
Result = TypeVar("Result")

# So many items a worker are handed out: one that is being worked on, and one to go on with.
_ITEMS_AHEAD = 2
# A terminal sends these to every process in it; the first one passes them on by closing the lifeline.
_OF_THE_TERMINAL = [getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]

_lifeline: Connection | None = None


def cores() -> int:
    """How many this process may use: a scheduler often grants less than the computer has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Generator[Result, None, None]:
    """Do the work on each item in `workers` processes; gives the results in the order of the items.

    Closing the iterator, or an error of one item, has the other workers end where they ask `check_wanted`.

    Args:
        work: a function of a module, as are its arguments, so that they can be sent to another process.

    Raises:
        WorkerLost: a worker was killed.
    """
    context = get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(theirs,))
    pending: deque[Future[Result]] = deque()
    try:
        for item in items:
            # Workers are started here, and inherit which signals wait.
            with left_to_the_parent():
                pending.append(pool.submit(work, item))
            if len(pending) >= workers * _ITEMS_AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except BrokenProcessPool as error:
        raise WorkerLost(
            "a worker process was killed, perhaps for want of memory",
            hint="run the same command again: it goes on where it stopped; fewer --workers need less memory",
        ) from error
    finally:
        ours.close()
        pool.shutdown(cancel_futures=True)
        theirs.close()


def check_wanted() -> None:
    """Called in a worker between two steps of its work.

    Raises:
        Interrupted: nobody waits for the result any more.
    """
    if _lifeline is not None and _lifeline.poll():
        raise Interrupted


def _begin(lifeline: Connection) -> None:
    global _lifeline
    _lifeline = lifeline
    import cv2  # not for whoever only asks how many cores there are

    # There is a worker for each core already.
    cv2.setNumThreads(1)
    end_with_parent()


def end_with_parent() -> None:
    """Called in a worker: from now on it ends with the process that started it, whatever ends that."""
    threading.Thread(target=_await_end_of_parent, daemon=True).start()


def _await_end_of_parent() -> None:
    parent = parent_process()
    assert parent is not None, "a worker was started by somebody"
    parent.join()
    os._exit(1)


@contextmanager
def left_to_the_parent() -> Iterator[None]:
    """Processes that start in the block never see what a terminal sends to all in it, such as Ctrl-C.

    Where the system can, those signals wait meanwhile.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _OF_THE_TERMINAL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
