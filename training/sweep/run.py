"""Search for a recipe: try many on the same pictures, and keep what validates best.

Random at first, then narrowed: the first trials are drawn at random from the whole space, the later ones by
Optuna's tree-structured Parzen estimator (Bergstra et al., 2011), which draws where the best tenth of the
trials so far lie and the others do not. It narrows each dimension by itself and as far as the scores warrant,
never for good, which a space that is cut down once around the best of a few trials cannot.

Only the validation parts of the split judge; test parts are not even asked.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState
from pydantic import TypeAdapter
from sqlalchemy.engine import URL

from rig.errors import BadInput, DatasetError, Interrupted, NotLearning, RigError
from rig.files import require_room
from rig.model import draft_folder
from training.choices.recipe import Recipe
from training.choices.request import TrainRequest
from training.events import Emit, EpochDone, Fitting, Preparing, TrainEvent
from training.fitting.fit import fit, room_bytes
from training.fitting.unfinished import digest_of_pictures
from training.pictures.data import Crops
from training.pictures.withheld import taught
from training.prepare import Prepared, prepare
from training.progress import Progress
from training.sweep.search import Choice, suggest
from training.sweep.standing import ALLOW_MIXED, DATA, FINISHED, OPTIONS, SEED, Standing, standing_of
from training.sweep.studies import opened_storage, place_of, retry_dead_trials, sign, try_again

RANDOM_TRIALS = 10
"""Trials at the beginning that are drawn at random."""

_UNPRUNED_TRIALS = 5  # which have to be known before another one may be given up
_RECIPE = TypeAdapter(Recipe)
_LEAST_WORKED = 0.05  # trials, before anything is said of the time left


@dataclass(frozen=True)
class SweepRequest:
    """What to search.

    Attributes:
        base: what is trained on; its recipe holds what is not searched, its seed is that of the study. The
            trial at place `n` is fitted with seed + n; see `place_of`. Its model is the name of the study, in
            the folder for its picture.
        database: where the study is kept.
        choices: what is searched.
        trials: so many in all, those of earlier calls and of other processes included.
        seconds: no trial is begun after that; None: no such limit.
    """

    base: TrainRequest
    database: URL
    choices: tuple[Choice, ...] = tuple(Choice)
    trials: int = 40
    seconds: float | None = None

    @property
    def name(self) -> str:
        """Of the study."""
        return self.base.model.name


@dataclass(frozen=True)
class Trying:
    """How far a sweep is.

    Attributes:
        trial: its number, from 0; `fitting` is how far it is.
        trials: how many there are to be.
        share_done: of these, by whatever process, 0 to 1.
        seconds_left: for all of them, at the speed of this process alone; None at the very start.
    """

    trial: int
    fitting: Fitting
    trials: int
    share_done: float
    seconds_left: float | None


SweepEvent = Preparing | Trying
EmitSweep = Callable[[SweepEvent], None]


def sweep(request: SweepRequest, emit: EmitSweep) -> Standing:
    """Begin a study, go on with it, or help those who are at it.

    Raises:
        BadInput: the study was begun with something else.
        DatasetError: the data cannot be used, or no part can be held out to choose by.
        MissingPackage: the driver of the database is not installed.
        StorageError: the database, or the disk, cannot be used.
        Interrupted: it was stopped; the trial under way will be tried again.
    """
    with (
        _told_how_to_go_on(request.name) as trials_begin,
        opened_storage(request.database) as storage,
        draft_folder(request.base.model.parent) as scratch,
    ):
        prepared = prepare(replace(request.base, folds=0), _preparing_told(emit))
        if not prepared.split.final.validated:
            raise DatasetError(
                f"no part of {request.base.data} can be held out, so nothing says which recipe is better",
                hint="capture each part twice, with another brick or in another session",
            )
        require_room(scratch, room_bytes(prepared.parameters))
        study = optuna.create_study(
            storage=storage,
            study_name=request.name,
            sampler=_SeededSampler(request.base.seed),
            pruner=_pruner(request.base.recipe),
            direction="maximize",
            load_if_exists=True,
        )
        _require_same(study, request, prepared.crops)
        trials_begin()
        _Sweep(request, prepared, study, scratch, emit).complete()
        return standing_of(study)


@contextmanager
def _told_how_to_go_on(name: str) -> Iterator[Callable[[], None]]:
    """Whoever is stopped hears that the study goes on, once what this gives was called.

    Before, there may be nothing to go on with: no such database, or pictures of no use.
    """
    have_begun = False

    def begin() -> None:
        nonlocal have_begun
        have_begun = True

    try:
        yield begin
    except (Interrupted, RigError) as error:
        if have_begun:
            error.add_note(f"what was tried is kept; go on with the same command (--name {name})")
        raise


def _preparing_told(emit: EmitSweep) -> Emit:
    """Passes on what `prepare` says."""

    def tell(event: TrainEvent) -> None:
        if isinstance(event, Preparing):
            emit(event)

    return tell


class _Sweep:
    """What one process does of a study."""

    def __init__(
        self, request: SweepRequest, prepared: Prepared, study: optuna.Study, scratch: Path, emit: EmitSweep
    ) -> None:
        self._request = request
        self._crops = prepared.crops
        self._train = taught(self._crops, prepared.split.final)
        self._validation = self._crops.in_groups(prepared.split.final.validated)
        self._study = study
        self._scratch = scratch
        self._emit = emit
        self._began_s = time.monotonic()
        self._tried_here = 0
        self._left = 0

    def complete(self) -> None:
        while self._is_any_left():
            self._study.optimize(self._try, n_trials=1)
            self._tried_here += 1

    def _is_any_left(self) -> bool:
        """Whether a trial is to be begun that no other process is at."""
        seconds = self._request.seconds
        if seconds is not None and time.monotonic() - self._began_s > seconds:
            return False
        retry_dead_trials(self._study)
        taken = self._study.get_trials(deepcopy=False, states=(*FINISHED, TrialState.RUNNING))
        self._left = self._request.trials - len(taken)
        return self._left > 0

    def _try(self, trial: optuna.Trial) -> float:
        """Fit one network; its score on the validation pictures."""
        candidate = suggest(trial, self._request.base.recipe, self._request.choices)
        seed = self._request.base.seed + place_of(self._study, trial.number)
        sign(trial)
        trial.set_user_attr(SEED, seed)
        trial.set_user_attr(OPTIONS, {"epochs": str(candidate.recipe.epochs), **candidate.options})
        watched = _WatchedTrial(trial, partial(self._tell, trial.number))
        folder = self._scratch / str(trial.number)
        folder.mkdir()
        try:
            fit(
                self._crops,
                self._train,
                self._validation,
                candidate.recipe,
                stage=f"trial {trial.number}",
                seed=seed,
                state=folder / "state",
                checkpoint=folder / "best.weights.h5",
                progress=Progress(candidate.recipe.work(len(self._train))),
                emit=watched.note,
            )
        except NotLearning as error:
            raise optuna.TrialPruned from error  # as bad as can be, which is worth knowing
        except Interrupted:
            try_again(self._study, trial.number)
            raise
        finally:
            shutil.rmtree(folder)
        return watched.top1

    def _tell(self, number: int, event: Fitting) -> None:
        """How far it all is, at the speed of this process alone."""
        worked = self._tried_here + event.share_done
        left = self._left - event.share_done
        speed = worked / (time.monotonic() - self._began_s)
        trials = self._request.trials
        self._emit(
            Trying(
                trial=number,
                fitting=event,
                trials=trials,
                share_done=1 - left / trials,
                seconds_left=left / speed if worked > _LEAST_WORKED else None,
            )
        )


class _WatchedTrial:
    """Reports the epochs of a trial, and gives it up where others did better.

    Attributes:
        top1: of the weights that would be kept, on the validation pictures.
    """

    def __init__(self, trial: optuna.Trial, tell: Callable[[Fitting], None]) -> None:
        self._trial = trial
        self._tell = tell
        self.top1 = 0.0

    def note(self, event: TrainEvent) -> None:
        """Listen to the fit.

        Raises:
            optuna.TrialPruned: the trial is given up.
        """
        if isinstance(event, Fitting):
            self._tell(event)
        elif isinstance(event, EpochDone):
            assert event.validation_top1 is not None, "there are validation pictures"
            if event.kept:
                self.top1 = event.validation_top1
            self._trial.report(event.validation_top1, event.epoch)
            if event.epoch < event.epochs and self._trial.should_prune():
                raise optuna.TrialPruned


class _SeededSampler(optuna.samplers.BaseSampler):
    """Draws each dimension of each trial by a seed of its own, its place's: a study that goes on draws as one
    that never stopped."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        place = place_of(study, trial.number)
        seeds = np.random.SeedSequence((self._seed, place, *param_name.encode()))
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=RANDOM_TRIALS, seed=int(seeds.generate_state(1)[0])
        )
        return sampler.sample_independent(study, trial, param_name, param_distribution)


def _pruner(recipe: Recipe) -> optuna.pruners.BasePruner:
    """Gives up what is worse than the median of the others at the same epoch, but not in the first third.

    Not Hyperband: it compares networks after a few epochs, when these are still at small pictures and some
    schedules have hardly begun to rise.
    """
    return optuna.pruners.MedianPruner(n_startup_trials=_UNPRUNED_TRIALS, n_warmup_steps=recipe.epochs // 3)


def _require_same(study: optuna.Study, request: SweepRequest, crops: Crops) -> None:
    """See that a study goes on as it was begun; write down how, where it begins.

    Raises:
        BadInput: it was begun otherwise.
    """
    now = {
        "other pictures": digest_of_pictures(crops),
        "another seed": str(request.base.seed),
        "other options": _RECIPE.dump_json(request.base.recipe).decode(),
        "another choice of what is searched": ", ".join(request.choices),
    }
    if not study.user_attrs:
        for name, value in now.items():
            study.set_user_attr(name, value)
        study.set_user_attr(DATA, str(request.base.data))
        study.set_user_attr(ALLOW_MIXED, request.base.allow_mixed)
    for name, value in now.items():
        if study.user_attrs.get(name, value) != value:
            raise BadInput(
                f"the sweep {request.name} was begun with {name}",
                hint="go on as it was begun, or begin one by another --name",
            )
