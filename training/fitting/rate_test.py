"""The learning-rate range test: a rate that rises step by step, and what it does to the loss."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from rig.errors import NotLearning
from rig.files import write_whole
from training.choices.recipe import Recipe
from training.choices.request import TrainRequest
from training.events import Emit, Fitting
from training.fitting.fit import class_weights, fresh_network
from training.pictures.batches import training_batches
from training.pictures.data import Crops
from training.pictures.withheld import taught
from training.prepare import prepare
from training.progress import Progress
from training.smoothing import smoothed

_STEPS = 120
_BELOW, _ABOVE = 1e-3, 1e2  # of the optimizer's usual rate
_SMOOTHING = 0.9
_DIVERGED = 2.0  # times the first loss, from which on nothing more is to be learnt


@dataclass(frozen=True)
class RateTest:
    """What was seen.

    Attributes:
        rates: (n,) float64, rising by the same factor from step to step.
        losses: (n,) float64, of one batch each, before the step that it led to.
        smoothed: (n,) float64, running mean of the losses.
        suggested: a peak for the schedule.
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    smoothed: NDArray[np.float64]
    suggested: float


def find_rate(request: TrainRequest, picture: Path, emit: Emit) -> RateTest:
    """Try learning rates on a network that is then thrown away, and draw what they do (Smith, 2017).

    One batch a step, of those pictures that the final network would be fitted to, at the size of the first
    phase. It ends early when the loss has doubled.

    Args:
        picture: where the plot goes, a PNG.

    Raises:
        BadInput: the folder does not exist.
        DatasetError: the data cannot be used; names the folder or image.
        NotLearning: the loss falls at no rate, or is no number from the beginning.
        StorageError: the plot cannot be written.
    """
    recipe = request.recipe
    prepared = prepare(request, emit)
    crops, trained = prepared.crops, taught(prepared.crops, prepared.split.final)
    usual = Recipe(optimizer=recipe.optimizer).peak_rate
    rates = np.geomspace(_BELOW * usual, _ABOVE * usual, _STEPS)
    losses = _losses(crops, trained, recipe, request.seed, rates, emit)
    test = judge(rates[: len(losses)], losses)
    write_whole(picture, _drawn(test))
    return test


def judge(rates: NDArray[np.float64], losses: NDArray[np.float64]) -> RateTest:
    """Suggest a tenth of the rate at which the smoothed loss was lowest, as fastai's `lr_find` does.

    Where the loss is lowest it no longer falls: steps are nearly too long already, and the running mean lags
    behind by some of them. A tenth of that lies where the loss falls fast.

    Args:
        rates, losses: (n,) float64 each, as in `RateTest`.

    Raises:
        NotLearning: the loss falls at no rate, or there is none since the very first was no number.
    """
    if not len(losses):
        raise NotLearning(
            "the loss is no number before a step is taken",
            hint="give other --weights if you gave some, and look for odd pictures among the training data",
        )
    means = smoothed(losses.tolist(), _SMOOTHING)
    lowest = int(means.argmin())
    if means[lowest] > 0.95 * means[0]:
        raise NotLearning(
            f"the loss falls at no learning rate from {rates[0]:.1g} to {rates[-1]:.1g}",
            hint="try another --optimizer, and look at the pictures",
        )
    return RateTest(rates, losses, means, float(rates[lowest]) / 10)


def _losses(
    crops: Crops,
    train: NDArray[np.int64],
    recipe: Recipe,
    seed: int,
    rates: NDArray[np.float64],
    emit: Emit,
) -> NDArray[np.float64]:
    model = fresh_network(crops, recipe, seed)
    batches = training_batches(crops, train, recipe, recipe.phases[0], seed=(seed, 0))
    weights = class_weights(crops, train, recipe)
    progress = Progress(len(rates))
    losses: list[float] = []
    for step, rate in enumerate(rates.tolist()):
        model.optimizer.learning_rate = rate
        loss = float(model.train_on_batch(*batches[step], class_weight=weights, return_dict=True)["loss"])
        if not np.isfinite(loss) or loss > _DIVERGED * (losses or [loss])[0]:
            break
        losses.append(loss)
        progress.advance(1)
        emit(
            Fitting(
                stage="a network to try learning rates on",
                epoch=1,
                epochs=1,
                batch=step + 1,
                batches=len(rates),
                loss=loss,
                share_done=progress.share_done,
                seconds_left=progress.seconds_left,
            )
        )
    return np.array(losses)


def _drawn(test: RateTest) -> bytes:
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(test.rates, test.losses, color="lightgrey", label="a batch each")
    axes.plot(test.rates, test.smoothed, label="smoothed")
    axes.axvline(test.suggested, linestyle="--", color="black", label=f"suggested: {test.suggested:.2g}")
    axes.set(xscale="log", xlabel="learning rate", ylabel="loss")
    axes.legend()
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
