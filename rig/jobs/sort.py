"""Sort parts into bins with a model, and sum up afterwards what the ledger says of the run."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

from rig.catalog import part_number
from rig.config import Config
from rig.devices.operator import Ask
from rig.inventory.lots import Lot
from rig.jobs.known_table import EmptyTableUnfit, knowing_the_table, table_stays
from rig.machine import OpenMachine
from rig.model import Bundle
from rig.opening import open_machine
from rig.shelf import folder_in_use
from rig.sorting.events import SortEvent
from rig.sorting.expected import recorded_lots
from rig.sorting.fates import fates_of, keep_fates
from rig.sorting.following import FollowedPass, PassRouting
from rig.sorting.ledger import Ledger, LedgerRow, RunId, new_run
from rig.sorting.looking import learn_table
from rig.sorting.model_in_use import LoadedModel, ModelInUse
from rig.sorting.planning import shortened
from rig.sorting.policy import Policy, policy_for
from rig.sorting.report import write_report
from rig.sorting.routing import Routing, read_routing
from rig.sorting.sorter import Sorter
from rig.sorting.summary import SortSummary, summarise
from rig.sorting.trouble import Troubles
from rig.sorting_config import SortingConfig
from rig.vision.classifier import Classifier


@dataclass(frozen=True)
class LeftUnfinished:
    """A part was under way when sorting was killed; it may lie on the table, or in the bin of its row.

    Attributes:
        ledger: the folder that its picture is below.
        report: the page of its run.
    """

    row: LedgerRow
    ledger: Path
    report: Path

    def __str__(self) -> str:
        row = self.row
        picture = f", {self.ledger / row.picture}" if row.picture else ""
        return (
            f"Run {row.run} was cut short at part {row.number} ({row.part or 'not recognised'}{picture}):"
            f" it may lie on the table, or in bin {row.bin}. Its page: {self.report}"
        )


@dataclass(frozen=True)
class TableLearned:
    """The empty table was pictured for this run: calibration has kept no picture that fits.

    Attributes:
        stays: it looks the same in the next run, so that calibration can keep it.
    """

    stays: bool

    def __str__(self) -> str:
        learned = "The empty table is learned for this run"
        return f"{learned}; rig calibrate camera keeps it for all" if self.stays else learned


@dataclass(frozen=True)
class SortStarted:
    """The rig is ready and the model is loaded.

    Attributes:
        remarks: on the pass that is followed and on the bins: what will never come there; whole sentences.
    """

    run: RunId
    model: str
    policy: Policy
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class SortFinished:
    """The run is over; `summary` was read back from the ledger, and `report` is the page of it."""

    run: RunId
    summary: SortSummary
    ledger: Path
    report: Path


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
    open_machine: OpenMachine = open_machine,
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
    routing, remarks = _routing(config, followed, labels)
    remarks += routing.remarks(labels)
    model = ModelInUse(
        bundle,
        (lambda: folder_in_use(config.paths.models)) if from_shelf else (lambda: bundle.folder),
        lambda bundle: _load(bundle, routing, config.sorting),
    )
    run = new_run()
    with (
        Ledger(config.ledger) as ledger,
        ExitStack() as afterwards,
        open_machine(config, ask=ask, seed=seed) as machine,
    ):
        # What is on its way while the run is stopped has come to lie when the rig is at rest.
        afterwards.callback(keep_fates, ledger, run, machine.operator, routing)
        for name in emptied:
            ledger.emptied(name)
        for row in ledger.close_unfinished():
            yield LeftUnfinished(row, ledger.folder, write_report(ledger.folder, row.run))
        troubles = Troubles(ledger, run)
        machine = yield from knowing_the_table(machine, config)
        if machine.empty_table is None:
            machine = replace(machine, empty_table=(yield from learn_table(machine, troubles)))
            yield TableLearned(table_stays(config))
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
        yield SortFinished(run, summary, config.ledger, write_report(config.ledger, run))


def _load(bundle: Bundle, routing: Routing, rules: SortingConfig) -> LoadedModel:
    """A model whose every label has a bin."""
    routing.check(bundle.card.labels)
    return LoadedModel(bundle, Classifier(bundle), policy_for(bundle.card, rules))


def _routing(
    config: Config, followed: FollowedPass | None, labels: Sequence[str]
) -> tuple[Routing, list[str]]:
    """The bins, and what of the lists that they name was left out."""
    reject_bin, return_bin = config.sorting.reject_bin, config.sorting.return_bin
    if followed is not None:
        return PassRouting(config.bins, reject_bin, followed, return_bin), _on_the_pass(followed, labels)

    def stock(left_out: frozenset[str]) -> list[Lot]:
        return recorded_lots(config.ledger, reject_bin, left_out)

    return read_routing(config.bins, reject_bin, return_bin, config.sorting.categories, stock)


def _on_the_pass(followed: FollowedPass, labels: Sequence[str]) -> list[str]:
    this = followed.this
    parts = "1 part" if this.parts == 1 else f"{this.parts} parts"
    remarks = [f"Pass {this.number} of {len(followed.plan.passes)}: feed {this.heap}, about {parts}."]
    if unplanned := followed.unplanned(labels):
        remarks.append(f"Parts that the plan has no place for are rejected: {shortened(unplanned)}.")
    return remarks
