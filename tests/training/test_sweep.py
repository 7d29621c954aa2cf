"""Real sweeps of tiny networks: killed and gone on with, shared by processes, judged on validation parts."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import optuna
import pytest
import typer
from optuna.trial import TrialState

from rig.cli.main import app
from rig.dataset.reader import read_dataset
from rig.errors import BadInput, DatasetError, Interrupted, StorageError
from tests.training.conftest import ignore, write_shapes
from training.choices.names import SMALL_CNN
from training.choices.recipe import Phase, Recipe
from training.choices.request import TrainRequest
from training.prepare import prepare
from training.sweep.picture import draw_sweep
from training.sweep.run import SweepEvent, SweepRequest, Trying, sweep
from training.sweep.search import RATE, Choice, Scale, scale_of, suggest
from training.sweep.standing import standing
from training.sweep.studies import database_url, opened_storage

RECIPE = Recipe(network=SMALL_CNN, phases=(Phase(16, 2),), least_images=32)
CHOICES = (Choice.LEARNING_RATE, Choice.BATCH)


def request_for(
    data: Path, models: Path, *, trials: int, storage: str = "", recipe: Recipe = RECIPE
) -> SweepRequest:
    """A sweep named s."""
    base = TrainRequest(data=data, model=models / "s", folds=0, recipe=recipe, seed=5)
    return SweepRequest(base, database_url(storage, models), CHOICES, trials)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three shapes, each as five parts, of which one validates and one tests."""
    return write_shapes(tmp_path_factory.mktemp("sweep"), parts=tuple("abcde"), views=1)


@contextmanager
def _study(request: SweepRequest) -> Iterator[optuna.Study]:
    with opened_storage(request.database) as storage:
        yield optuna.create_study(
            storage=storage, study_name=request.name, direction="maximize", load_if_exists=True
        )


_KILLED = """
import os, signal, sys
from pathlib import Path
from tests.training import test_sweep
from training.sweep.run import Trying, sweep

def kill(event):
    if isinstance(event, Trying) and (event.trial, event.fitting.epoch) == (1, 2):
        os.kill(os.getpid(), signal.SIGKILL)

sweep(test_sweep.request_for(Path(sys.argv[1]), Path(sys.argv[2]), trials=2), kill)
"""


def test_a_sweep_that_is_killed_or_stopped_goes_on(data: Path, tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(data), str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    request = request_for(data, tmp_path, trials=2)
    assert [tried.number for tried in standing("s", request.database).tried] == [0]

    def interrupt(event: SweepEvent) -> None:
        if isinstance(event, Trying):
            raise Interrupted

    with pytest.raises(Interrupted) as caught:
        sweep(request, interrupt)
    assert "go on with the same command (--name s)" in caught.value.__notes__[0]
    events: list[SweepEvent] = []
    result = sweep(request, events.append)
    with _study(request) as study:
        tries = study.trials
    assert [trial.state for trial in tries] == [
        TrialState.COMPLETE,
        TrialState.FAIL,  # killed
        TrialState.FAIL,  # the same options again, interrupted
        TrialState.COMPLETE,
    ]
    assert tries[1].params == tries[2].params == tries[3].params != tries[0].params
    assert [tried.seed for tried in result.tried] == [5, 6]
    assert not result.running
    shares = [event.share_done for event in events if isinstance(event, Trying)]
    assert shares == sorted(shares)
    assert shares[0] > 1 / 2
    assert shares[-1] == pytest.approx(1)
    assert result.best == max(result.tried, key=lambda tried: (tried.top1 or 0, -tried.number))

    draw_sweep(result, tmp_path / "s.png")
    drawn = cv2.imread(str(tmp_path / "s.png"))
    assert drawn is not None
    assert drawn.shape[1] > 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.png", "sweeps.db"]

    assert sweep(request, events.append) == result  # there is nothing left to be tried
    with pytest.raises(BadInput, match="the sweep s was begun with another seed"):
        sweep(replace(request, base=replace(request.base, seed=6)), ignore)

    # What follows is drawn as if nothing had happened.
    whole = sweep(request_for(data, tmp_path / "unbroken", trials=3), ignore)
    broken = sweep(replace(request, trials=3), ignore)
    assert [tried.number for tried in broken.tried] == [0, 3, 4]
    assert [replace(tried, number=0) for tried in broken.tried] == [
        replace(tried, number=0) for tried in whole.tried
    ]

    # With noise in the place of the parts that test, the same recipe has the very same score.
    spoilt = tmp_path / "spoilt"
    shutil.copytree(data, spoilt)
    tested = prepare(request.base, ignore).split.final.tested
    assert len(tested) == 3
    rng = np.random.default_rng(0)
    for sample in read_dataset(spoilt).samples:
        if sample.group_key in tested:
            assert cv2.imwrite(str(sample.path), rng.integers(0, 256, (120, 160, 3), np.uint8))
    assert sweep(request_for(spoilt, tmp_path / "models", trials=1), ignore).tried == result.tried[:1]


def test_what_falls_behind_is_given_up(data: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, phases=(Phase(16, 6),))
    request = request_for(data, tmp_path, trials=6, recipe=recipe)
    with _study(request) as study:
        for _ in range(5):  # better than any network can be
            study.add_trial(
                optuna.create_trial(
                    value=1.1,
                    intermediate_values=dict.fromkeys(range(1, 7), 1.1),
                    user_attrs={"options": {}, "seed": 0},
                )
            )
    events: list[SweepEvent] = []
    tried = sweep(request, events.append).tried[-1]
    assert (tried.given_up, tried.epochs) == (True, 2)  # a third is waited for
    assert max(event.fitting.epoch for event in events if isinstance(event, Trying)) == 2


def test_parts_of_which_nothing_can_be_held_out_are_refused(tmp_path: Path) -> None:
    data = write_shapes(tmp_path / "data", parts=("only",), views=1)
    with pytest.raises(DatasetError, match=r"no part of .*data can be held out"):
        sweep(request_for(data, tmp_path / "models", trials=1), ignore)


def test_options_are_those_of_rig_train() -> None:
    """What is typed makes the recipe that was tried."""
    command = typer.main.get_command(app).get_command(typer.Context(typer.main.get_command(app)), "train")  # type: ignore[attr-defined]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(30):
        candidate = suggest(study.ask(), Recipe(), tuple(Choice))
        words = [word for option, value in candidate.options.items() for word in (f"--{option}", value)]
        typed = command.make_context("train", words).params
        recipe = candidate.recipe
        assert typed["augment"].augmentation == recipe.augmentation
        for name in (
            "optimizer",
            "learning_rate",
            "weight_decay",
            "schedule",
            "batch",
            "label_smoothing",
            "mixing",
            "balance",
        ):
            assert typed[name] == getattr(recipe, name)


@pytest.mark.parametrize("choice", Choice)
def test_each_choice_lies_on_the_scale_that_it_is_drawn_from(choice: Choice) -> None:
    """So it is drawn as the sweep searches it."""
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
    suggest(trial, Recipe(), (choice,))
    (searched,) = trial.distributions.values()
    if isinstance(searched, optuna.distributions.FloatDistribution):
        assert scale_of(choice) is (Scale.LOGARITHMIC if searched.log else Scale.LINEAR)
    else:
        assert scale_of(choice) is Scale.NAMES


def test_a_database_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    for storage, said in (
        ("mysql://host/sweeps", "--storage begins with mysql://, and cannot be used"),
        ("sweeps", "--storage is not the address of a database"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ):
        with pytest.raises(BadInput, match=said):
            database_url(storage, tmp_path)
    unreachable = database_url("postgresql://rig:secret@127.0.0.1:1/sweeps", tmp_path)
    with pytest.raises(StorageError, match=r"^the database postgresql\+psycopg://rig:\*\*\*@127") as caught:
        standing("s", unreachable)
    assert "refused" in caught.value.what
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match="there is no sweep named s"):
        standing("s", database_url("", tmp_path))


def test_a_missing_driver_is_named() -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from training.sweep.studies import database_url, opened_storage\n"
        "from rig.errors import MissingPackage\n"
        "try: opened_storage(database_url('postgresql://host/sweeps', None)).__enter__()\n"
        "except MissingPackage as error: sys.exit(0 if 'brickrig[postgresql]' in error.hint else 1)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _postgres() -> Path:
    """The folder of Debian's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not found:
        pytest.skip("PostgreSQL is not installed here")
    return found[-1]


@pytest.fixture
def server() -> Iterator[str]:
    """A fresh PostgreSQL on a Unix socket; its address. It will not run as root, so then as `nobody`."""
    programs = _postgres()
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    # Not below pytest's folders: those are for their owner alone, and too long for the name of a socket.
    folder = Path(tempfile.mkdtemp(prefix="rig-pg-"))
    os.chown(folder, user.pw_uid, user.pw_gid)

    def run(*command: str) -> None:
        own = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        done = subprocess.run(
            [programs / command[0], *command[1:]],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
            **own,  # type: ignore[call-overload]
        )
        assert done.returncode == 0, done.stderr

    data = str(folder / "data")
    try:
        run("initdb", "-D", data, "-U", "rig", "--auth=trust", "--no-sync", "--locale=C", "-E", "UTF8")
        listen = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "start", "-w", "-D", data, "-l", str(folder / "log"), "-o", listen)
        try:
            yield f"postgresql://rig@/postgres?host={folder}"
        finally:
            run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)
    finally:
        shutil.rmtree(folder)


_OPENED = """
import sys
from pathlib import Path
from training.sweep.studies import database_url, opened_storage

print("ready", flush=True)
sys.stdin.readline()
with opened_storage(database_url(sys.argv[1], Path(sys.argv[2]))):
    pass
"""


def _open_together(storage: str, folder: Path) -> list[int]:
    """How processes end that all open a database without tables at the same moment."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _OPENED, storage, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
    return [process.returncode for process in processes]


def test_processes_that_make_the_tables_of_one_file_wait_for_each_other(tmp_path: Path) -> None:
    assert _open_together("", tmp_path) == [0] * 4


def test_processes_that_make_the_tables_of_one_server_wait_for_each_other(
    tmp_path: Path, server: str
) -> None:
    assert _open_together(server, tmp_path) == [0] * 4


_SHARED = """
import sys
from pathlib import Path
from tests.training import test_sweep
from training.sweep.run import Trying, sweep

told = []

def wait(event):
    if isinstance(event, Trying) and not told:
        told.append(event)
        print(event.trial, flush=True)
        sys.stdin.readline()

sweep(test_sweep.request_for(Path(sys.argv[1]), Path(sys.argv[2]), trials=2, storage=sys.argv[3]), wait)
"""


def test_two_processes_share_a_study_in_postgresql(data: Path, tmp_path: Path, server: str) -> None:
    """Each waits in the midst of a trial until the other is in the midst of one, too."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _SHARED, str(data), str(tmp_path / name), server],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "other")
    ]
    began = [process.stdout.readline() for process in processes if process.stdout]
    assert sorted(began) == ["0\n", "1\n"]
    for process in processes:
        process.communicate("\n")
    assert [process.returncode for process in processes] == [0, 0]
    request = request_for(data, tmp_path, trials=2, storage=server)
    assert sorted(tried.number for tried in standing("s", request.database).tried) == [0, 1]
    with _study(request) as study:
        assert {trial.user_attrs["process"] for trial in study.trials} == {one.pid for one in processes}
        assert len({trial.params[RATE] for trial in study.trials}) == 2
