"""The fastest way to a model: the features of each picture once, and a logistic regression on them.

The base stays as its weights are. The regression is multinomial, fitted by L-BFGS (Liu & Nocedal, 1989),
which needs no learning rate, and becomes the network's head, so that all that follows is as usual.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from rig.errors import NotLearning
from training.choices.recipe import Recipe
from training.events import Emit, EpochDone, Fitting
from training.networks.begin import HEAD, features_of
from training.pictures.data import Crops, network_inputs
from training.progress import Progress

_CHUNK = 64
_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)
_USUAL_PENALTY = 1e-2
_MOST_STEPS = 200

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Head:
    """A linear layer.

    Attributes:
        kernel: (features, classes).
        bias: (classes,).
    """

    kernel: Floats
    bias: Floats

    def logits(self, features: Floats) -> Floats:
        """Of (n, features): (n, classes)."""
        return np.asarray(features @ self.kernel + self.bias)


def fit_head(
    model: Any,
    crops: Crops,
    train: NDArray[np.int64],
    validation: NDArray[np.int64],
    recipe: Recipe,
    *,
    stage: str,
    progress: Progress,
    emit: Emit,
) -> None:
    """Give a network (keras.Model) the head that suits its features of some crops.

    The penalty on large weights is the one of least validation loss; where validation is empty, a usual one.

    Args:
        train, validation: indices into `crops`.
        stage: what events call this network.
        progress: of the whole run.

    Raises:
        NotLearning: a feature is no number, as spoilt weights make it; the regression would not notice.
    """
    work = recipe.work(len(train))
    features = _features(
        model, crops, np.concatenate((train, validation)), recipe, stage, work, progress, emit
    )
    if not np.isfinite(features).all():
        raise NotLearning(
            f"the features of {stage} are no numbers", hint="give other --weights, or another --network"
        )
    seen, unseen = features[: len(train)], features[len(train) :]
    targets, judges = crops.targets[train], crops.targets[validation]
    weights = balancing_weights(targets, len(crops.labels), recipe)
    if len(validation):
        heads = [regress(seen, targets, weights, penalty) for penalty in _PENALTIES]
        head = min(heads, key=lambda head: _loss(head, unseen, judges))
    else:
        head = regress(seen, targets, weights, _USUAL_PENALTY)
    model.get_layer(HEAD).set_weights([head.kernel, head.bias])
    named = head.logits(seen).argmax(axis=1)
    emit(
        EpochDone(
            stage=stage,
            epoch=1,
            epochs=1,
            size_px=recipe.size_px,
            loss=_loss(head, seen, targets),
            top1=float((named == targets).mean()),
            validation_loss=_loss(head, unseen, judges) if len(validation) else None,
            validation_top1=_top1(head, unseen, judges) if len(validation) else None,
            kept=True,
            learning_rate=0.0,
            one_class=len(np.unique(named)) == 1,
        )
    )


def balancing_weights(targets: NDArray[np.int64], classes: int, recipe: Recipe) -> Floats:
    """What each picture counts for; their mean is 1."""
    counts = np.bincount(targets, minlength=classes)[targets]
    weights = np.ones(len(targets))
    if recipe.balance.by_sampler:
        weights /= counts
    if recipe.balance.by_loss:
        weights /= counts
    return np.asarray(weights / weights.mean())


def regress(features: Floats, targets: NDArray[np.int64], weights: Floats, penalty: float) -> Head:
    """Multinomial logistic regression with an L2 penalty.

    Args:
        features: (n, features).
        targets: (n,) class indices, of which the greatest occurs.
        weights: (n,), of mean 1.
        penalty: times half the squared weights of the standardised features.
    """
    mean, deviation = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
    standard = (features - mean) / deviation
    one_hot = np.eye(int(targets.max()) + 1)[targets]
    shape = (features.shape[1] + 1, one_hot.shape[1])

    def objective(flat: Floats) -> tuple[float, Floats]:
        kernel, bias = _split(flat.reshape(shape))
        logits = standard @ kernel + bias
        logits -= logits.max(axis=1, keepdims=True)
        powers = np.exp(logits)
        sums = powers.sum(axis=1, keepdims=True)
        losses = np.log(sums[:, 0]) - (logits * one_hot).sum(axis=1)
        slopes = (powers / sums - one_hot) * weights[:, np.newaxis] / len(weights)
        gradient = np.vstack((standard.T @ slopes + penalty * kernel, slopes.sum(axis=0)))
        return float((weights * losses).mean() + penalty / 2 * (kernel**2).sum()), gradient.ravel()

    found = minimize(
        objective, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _MOST_STEPS}
    )
    kernel, bias = _split(found.x.reshape(shape))
    kernel = kernel / deviation[:, np.newaxis]
    return Head(kernel, bias - mean @ kernel)


def _split(table: Floats) -> tuple[Floats, Floats]:
    """Kernel and bias, which is the last row."""
    return table[:-1], table[-1]


def _features(
    model: Any,
    crops: Crops,
    indices: NDArray[np.int64],
    recipe: Recipe,
    stage: str,
    work: float,
    progress: Progress,
    emit: Emit,
) -> Floats:
    """(n, features) of some crops."""
    base = features_of(model)
    chunks = np.array_split(indices, -(-len(indices) // _CHUNK))
    made = []
    for number, chunk in enumerate(chunks, start=1):
        inputs = network_inputs(crops.images[chunk], crops.sizes[chunk], recipe.contrast)
        made.append(base.predict_on_batch(inputs.astype(np.float32)))
        progress.advance(work / len(chunks))
        emit(
            Fitting(
                stage=stage,
                epoch=1,
                epochs=1,
                batch=number,
                batches=len(chunks),
                loss=float("nan"),
                share_done=progress.share_done,
                seconds_left=progress.seconds_left,
            )
        )
    return np.concatenate(made).astype(np.float64)


def _loss(head: Head, features: Floats, targets: NDArray[np.int64]) -> float:
    """Mean cross-entropy."""
    logits = head.logits(features)
    highest = logits.max(axis=1)
    sums = np.log(np.exp(logits - highest[:, np.newaxis]).sum(axis=1)) + highest
    return float((sums - logits[np.arange(len(targets)), targets]).mean())


def _top1(head: Head, features: Floats, targets: NDArray[np.int64]) -> float:
    return float((head.logits(features).argmax(axis=1) == targets).mean())
