"""What a sweep has come to so far; without TensorFlow, so that it can be looked at quickly."""

from dataclasses import dataclass, field
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.engine import URL

from rig.errors import BadInput
from training.sweep.studies import opened_storage

OPTIONS, SEED = "options", "seed"
"""What is kept beside each trial."""

DATA, ALLOW_MIXED = "data", "allow mixed"
"""What is kept beside a study, for the command that fits its best network again."""

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
_LEAST_FOR_IMPORTANCE = 10


@dataclass(frozen=True)
class Tried:
    """A trial that is over.

    Attributes:
        number: from 0.
        top1: on the validation pictures, of the weights that would be kept; of one that was given up, the
            best so far; None where it learnt nothing.
        given_up: it was ended early, since others were better at the same epoch, or it did not learn.
        epochs: that were fitted.
        seed: of the network.
        options: of `rig train`, by their names.
    """

    number: int
    top1: float | None
    given_up: bool
    epochs: int
    seed: int
    options: dict[str, str]


@dataclass(frozen=True)
class Standing:
    """What a study has come to.

    Attributes:
        tried: trials that are over, in their order.
        running: trials that other processes are at.
        data: the folder of its pictures, as whoever began it called it; empty where nobody wrote it down.
        allow_mixed: simulated and real pictures might come together.
        importance: share of each dimension in how well trials do, by PED-ANOVA (Watanabe et al., 2023); none
            while too few are known.
    """

    name: str
    tried: tuple[Tried, ...]
    running: int = 0
    data: str = ""
    allow_mixed: bool = False
    importance: dict[str, float] = field(default_factory=dict)

    @property
    def ranked(self) -> list[Tried]:
        """Those that were fitted to their end, the best first, the earlier of two equals first."""
        complete = [tried for tried in self.tried if not tried.given_up and tried.top1 is not None]
        return sorted(complete, key=lambda tried: (-(tried.top1 or 0), tried.number))

    @property
    def best(self) -> Tried | None:
        """None while no trial has been fitted to its end."""
        return next(iter(self.ranked), None)


def standing(name: str, database: URL) -> Standing:
    """What a study has come to so far.

    Raises:
        BadInput: there is no study of this name.
        StorageError: the database cannot be used.
    """
    absent = BadInput(f"there is no sweep named {name}", hint="begin one with: rig sweep")
    if database.drivername == "sqlite" and not Path(database.database or "").is_file():
        raise absent  # to ask alone makes no database
    with opened_storage(database) as storage:
        try:
            study = optuna.load_study(study_name=name, storage=storage)
        except KeyError:
            raise absent from None
        return standing_of(study)


def standing_of(study: optuna.Study) -> Standing:
    """What an open study has come to."""
    trials = study.get_trials(deepcopy=False)
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    return Standing(
        name=study.study_name,
        tried=tuple(_tried(trial) for trial in trials if trial.state in FINISHED),
        running=sum(trial.state is TrialState.RUNNING for trial in trials),
        data=study.user_attrs.get(DATA, ""),
        allow_mixed=study.user_attrs.get(ALLOW_MIXED, False),
        importance=dict(optuna.importance.get_param_importances(study))
        if len(complete) >= _LEAST_FOR_IMPORTANCE
        else {},
    )


def _tried(trial: FrozenTrial) -> Tried:
    scores = trial.intermediate_values.values()
    given_up = trial.state is TrialState.PRUNED
    return Tried(
        number=trial.number,
        top1=max(scores, default=None) if given_up else trial.value,
        given_up=given_up,
        epochs=len(scores),
        seed=trial.user_attrs[SEED],
        options=trial.user_attrs[OPTIONS],
    )
