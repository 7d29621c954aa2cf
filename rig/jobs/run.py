"""Runs what a request asks for: the one way from plain values to a job, for command line and daemon alike."""

import secrets
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from rig.calibration.camera import CameraEvent, CameraMeasured, CameraWish
from rig.calibration.light import Shutter
from rig.calibration.settle import SettleEvent
from rig.calibration.table import TableEvent
from rig.capture.batch import Batch, BatchEvent, BatchRow, Choice, begin_batch, latest_open_batch
from rig.capture.order import Order
from rig.capture.parts_list import parse_parts_list
from rig.capture.plan import CapturePlan, is_open, latest_open_plan, open_plan, open_sessions
from rig.config import Config
from rig.config_file import set_values
from rig.errors import BadInput, CaptureStopped, StorageError, TableStalled
from rig.jobs.calibrate import calibrate_camera_job, calibrate_settle_job, calibrate_table_job
from rig.jobs.capture import batch_job, capture_job
from rig.jobs.known_table import EmptyTableUnfit
from rig.jobs.person import Person
from rig.jobs.requests import (
    BatchRequest,
    CalibrateCameraRequest,
    CalibrateTurnRequest,
    CaptureRequest,
    JobRequest,
    ResumeRequest,
    SortRequest,
)
from rig.jobs.sort import SortJobEvent, SortStarted, sort_job
from rig.machine import OpenMachine
from rig.opening import open_machine
from rig.shelf import default_bundle, find_bundle
from rig.sorting.following import FollowedPass, follow
from rig.sorting.plan_file import parse_plan
from rig.sorting.report import write_report


@dataclass(frozen=True)
class CaptureStarted:
    """A session begins, or goes on.

    Attributes:
        folder: where its pictures go.
        goes_on: it was begun earlier.
    """

    plan: CapturePlan
    folder: Path
    goes_on: bool


@dataclass(frozen=True)
class BatchStarted:
    """A list of parts begins, or goes on.

    Attributes:
        captures: the folder of all class folders.
    """

    batch: Batch
    captures: Path


@dataclass(frozen=True)
class SettingsWritten:
    """What calibration found stands in rig.toml now."""

    path: Path


Beginning = CaptureStarted | BatchStarted | SortStarted
"""Says what of a job would be left to go on with."""

JobEvent = (
    CaptureStarted
    | BatchStarted
    | BatchEvent
    | EmptyTableUnfit
    | SortJobEvent
    | TableEvent
    | SettleEvent
    | CameraEvent
    | SettingsWritten
)


@dataclass(frozen=True)
class Workplace:
    """Where jobs run.

    Attributes:
        config: of the rig.
        config_file: where it came from; None where there is no rig.toml, or none that a job may change.
        open_machine: how a job gets at the machine.
    """

    config: Config
    config_file: Path | None = None
    open_machine: OpenMachine = open_machine


def run(request: JobRequest, place: Workplace, person: Person) -> Generator[JobEvent, None, None]:
    """Do what `request` asks for.

    Closing the iterator leaves the rig at rest. What is on disk then is whole, and can be gone on with.

    Raises:
        RigError: as the jobs do.
    """
    match request:
        case CaptureRequest():
            yield from _capture(_new_plan(request, place.config), place, person, goes_on=False)
        case BatchRequest():
            yield from _batch(_begin(request, place.config), place, person)
        case ResumeRequest():
            yield from _resume(request, place, person)
        case SortRequest():
            yield from _sort(request, place, person)
        case CalibrateTurnRequest():
            yield from _calibrate_turn(request, place, person)
        case CalibrateCameraRequest():
            yield from _calibrate_camera(request, place, person)


def what_is_kept(begun: Beginning, config: Config) -> str | None:
    """What somebody should know of a job that was stopped; None where nothing is kept."""
    match begun:
        case CaptureStarted() if is_open(begun.plan, config.paths.captures):
            return "what was taken is kept; complete the session with: rig capture --resume"
        case BatchStarted() if begun.batch.path(begun.captures).exists():
            return "what was taken is kept; go on with the list with: rig capture --resume"
        case SortStarted():
            return f"what was sorted is on record: {_record_of(begun, config)}"
    return None


def _record_of(begun: SortStarted, config: Config) -> str:
    """Where to read about a run that was stopped; on a full disk there is no page of it."""
    try:
        return str(write_report(config.ledger, begun.run))
    except StorageError:
        return f"{config.ledger / 'ledger.sqlite3'}, run {begun.run}"


def _new_plan(request: CaptureRequest, config: Config) -> CapturePlan:
    order = Order(
        part=request.part,
        steps=request.steps,
        poses=max(request.poses, len(request.pose_names)),
        colour=request.colour,
        pose_names=request.pose_names,
        physical_part=request.physical_part,
        is_round=request.is_round,
    )
    return order.plan(
        microsteps_per_turn=config.turntable.microsteps_per_turn,
        source="simulated" if config.sim.enabled else "camera",
        seed=config.sim.seed,
        sweep=request.sweep,
    )


def _capture(
    plan: CapturePlan, place: Workplace, person: Person, *, goes_on: bool
) -> Generator[JobEvent, None, None]:
    yield CaptureStarted(plan, place.config.paths.captures / plan.part, goes_on)
    yield from capture_job(place.config, plan, person.ask, place.open_machine)


def _begin(request: BatchRequest, config: Config) -> Batch:
    """Read a list, all of it checked, and go on with its batch if that was interrupted."""

    def check(order: Order) -> None:
        microsteps = config.turntable.microsteps_per_turn
        order.plan(microsteps_per_turn=microsteps, source="camera", seed=0, sweep=request.sweep)

    parts = parse_parts_list(request.table, request.source, check, steps=request.steps, poses=request.poses)
    return begin_batch(request.source, parts, config.paths.captures, _seed(config), sweep=request.sweep)


def _batch(batch: Batch, place: Workplace, person: Person) -> Generator[JobEvent, None, None]:
    def decide(row: BatchRow, stop: CaptureStopped) -> Choice:
        """Where there is nobody, a part that cannot be captured does not hold up the rest."""
        if person.somebody_is_there:
            what = f"Line {row.line}, part {row.order.part}: {stop.what}. To mend it, {stop.hint}. What now?"
            return Choice(person.choose(what, [choice.value for choice in Choice]))
        # No other part would turn, either.
        return Choice.STOP if isinstance(stop, TableStalled) else Choice.SKIP

    yield BatchStarted(batch, place.config.paths.captures)
    yield from batch_job(place.config, batch, person.ask, decide, place.open_machine)


def _resume(request: ResumeRequest, place: Workplace, person: Person) -> Generator[JobEvent, None, None]:
    captures = place.config.paths.captures
    if request.session:
        if request.session not in open_sessions(captures):
            raise BadInput(f"there is no unfinished session {request.session}", hint="start one")
        yield from _capture(open_plan(request.session, captures), place, person, goes_on=True)
    elif batch := latest_open_batch(captures):
        yield from _batch(batch, place, person)
    else:
        yield from _capture(latest_open_plan(captures), place, person, goes_on=True)


def _sort(request: SortRequest, place: Workplace, person: Person) -> Generator[JobEvent, None, None]:
    config = place.config
    models = config.paths.models
    bundle = find_bundle(models, request.model) if request.model else default_bundle(models)
    known = [bin_.name for bin_ in config.bins]
    if strange := [name for name in request.emptied if name not in known]:
        raise BadInput(f"there is no bin {strange[0]}", hint=f"there are: {', '.join(known)}")
    yield from sort_job(
        config,
        bundle,
        request.count,
        _seed(config),
        person.ask,
        _followed(request),
        from_shelf=not request.model,
        emptied=request.emptied,
        open_machine=place.open_machine,
    )


def _followed(request: SortRequest) -> FollowedPass | None:
    if request.follow is None:
        return None
    name = request.follow.name
    return follow(Path(name), parse_plan(request.follow.plan, name), request.follow.number)


def _calibrate_turn(
    request: CalibrateTurnRequest, place: Workplace, person: Person
) -> Generator[JobEvent, None, None]:
    config = place.config
    measure = calibrate_table_job if request.kind == "calibrate_table" else calibrate_settle_job
    folder = Path(request.folder) if request.folder else config.paths.calibration
    yield from measure(config, folder, request.example, _seed(config), person.ask, place.open_machine)


def _calibrate_camera(
    request: CalibrateCameraRequest, place: Workplace, person: Person
) -> Generator[JobEvent, None, None]:
    flicker_us = None if request.mains_hz is None else 1e6 / (2 * request.mains_hz)
    shutter = Shutter(request.longest_ms * 1000, flicker_us)
    wish = CameraWish(request.reference, shutter, request.example)
    seed = _seed(place.config)
    for event in calibrate_camera_job(place.config, wish, seed, person.ask, place.open_machine):
        # Told before it is written: what was found is not lost to a file that cannot be written.
        yield event
        if isinstance(event, CameraMeasured) and request.write and place.config_file is not None:
            set_values(place.config_file, "camera", event.settings)
            yield SettingsWritten(place.config_file)


def _seed(config: Config) -> int:
    return secrets.randbits(62) if config.sim.seed is None else config.sim.seed
