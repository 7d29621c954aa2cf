"""The networks of a run, fitted by several processes at once.

TensorFlow's threads keep two cores busy with one small network and are hardly faster than one core alone, so
a core for each network is worth nearly twice as much. A process leaves behind the state of its network, which
whoever converts it goes on from, as after a kill: there is nothing left to fit then.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

import cv2

from rig.errors import RigError, WorkerLost
from rig.workers import end_with_parent, left_to_the_parent
from training.backend import tf
from training.choices.recipe import Recipe
from training.events import Emit, Fitting, TrainEvent
from training.fitting.fit import fit
from training.pictures.data import Crops
from training.pictures.split import Stage
from training.pictures.withheld import taught
from training.progress import Progress


@dataclass(frozen=True)
class Order:
    """A network that a process shall fit.

    Attributes:
        stage: its name, its number, and the groups that it sees.
        state, checkpoint: as for `fit`.
        threads: so many cores are there for it.
    """

    stage: Stage
    recipe: Recipe
    seed: int
    state: Path
    checkpoint: Path
    threads: int


@dataclass(frozen=True)
class _Worked:
    """So much work is done, or `skipped`: it need not be done."""

    work: float
    skipped: bool


_Word = _Worked | TrainEvent | RigError


def fit_side_by_side(
    crops: Crops, orders: Sequence[Order], jobs: int, progress: Progress, emit: Emit
) -> None:
    """Fit networks in `jobs` processes; returns when the state of each stands on disk, complete.

    However it ends, no process is left. What each has done up to its last whole epoch is on disk.

    Args:
        progress: of the whole run.

    Raises:
        RigError: what the first network that cannot be fitted met; see `fit`.
        WorkerLost: a process was killed.
    """
    context = get_context("spawn")
    waiting, running = deque(orders), dict[Connection, SpawnProcess]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(crops, waiting.popleft(), theirs))
                with left_to_the_parent():
                    process.start()
                theirs.close()
                running[ours] = process
            for ready in wait(list(running)):
                assert isinstance(ready, Connection), "nothing else is waited for"
                if not _hear(ready, progress, emit):
                    _require_done(running.pop(ready))
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.join()


def _hear(connection: Connection, progress: Progress, emit: Emit) -> bool:
    """Take what a process says next; False when it will say no more."""
    try:
        word: _Word = connection.recv()
    except EOFError:
        connection.close()
        return False
    match word:
        case RigError():
            raise word
        case _Worked(work, skipped):
            (progress.skip if skipped else progress.advance)(work)
        case Fitting():
            emit(replace(word, share_done=progress.share_done, seconds_left=progress.seconds_left))
        case _:
            emit(word)
    return True


def _require_done(process: SpawnProcess) -> None:
    process.join()
    if process.exitcode:
        raise WorkerLost(
            "a process that fitted a network was killed, perhaps for want of memory",
            hint="go on with: rig train --resume; if it happens again, train anew with --jobs 1",
        )


class _Relayed(Progress):
    """Tells the process that began this one."""

    def __init__(self, tell: Callable[[_Word], None]) -> None:
        super().__init__(1.0)
        self._tell = tell

    def advance(self, work: float) -> None:
        self._tell(_Worked(work, skipped=False))

    def skip(self, work: float) -> None:
        self._tell(_Worked(work, skipped=True))


def _work(crops: Crops, order: Order, connection: Connection) -> None:
    """What a process does."""
    end_with_parent()
    tf.config.threading.set_intra_op_parallelism_threads(order.threads)
    tf.config.threading.set_inter_op_parallelism_threads(order.threads)
    cv2.setNumThreads(order.threads)
    partition = order.stage.partition
    try:
        fit(
            crops,
            taught(crops, partition),
            crops.in_groups(partition.validated),
            order.recipe,
            stage=order.stage.name,
            seed=order.seed,
            state=order.state,
            checkpoint=order.checkpoint,
            progress=_Relayed(connection.send),
            emit=connection.send,
        )
    except RigError as error:
        connection.send(error)
    connection.close()
