"""What a sweep varies of a recipe, and how far."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, StrEnum, auto
from typing import Protocol

from training.choices.augmentation import Strength
from training.choices.recipe import USUAL_RATES, Balance, OptimizerName, Recipe
from training.choices.schedules import ScheduleName


class Choice(StrEnum):
    """What can be searched; each is the option of `rig train` that fixes it."""

    OPTIMIZER = "optimizer"
    LEARNING_RATE = "learning-rate"
    WEIGHT_DECAY = "weight-decay"
    SCHEDULE = "schedule"
    BATCH = "batch"
    LABEL_SMOOTHING = "label-smoothing"
    MIXING = "mixing"
    BALANCE = "balance"
    AUGMENT = "augment"


class Scale(Enum):
    """How the values of a choice lie beside each other."""

    LINEAR = auto()
    LOGARITHMIC = auto()
    NAMES = auto()
    """A few, none of them between two others."""


class Trial(Protocol):
    """What is needed of an optuna.Trial."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number from `low` to `high`."""

    def suggest_categorical(self, name: str, choices: Sequence[str]) -> str:
        """One of these."""


RATE = "learning rate / usual"
"""What is suggested of the learning rate: its ratio to the optimizer's usual one. So a good ratio of one
optimizer says something about the others, whose rates are of other magnitudes."""

_BATCHES = ("16", "32", "64", "128")


@dataclass(frozen=True)
class Candidate:
    """A recipe to try.

    Attributes:
        options: of `rig train`, by their names, with the values that make it.
    """

    recipe: Recipe
    options: Mapping[str, str]


def suggest(trial: Trial, base: Recipe, choices: Sequence[Choice]) -> Candidate:
    """A recipe: what is searched as the trial suggests it, the rest as in `base`.

    Numbers have three digits, so that they can be typed.
    """
    recipe = base
    options: dict[str, str] = {}
    for choice in Choice:
        # Only AdamW decays its weights: elsewhere a decay would be a dimension without effect.
        if choice in choices and (
            choice is not Choice.WEIGHT_DECAY or recipe.optimizer is OptimizerName.ADAMW
        ):
            recipe, options[choice] = _SEARCHES[choice].suggest(trial, recipe)
    return Candidate(recipe, options)


def scale_of(choice: Choice) -> Scale:
    """How its values lie beside each other."""
    return _SEARCHES[choice].scale


@dataclass(frozen=True)
class _Search:
    """What there is to know of a choice.

    Attributes:
        suggest: the recipe with another value of it, and that value as it is typed.
    """

    suggest: Callable[[Trial, Recipe], tuple[Recipe, str]]
    scale: Scale


def _optimizer(trial: Trial, recipe: Recipe) -> tuple[Recipe, str]:
    name = OptimizerName(trial.suggest_categorical("optimizer", list(OptimizerName)))
    return replace(recipe, optimizer=name), name


def _learning_rate(trial: Trial, recipe: Recipe) -> tuple[Recipe, str]:
    ratio = trial.suggest_float(RATE, 0.1, 10.0, log=True)
    rate = _rounded(USUAL_RATES[recipe.optimizer] * ratio)
    return replace(recipe, learning_rate=rate), f"{rate:g}"


def _weight_decay(trial: Trial, recipe: Recipe) -> tuple[Recipe, str]:
    decay = _rounded(trial.suggest_float("weight decay", 1e-4, 0.3, log=True))
    return replace(recipe, weight_decay=decay), f"{decay:g}"


def _schedule(trial: Trial, recipe: Recipe) -> tuple[Recipe, str]:
    name = ScheduleName(trial.suggest_categorical("schedule", list(ScheduleName)))
    return replace(recipe, schedule=name), name


def _batch(trial: Trial, recipe: Recipe) -> tuple[Recipe, str]:
    batch = trial.suggest_categorical("batch", _BATCHES)
    return replace(recipe, batch=int(batch)), batch


def _label_smoothing(trial: Trial, recipe: Recipe) -> tuple[Recipe, str]:
    share = _rounded(trial.suggest_float("label smoothing", 0.0, 0.2))
    return replace(recipe, label_smoothing=share), f"{share:g}"


def _mixing(trial: Trial, recipe: Recipe) -> tuple[Recipe, str]:
    share = _rounded(trial.suggest_float("mixing", 0.0, 0.8))
    return replace(recipe, mixing=share), f"{share:g}"


def _balance(trial: Trial, recipe: Recipe) -> tuple[Recipe, str]:
    sensible = [balance.value for balance in Balance if balance is not Balance.BOTH]
    balance = Balance(trial.suggest_categorical("balance", sensible))
    return replace(recipe, balance=balance), balance


def _augment(trial: Trial, recipe: Recipe) -> tuple[Recipe, str]:
    strength = Strength(trial.suggest_categorical("augment", list(Strength)))
    chosen = strength.augmentation
    flips = recipe.augmentation.flip > 0
    return replace(recipe, augmentation=chosen if flips else chosen.without_flip()), strength


_SEARCHES: dict[Choice, _Search] = {
    Choice.OPTIMIZER: _Search(_optimizer, Scale.NAMES),
    Choice.LEARNING_RATE: _Search(_learning_rate, Scale.LOGARITHMIC),
    Choice.WEIGHT_DECAY: _Search(_weight_decay, Scale.LOGARITHMIC),
    Choice.SCHEDULE: _Search(_schedule, Scale.NAMES),
    Choice.BATCH: _Search(_batch, Scale.NAMES),
    Choice.LABEL_SMOOTHING: _Search(_label_smoothing, Scale.LINEAR),
    Choice.MIXING: _Search(_mixing, Scale.LINEAR),
    Choice.BALANCE: _Search(_balance, Scale.NAMES),
    Choice.AUGMENT: _Search(_augment, Scale.NAMES),
}


def _rounded(number: float) -> float:
    return float(f"{number:.3g}")
