"""Jobs of the machine: capture, sort and calibrate, as the command line and (later) the daemon run them.

A job is an iterator of typed events. Between two events the machine stands still, or a sweep turns on for
about a second, so that is where a job is paused (no event is asked for), cancelled (`close`), or goes on.
Closing it leaves the rig at rest: actuator in its rest position, light off, motors released.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from rig.calibration.camera import CameraEvent, CameraWish, measure_camera
from rig.calibration.settle import SettleEvent, measure_settling
from rig.calibration.table import TableEvent, measure_table
from rig.capture.batch import Batch, BatchEvent, BatchRow, Decide, run_batch
from rig.capture.plan import CapturePlan
from rig.capture.session import CaptureEvent, run_capture
from rig.catalog import PartNumber, part_number
from rig.config import Config
from rig.dataset.store import DatasetStore
from rig.errors import BadInput
from rig.inventory.lots import Lot
from rig.machine import Machine, empty_table_path, open_machine
from rig.model import Bundle
from rig.shelf import folder_in_use
from rig.sorting.events import SortEvent
from rig.sorting.expected import recorded_lots
from rig.sorting.fates import fates_of, keep_fates
from rig.sorting.following import FollowedPass, PassRouting
from rig.sorting.ledger import Ledger, LedgerRow, RunId, new_run
from rig.sorting.looking import learn_table
from rig.sorting.model_in_use import LoadedModel, ModelInUse
from rig.sorting.policy import Policy, policy_for
from rig.sorting.routing import Routing, read_routing
from rig.sorting.sorter import Sorter
from rig.sorting.summary import SortSummary, summarise
from rig.sorting.trouble import Troubles
from rig.sorting_config import SortingConfig
from rig.vision.classifier import Classifier
from rig.vision.locate import locate
from rig.vision.table import read_empty_table

Ask = Callable[[str], None]


@dataclass(frozen=True)
class EmptyTableUnfit:
    """The picture of the empty table is of another lamp, camera place or exposure, and is not used."""

    picture: Path

    def __str__(self) -> str:
        return (
            f"{self.picture} no longer shows this table and is not used: rig calibrate camera takes it anew"
        )


def _knowing_the_table(machine: Machine, config: Config) -> Generator[EmptyTableUnfit, None, Machine]:
    """The machine with the picture of its empty table, where calibration has kept one that fits.

    Raises:
        DatasetError: the picture is damaged.
    """
    path = empty_table_path(config.paths.calibration, machine.source)
    empty = read_empty_table(path)
    if empty is None or empty.fits(machine.look().image):
        return replace(machine, empty_table=empty)
    yield EmptyTableUnfit(path)
    return machine


def capture_job(
    config: Config, plan: CapturePlan, ask: Ask
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
        machine = yield from _knowing_the_table(machine, config)
        yield from run_capture(machine, plan, store)


def batch_job(
    config: Config, batch: Batch, ask: Ask, decide: Decide
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
        machine = yield from _knowing_the_table(machine, config)
        yield from run_batch(batch, store, plan, capture, decide)


def _require_its_own_rig(plan: CapturePlan, machine: Machine, config: Config) -> None:
    if (plan.source, plan.microsteps_per_turn) != (machine.source, config.turntable.microsteps_per_turn):
        raise BadInput(
            f"session {plan.session} was begun on another rig (source {plan.source},"
            f" {plan.microsteps_per_turn} microsteps a turn)",
            hint="complete it with the configuration it was begun with",
        )


@dataclass(frozen=True)
class LeftUnfinished:
    """A part was under way when sorting was killed; it may lie on the table, or in the bin of its row.

    Attributes:
        ledger: the folder that its picture is below.
    """

    row: LedgerRow
    ledger: Path

    def __str__(self) -> str:
        row = self.row
        picture = f", {self.ledger / row.picture}" if row.picture else ""
        return (
            f"Run {row.run} was cut short at part {row.number} ({row.part or 'not recognised'}{picture}):"
            f" it may lie on the table, or in bin {row.bin}"
        )


@dataclass(frozen=True)
class TableLearned:
    """The empty table was pictured for this run: calibration has kept no picture that fits."""

    def __str__(self) -> str:
        return "The empty table is learned for this run; rig calibrate camera keeps it for all"


@dataclass(frozen=True)
class SortStarted:
    """The rig is ready and the model is loaded.

    Attributes:
        remarks: on the bins: what will never come there; whole sentences.
    """

    run: RunId
    model: str
    policy: Policy
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class SortFinished:
    """The run is over; `summary` was read back from the ledger."""

    run: RunId
    summary: SortSummary
    ledger: Path


SortJobEvent = EmptyTableUnfit | LeftUnfinished | TableLearned | SortStarted | SortEvent | SortFinished


def sort_job(
    config: Config,
    bundle: Bundle,
    count: int,
    seed: int,
    ask: Ask,
    followed: FollowedPass | None = None,
    *,
    from_shelf: bool = False,
    emptied: Sequence[str] = (),
) -> Generator[SortJobEvent, None, None]:
    """Sort up to `count` parts with a model bundle.

    A bundle that is written anew in its place is taken up at the next part.

    Args:
        followed: the pass of a plan that says which part goes into which bin, in place of rig.toml.
        from_shelf: the bundle is the one in use; another that is made that one is taken up likewise.
        emptied: names of bins that somebody has emptied.

    Raises:
        ConfigError: a label of the model has no bin; the bins name a category that there is not; the plan
            needs a bin or a label that there is not; or the target error cannot be met.
        RigError: as `open_machine` and `Sorter.sort` do.
    """
    labels = bundle.card.labels
    routing, remarks = _routing(config, followed)
    remarks += routing.remarks(labels)
    model = ModelInUse(
        bundle,
        (lambda: folder_in_use(config.paths.models)) if from_shelf else (lambda: bundle.folder),
        lambda bundle: _load(bundle, routing, config.sorting),
    )
    run = new_run()
    with (
        Ledger(config.paths.ledger) as ledger,
        ExitStack() as afterwards,
        open_machine(config, ask=ask, seed=seed) as machine,
    ):
        # What is on its way while the run is stopped has come to lie when the rig is at rest.
        afterwards.callback(keep_fates, ledger, run, machine.operator, routing)
        for name in emptied:
            ledger.emptied(name)
        for row in ledger.close_unfinished():
            yield LeftUnfinished(row, ledger.folder)
        troubles = Troubles(ledger, run)
        machine = yield from _knowing_the_table(machine, config)
        if machine.empty_table is None:
            machine = replace(machine, empty_table=(yield from learn_table(machine, troubles)))
            yield TableLearned()
        if followed is not None:
            ledger.keep_pass(run, followed.path, followed.this.number)
        yield SortStarted(run, bundle.name, model.now.policy, tuple(remarks))
        machine.operator.pour(
            [part_number(label) for label in labels if followed is None or label in followed.fed]
        )
        sorter = Sorter(machine, model, routing, config.sorting, ledger, run, troubles)
        started_s = machine.clock.monotonic()
        with closing(sorter.sort(count)) as events:
            for event in events:
                keep_fates(ledger, run, machine.operator, routing)
                yield event
        elapsed_s = machine.clock.monotonic() - started_s
        summary = summarise(ledger.rows(run), fates_of(ledger, run), ledger.troubles(run), elapsed_s)
        yield SortFinished(run, summary, config.paths.ledger)


def _load(bundle: Bundle, routing: Routing, rules: SortingConfig) -> LoadedModel:
    """A model whose every label has a bin."""
    routing.check(bundle.card.labels)
    return LoadedModel(bundle, Classifier(bundle), policy_for(bundle.card, rules))


def _routing(config: Config, followed: FollowedPass | None) -> tuple[Routing, list[str]]:
    """The bins, and what of the lists that they name was left out."""
    reject_bin, return_bin = config.sorting.reject_bin, config.sorting.return_bin
    if followed is not None:
        return PassRouting(config.bins, reject_bin, followed, return_bin), []

    def stock(left_out: frozenset[str]) -> list[Lot]:
        return recorded_lots(config.paths.ledger, left_out | {reject_bin})

    return read_routing(config.bins, reject_bin, return_bin, config.sorting.categories, stock)


def calibrate_table_job(
    config: Config, folder: Path, example: PartNumber, seed: int, ask: Ask
) -> Generator[TableEvent, None, None]:
    """Measure how far the table really turns, with whatever lies on it, and draw that into `folder`.

    Args:
        example: what to lay on the table if it is empty.

    Raises:
        RigError: as `open_machine` and `measure_table` do.
    """
    with open_machine(config, ask=ask, seed=seed) as machine:
        _have_something_on_the_table(machine, example)
        yield from measure_table(machine, config.turntable, folder)


def calibrate_settle_job(
    config: Config, folder: Path, example: PartNumber, seed: int, ask: Ask
) -> Generator[SettleEvent, None, None]:
    """Measure how long the picture moves on after the table has stopped; arguments as `calibrate_table_job`.

    Raises:
        RigError: as `open_machine` and `measure_settling` do.
    """
    with open_machine(config, ask=ask, seed=seed) as machine:
        _have_something_on_the_table(machine, example)
        yield from measure_settling(machine, folder)


def calibrate_camera_job(
    config: Config, wish: CameraWish, seed: int, ask: Ask
) -> Generator[CameraEvent, None, None]:
    """Find exposure, white balance and focus, and keep a picture of the empty table.

    Raises:
        RigError: as `open_machine` and `measure_camera` do.
    """
    with open_machine(config, ask=ask, seed=seed) as machine:
        yield from measure_camera(machine, config.camera, wish, config.paths.calibration)


def _have_something_on_the_table(machine: Machine, example: PartNumber) -> None:
    if locate(machine.look().image) is None:
        machine.operator.lay_mark(example)
