"""Where sweeps are kept: a database that several processes, and with PostgreSQL several machines, work on."""

import os
import socket
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import optuna
from optuna.trial import TrialState
from sqlalchemy import create_engine, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from rig.errors import BadInput, MissingPackage, StorageError
from rig.files import is_running, locked_folder, storage_errors

optuna.logging.set_verbosity(optuna.logging.ERROR)

DATABASE = "sweeps.db"

_HEARTBEAT_S = 20
_GRACE_S = 90  # of silence after which a trial of another machine is taken for dead
_LOCK_TIMEOUT_S = 60  # for SQLite, which lets one process write at a time
_CONNECT_TIMEOUT_S = 10
_MAKING_TABLES = 0x72696773  # any number that other programs will hardly lock in the same database
_HOST, _PROCESS = "host", "process"
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "sqlite": "sqlite"}


def database_url(storage: str, models: Path) -> URL:
    """The address of a database as SQLAlchemy wants it.

    Args:
        storage: `postgresql://USER:PASSWORD@HOST/DATABASE`, `sqlite:///FILE`, or empty: `sweeps.db` below
            `models`.

    Raises:
        BadInput: it is none of these.
    """
    if not storage:
        return URL.create("sqlite", database=str(models / DATABASE))
    hint = "such as: --storage postgresql://rig@host/sweeps"
    try:
        url = make_url(storage)
    except (ArgumentError, ValueError) as error:
        raise BadInput("--storage is not the address of a database", hint=hint) from error
    if url.drivername not in _DRIVERS:
        raise BadInput(f"--storage begins with {url.drivername}://, and cannot be used", hint=hint)
    if url.drivername == "sqlite" and url.database in (None, "", ":memory:"):
        raise BadInput(
            "--storage sqlite:// names no file, so nothing would be kept",
            hint="such as: --storage sqlite:///sweeps.db",
        )
    return url.set(drivername=_DRIVERS[url.drivername])


@contextmanager
def opened_storage(url: URL) -> Iterator[optuna.storages.RDBStorage]:
    """Be connected while the block runs; the tables are made where there are none yet.

    Raises:
        MissingPackage: PostgreSQL's driver is not installed.
        StorageError: the database cannot be reached or used.
    """
    options: dict[str, object] = {"timeout": _LOCK_TIMEOUT_S}
    if url.drivername == "sqlite":
        with storage_errors(Path(url.database or "")):
            Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
    else:
        options = {"connect_timeout": _CONNECT_TIMEOUT_S}
    with _database_errors(url):
        storage = _with_tables(url, options)
        try:
            yield storage
        finally:
            storage.remove_session()
            storage.engine.dispose()


def _with_tables(url: URL, options: dict[str, object]) -> optuna.storages.RDBStorage:
    try:
        with _alone(url, options):
            return _connected(url, options)
    except ImportError as error:
        raise MissingPackage(
            "PostgreSQL needs the package psycopg, which is not installed",
            hint="pip install 'brickrig[postgresql]'",
        ) from error
    except RuntimeError as error:
        raise StorageError(
            f"the database {url.render_as_string()} belongs to another version of Optuna",
            hint="install that version, or use another database",
        ) from error


@contextmanager
def _alone(url: URL, options: dict[str, object]) -> Iterator[None]:
    """Let one process at a time look for tables and make them: two that do so at once fail."""
    if url.drivername == "sqlite":
        folder = Path(url.database or "").parent
        with storage_errors(folder), locked_folder(folder):
            yield
        return
    engine = create_engine(url, connect_args=options, poolclass=NullPool)
    with engine.begin() as connection:  # the server gives the lock back however this process ends
        connection.execute(select(func.pg_advisory_xact_lock(_MAKING_TABLES)))
        yield


def _connected(url: URL, options: dict[str, object]) -> optuna.storages.RDBStorage:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # heartbeats, since 2021
        return optuna.storages.RDBStorage(
            url.render_as_string(hide_password=False),
            engine_kwargs={"connect_args": options},
            heartbeat_interval=_HEARTBEAT_S,
            grace_period=_GRACE_S,
            heartbeat_stale_trial_callback=optuna.storages.RetryHeartbeatStaleTrialCallback(),
        )


@contextmanager
def _database_errors(url: URL) -> Iterator[None]:
    """Say in one line, without the password, what is wrong with a database.

    Raises:
        StorageError: something is.
    """
    try:
        yield
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise StorageError(
            f"the database {url.render_as_string()} cannot be used: {_reason(error, url)}",
            hint="see that the server runs and lets you in, or that the file is a database",
        ) from error


def _reason(error: BaseException, url: URL) -> str:
    """The first line of what the database itself says, which stands at the end of the chain of causes."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    said = lines[0] if lines else type(error).__name__
    return said.replace(str(url.password), "***") if url.password else said


def sign(trial: optuna.Trial) -> None:
    """Write down which process is at a trial."""
    host, process = _this_process()
    trial.set_user_attr(_HOST, host)
    trial.set_user_attr(_PROCESS, process)


def retry_dead_trials(study: optuna.Study) -> None:
    """Have tried again what processes that are dead were at.

    Those of this computer are known at once; of others it takes a silence of 90 s. A process is at one trial
    at a time, so when this one asks it is at none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)
    host, own = _this_process()
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        process = trial.user_attrs.get(_PROCESS, own)
        if trial.user_attrs.get(_HOST) == host and (process == own or not is_running(process)):
            try_again(study, trial.number)


def try_again(study: optuna.Study, number: int) -> None:
    """Give a trial up, and queue another one with the same options."""
    with warnings.catch_warnings(), suppress(ValueError):  # another process may have been quicker
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        failed = study.tell(number, state=TrialState.FAIL)
        optuna.storages.RetryHeartbeatStaleTrialCallback()(study, failed)


def place_of(study: optuna.Study, number: int) -> int:
    """Which recipe a trial tries, from 0: what is tried again has a new number and stays at its place.

    In a sweep that nothing ever broke off these are the numbers of its trials.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        first_of = [
            optuna.storages.RetryHeartbeatStaleTrialCallback.retried_trial_number(trial)
            for trial in study.get_trials(deepcopy=False)
        ]
    own = first_of[number]
    first = number if own is None else own
    return first - sum(other is not None for other in first_of[:first])


def _this_process() -> tuple[str, int]:
    """The computer, by its name and its network card since many have the same name; and the process."""
    return f"{socket.gethostname()} {uuid.getnode():x}", os.getpid()
