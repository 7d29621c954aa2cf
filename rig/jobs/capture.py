"""Take the pictures of a part, or of a list of parts."""

from collections.abc import Generator

from rig.capture.batch import Batch, BatchEvent, BatchRow, Decide, run_batch
from rig.capture.plan import CapturePlan
from rig.capture.session import CaptureEvent, run_capture
from rig.config import Config
from rig.dataset.store import DatasetStore
from rig.devices.operator import Ask
from rig.errors import BadInput
from rig.jobs.known_table import EmptyTableUnfit, knowing_the_table
from rig.machine import Machine, OpenMachine
from rig.opening import open_machine


def capture_job(
    config: Config, plan: CapturePlan, ask: Ask, open_machine: OpenMachine = open_machine
) -> Generator[CaptureEvent | EmptyTableUnfit, None, None]:
    """Take the views of `plan` that are missing in the configured captures folder.

    Raises:
        BadInput: the plan was made for another kind of rig, or this one cannot sweep.
        RigError: as `open_machine` and `run_capture` do.
    """
    if plan.sweep:
        config = config.for_sweep()
    store = DatasetStore(config.paths.captures)
    with open_machine(config, ask=ask, seed=plan.seed) as machine:
        _require_its_own_rig(plan, machine, config)
        machine = yield from knowing_the_table(machine, config)
        yield from run_capture(machine, plan, store)


def batch_job(
    config: Config, batch: Batch, ask: Ask, decide: Decide, open_machine: OpenMachine = open_machine
) -> Generator[BatchEvent | EmptyTableUnfit, None, None]:
    """Capture the rows of a batch that are not done yet, all with the rig opened once.

    Args:
        decide: says what to do about a part that cannot be captured.

    Raises:
        BadInput: a row orders what there is not, which is found before the first is captured; or a session
            was begun on another kind of rig.
        RigError: as `open_machine` and `run_batch` do.
    """
    store = DatasetStore(config.paths.captures)
    if batch.sweep:
        config = config.for_sweep()
    with open_machine(config, ask=ask, seed=batch.seed) as machine:

        def plan(row: BatchRow) -> CapturePlan:
            microsteps = config.turntable.microsteps_per_turn
            seed = batch.seed + row.line
            return row.order.plan(
                microsteps_per_turn=microsteps, source=machine.source, seed=seed, sweep=batch.sweep
            )

        def capture(plan: CapturePlan) -> Generator[CaptureEvent, None, None]:
            _require_its_own_rig(plan, machine, config)
            return run_capture(machine, plan, store)

        for row in batch.rows:
            try:
                machine.operator.check(plan(row).subject)
            except BadInput as error:
                raise BadInput(f"{batch.source}, line {row.line}: {error.what}", hint=error.hint) from error
        machine = yield from knowing_the_table(machine, config)
        yield from run_batch(batch, store, plan, capture, decide)


def _require_its_own_rig(plan: CapturePlan, machine: Machine, config: Config) -> None:
    if (plan.source, plan.microsteps_per_turn) != (machine.source, config.turntable.microsteps_per_turn):
        raise BadInput(
            f"session {plan.session} was begun on another rig (source {plan.source},"
            f" {plan.microsteps_per_turn} microsteps a turn)",
            hint="complete it with the configuration it was begun with",
        )
